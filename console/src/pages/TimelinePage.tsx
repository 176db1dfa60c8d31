/** The upgrade from its first step to its last, with the sentence each has left. */
import { useParams } from "wouter";
import { useTimeline } from "../api/queries";
import type { OperationRun } from "../api/schema";
import { Time } from "../format/Time";
import { milliseconds } from "../format/numbers";
import { OutageClock } from "../migration/OutageClock";
import { Steps } from "../migration/Steps";
import { ClusterHead } from "../parts/ClusterHead";
import { ProblemAlert } from "../parts/ProblemAlert";
import { Section } from "../parts/Section";
import { Answered, Empty } from "../parts/States";
import { Status } from "../parts/Status";
import { operationTitle } from "../words";

export default function TimelinePage() {
  const { id = "" } = useParams();
  const runs = useTimeline(id);
  return (
    <>
      <ClusterHead id={id} />
      <Answered query={runs} what="the timeline">
        {(rows) =>
          rows.length === 0 ? (
            <Empty>Nothing has happened yet.</Empty>
          ) : (
            rows.toReversed().map((run) => <OneRun key={run.id} run={run} />)
          )
        }
      </Answered>
    </>
  );
}

const TONES = { started: "busy", finished: "good", failed: "bad" } as const;

function OneRun({ run }: { run: OperationRun }) {
  const tone = TONES[run.state as keyof typeof TONES] ?? "idle";
  return (
    <Section title={operationTitle(run.name)} extra={<Status word={run.state} tone={tone} />}>
      <p className="faint" style={{ marginBottom: 12 }}>
        <Time at={run.began_at} /> {run.ended_at && <>to {<Time at={run.ended_at} clock />}</>}
        {run.outage_ms !== null && `; applications could not write for ${milliseconds(run.outage_ms)}`}
      </p>
      {run.error && <ProblemAlert error={new Error(run.error)} />}
      {run.state === "started" && run.blocked_at && <OutageClock run={run} />}
      <Steps steps={run.steps} live={run.state === "started"} />
    </Section>
  );
}
