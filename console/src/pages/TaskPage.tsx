/** A sync task: its steps, its two sides, its tables. */
import Alert from "antd/es/alert";
import { Link, useParams } from "wouter";
import { useMigrations, useTask } from "../api/queries";
import type { SyncTask } from "../api/schema";
import { Time } from "../format/Time";
import { bytes, count, duration, percent } from "../format/numbers";
import { Facts } from "../parts/Facts";
import { Section } from "../parts/Section";
import { Answered } from "../parts/States";
import { Status } from "../parts/Status";
import { ResumeButton } from "../task/ResumeButton";
import { Sides } from "../task/Sides";
import { TaskHead } from "../task/TaskHead";
import { TaskTables } from "../task/TaskTables";

export default function TaskPage() {
  const { id = "" } = useParams();
  const task = useTask(id);
  const { data: migrations = [] } = useMigrations();
  const migration = migrations.find((one) => one.task_id === id);
  return (
    <>
      <TaskHead id={id} />
      <Answered query={task} what="the sync task">
        {(data) => (
          <>
            <Trouble task={data} />
            <Section title="Basic Information">
              <TaskFacts task={data} clusterId={migration?.cluster_id} />
            </Section>
            {migration && <Sides migration={migration} />}
          </>
        )}
      </Answered>
      <TaskTables taskId={id} />
    </>
  );
}

function Trouble({ task }: { task: SyncTask }) {
  if (!task.error) return null;
  return (
    <Alert
      className="problem"
      type="error"
      showIcon
      title={`${task.error_code}: ${task.error}`}
      description={task.remedy}
      action={<ResumeButton task={task} />}
    />
  );
}

const STAGES = ["schema", "full", "incremental"];

function stageWord(task: SyncTask, stage: string): string {
  const at = STAGES.indexOf(task.stage);
  const place = STAGES.indexOf(stage);
  if (place < at) return "done";
  if (place > at) return "waiting";
  if (stage === "full" && task.rows_estimated > 0) {
    return percent((100 * task.rows_copied) / Math.max(task.rows_estimated, task.rows_copied));
  }
  return task.status === "Finished" ? "ended" : "under way";
}

function TaskFacts({ task, clusterId }: { task: SyncTask; clusterId: string | undefined }) {
  const latency = task.lag_seconds === null ? task.stalled_because || "not known yet" : duration(task.lag_seconds);
  return (
    <Facts
      facts={[
        ["Task instance ID", task.id],
        ["Task name", task.name],
        ["Migration", clusterId ? <Link href={`/clusters/${clusterId}`}>{clusterId}</Link> : "–"],
        ["Status", <Status word={task.status} />],
        ["Direction", task.direction === "Reverse" ? "cluster → source" : "source → cluster"],
        ["Schema synchronization", stageWord(task, "schema")],
        ["Full synchronization", stageWord(task, "full")],
        ["Incremental synchronization", stageWord(task, "incremental")],
        ["Replication latency", latency],
        ["Rows copied", `${count(task.rows_copied)} of about ${count(task.rows_estimated)}`],
        ["Data copied", bytes(task.bytes_copied)],
        ["Copied in", task.copy_seconds === null ? "–" : duration(task.copy_seconds)],
        ["Rows verified", `${count(task.rows_verified)}, ${count(task.differences)} differ`],
        ["Verified", <Time at={task.verified_at} />],
        ["Position read", <code>{task.origin_position || "–"}</code>],
        ["Position applied", <code>{task.applied_position || "–"}</code>],
        ["Created", <Time at={task.created_at} />],
        ["Billing method", "free, part of the migration"],
      ]}
    />
  );
}
