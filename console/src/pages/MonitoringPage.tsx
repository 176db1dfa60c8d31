/** Performance monitoring: speeds and latency of a sync task, as pictures; and its limits. */
import { useParams } from "wouter";
import { useSamples, useTask } from "../api/queries";
import type { TaskSample } from "../api/schema";
import { bytes, duration, speed } from "../format/numbers";
import { Chart, type Line } from "../parts/Chart";
import { Section } from "../parts/Section";
import { Answered, Empty } from "../parts/States";
import { RateForm } from "../task/RateForm";
import { TaskHead } from "../task/TaskHead";

type Figure = (sample: TaskSample) => number | null;

interface Picture {
  title: string;
  format: (value: number) => string;
  lines: [string, Figure][];
}

const perSecond = (format: (value: number) => string) => (value: number) => `${format(value)}/s`;

const PICTURES: Picture[] = [
  { title: "Replication latency", format: duration, lines: [["Latency", (one) => one.lag_seconds]] },
  {
    title: "Rows",
    format: perSecond(speed),
    lines: [
      ["Copied", (one) => one.rows_per_second],
      ["Row events applied", (one) => one.row_events_per_second],
      ["Verified", (one) => one.rows_verified_per_second],
    ],
  },
  {
    title: "Data",
    format: perSecond(bytes),
    lines: [
      ["Copied", (one) => one.bytes_per_second],
      ["Binary log applied", (one) => one.stream_bytes_per_second],
    ],
  },
  { title: "Transactions", format: perSecond(speed), lines: [["Applied", (one) => one.transactions_per_second]] },
  { title: "Spool", format: bytes, lines: [["Waiting on disk", (one) => one.spool_bytes]] },
  {
    title: "Share of full speed that copy and verification are allowed",
    format: (value) => `${Math.round(value)} %`,
    lines: [["Share", (one) => 100 * one.share]],
  },
];

export default function MonitoringPage() {
  const { id = "" } = useParams();
  const samples = useSamples(id);
  const task = useTask(id);
  return (
    <>
      <TaskHead id={id} />
      <Answered query={samples} what="the samples">
        {(rows) =>
          rows.length === 0 ? (
            <Empty>Nothing was measured in the last hour.</Empty>
          ) : (
            <div className="columns">
              {PICTURES.map((picture) => (
                <Section key={picture.title} title={picture.title}>
                  <Chart label={picture.title} format={picture.format} lines={linesOf(picture, rows)} />
                </Section>
              ))}
            </div>
          )
        }
      </Answered>
      <Section title="Migration rate">
        <Answered query={task} what="the limits">
          {(data) => <RateForm key={JSON.stringify(data.rate)} task={data} />}
        </Answered>
      </Section>
    </>
  );
}

function linesOf(picture: Picture, samples: TaskSample[]): Line[] {
  return picture.lines.map(([name, figure]) => ({
    name,
    points: samples.map((sample) => [Date.parse(sample.at), figure(sample)]),
  }));
}
