/** An operation while it runs, step by step, and how the last one ended. */
import Alert from "antd/es/alert";
import { Link } from "wouter";
import type { Migration, OperationRun } from "../api/schema";
import { Ago } from "../format/Time";
import { milliseconds } from "../format/numbers";
import { Bar } from "../parts/Bar";
import { Section } from "../parts/Section";
import { operationTitle } from "../words";
import { CopyProgress } from "./CopyProgress";
import { OutageClock } from "./OutageClock";
import { Steps } from "./Steps";

const SHOWN_AFTERWARDS_MILLISECONDS = 15 * 60_000;

interface LiveOperationProps {
  migration: Migration;
  run: OperationRun | undefined;
}

export function LiveOperation({ migration, run }: LiveOperationProps) {
  if (!run) return null;
  if (run.state === "started") return <Running migration={migration} run={run} />;
  if (!run.ended_at || Date.now() - Date.parse(run.ended_at) > SHOWN_AFTERWARDS_MILLISECONDS) return null;
  return <Ended run={run} />;
}

function Running({ migration, run }: { migration: Migration; run: OperationRun }) {
  const moves = run.name === "switch_over" || run.name === "roll_back";
  const done = run.steps.filter((step) => step.state === "done").length;
  return (
    <Section
      title={`${operationTitle(run.name)} is under way`}
      extra={<Bar percent={(100 * done) / Math.max(1, run.steps.length)} label="Steps done" text={`${done} of ${run.steps.length} steps`} />}
    >
      <p className="faint" style={{ marginBottom: 12 }}>
        It runs in the server. You may close this page and come back; it is on the timeline too.
      </p>
      {moves && <OutageClock run={run} />}
      {run.name === "upgrade" && <CopyProgress migration={migration} />}
      <div aria-live="polite">
        <Steps steps={run.steps} live />
      </div>
    </Section>
  );
}

function Ended({ run }: { run: OperationRun }) {
  const finished = run.state === "finished";
  const title = `${operationTitle(run.name)} ${finished ? "is done" : "failed"}`;
  const waited =
    run.outage_ms === null ? "" : `Applications could not write for ${milliseconds(run.outage_ms)}. `;
  return (
    <Alert
      className="problem"
      type={finished ? "success" : "error"}
      showIcon
      title={title}
      description={
        <>
          {run.error} {waited}
          {run.ended_at && <Ago at={run.ended_at} />}.{" "}
          <Link href={`/clusters/${run.cluster_id}/timeline`}>See every step</Link>
        </>
      }
    />
  );
}
