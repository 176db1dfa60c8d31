/** The RDS Migration section: where the migration stands and what can be done now. */
import { Link } from "wouter";
import Alert from "antd/es/alert";
import type { Migration } from "../api/schema";
import { milliseconds } from "../format/numbers";
import { DaysLeft } from "../parts/DaysLeft";
import { Facts, type Fact } from "../parts/Facts";
import { Latency } from "../parts/Latency";
import { MigrationStatus } from "../parts/MigrationTable";
import { Section } from "../parts/Section";
import { methodTitle, mode } from "../words";
import { Actions } from "./Actions";

export function MigrationSection({ migration }: { migration: Migration }) {
  return (
    <Section title="RDS Migration" extra={<Actions migration={migration} />}>
      <Troubles migration={migration} />
      <Facts facts={factsOf(migration)} />
    </Section>
  );
}

function factsOf(migration: Migration): Fact[] {
  const task = migration.task;
  return [
    ["Status", <MigrationStatus migration={migration} />],
    [
      "Replication Latency",
      <span className={migration.lag_seconds === null ? "" : "big"} data-testid="latency">
        <Latency migration={migration} />
      </span>,
    ],
    ["Source RDS Read/Write Status", mode(migration.source_mode)],
    ["Cluster Read/Write Status", mode(migration.cluster_mode)],
    ["Source instance", <Link href={`/instances/${migration.instance_id}`}>{migration.instance_id}</Link>],
    ["DTS Data Synchronization Task", <Link href={`/tasks/${migration.task_id}`}>{migration.task_id}</Link>],
    ["Method", methodTitle(migration.method)],
    ["Days left to complete", <DaysLeft migration={migration} />],
    ["Verified", <Verified migration={migration} />],
    ["Way back", <WayBack migration={migration} />],
    ...outage("switchover", migration.switch_outage_ms),
    ...outage("rollback", migration.rollback_outage_ms),
    ...(task?.throttled_because ? [["Slowed down", task.throttled_because] satisfies Fact] : []),
  ];
}

function outage(move: string, value: number | null): Fact[] {
  return value === null ? [] : [[`Write outage of the last ${move}`, milliseconds(value)]];
}

/** Everything that needs a person, worst first. */
function Troubles({ migration }: { migration: Migration }) {
  const task = migration.task;
  const found: [string, string | undefined][] = [
    [migration.comment, undefined],
    [task?.error ?? "", task?.remedy],
    [task?.rogue ? `Somebody else wrote to the side that follows: ${task.rogue}` : "", undefined],
    [task?.rollback_impossible_because ?? "", undefined],
  ];
  const told = new Set<string>();
  return found
    .filter(([sentence]) => sentence && !told.has(sentence) && told.add(sentence))
    .map(([sentence, remedy]) => (
      <Alert
        key={sentence}
        className="problem"
        type="error"
        showIcon
        title={`Error Message: ${sentence}`}
        description={remedy}
      />
    ));
}

function Verified({ migration }: { migration: Migration }) {
  const task = migration.task;
  const to = `/clusters/${migration.cluster_id}/verification`;
  if (!task || task.verified_at === null) return <Link href={to}>not completely yet</Link>;
  if (task.differences > 0) return <Link href={to} className="bad">{`${task.differences} differences`}</Link>;
  return <Link href={to}>every row, no difference</Link>;
}

function WayBack({ migration }: { migration: Migration }) {
  if (migration.rollback_ready === null) return <span className="faint">–</span>;
  if (migration.rollback_ready) return <span className="good">open: can be rolled back now</span>;
  return <span className="bad">{migration.rollback_blocked_because}</span>;
}
