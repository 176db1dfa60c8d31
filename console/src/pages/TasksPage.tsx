/** All sync tasks: which way they run, where they are, how fast. */
import { Link } from "wouter";
import { useMigrations } from "../api/queries";
import type { Migration } from "../api/schema";
import { count } from "../format/numbers";
import { DataTable, type Column } from "../parts/DataTable";
import { Latency } from "../parts/Latency";
import { PageHead } from "../parts/PageHead";
import { Section } from "../parts/Section";
import { Answered } from "../parts/States";
import { Status } from "../parts/Status";

const COLUMNS: Column<Migration>[] = [
  { title: "Task ID", render: (row) => <Link href={`/tasks/${row.task_id}`}>{row.task_id}</Link>, sortBy: (row) => row.task_id },
  { title: "Source", render: (row) => <Link href={`/instances/${row.instance_id}`}>{row.instance_id}</Link> },
  { title: "Target", render: (row) => <Link href={`/clusters/${row.cluster_id}`}>{row.cluster_id}</Link> },
  { title: "Direction", render: (row) => (row.task?.direction === "Reverse" ? "cluster → source" : "source → cluster") },
  { title: "Status", render: (row) => <Status word={row.task?.status ?? ""} />, sortBy: (row) => row.task?.status ?? "" },
  { title: "Step", render: (row) => row.task?.stage ?? "–", sortBy: (row) => row.task?.stage ?? "" },
  { title: "Latency", render: (row) => <Latency migration={row} />, sortBy: (row) => row.lag_seconds },
  { title: "Rows copied", render: (row) => count(row.task?.rows_copied ?? 0), sortBy: (row) => row.task?.rows_copied ?? 0, numeric: true },
];

export default function TasksPage() {
  const migrations = useMigrations();
  return (
    <>
      <PageHead title="Sync tasks" />
      <Section title="Sync tasks of migrations">
        <Answered query={migrations} what="the sync tasks">
          {(rows) => (
            <DataTable
              label="Sync tasks"
              rows={rows.filter((row) => row.task !== null)}
              columns={COLUMNS}
              rowKey={(row) => row.task_id}
              empty="There is no sync task. Each migration has one."
            />
          )}
        </Answered>
      </Section>
    </>
  );
}
