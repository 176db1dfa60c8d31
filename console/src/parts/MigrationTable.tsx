/** Migrations in a table: where they stand, who writes, how far behind. */
import { Link } from "wouter";
import type { Migration } from "../api/schema";
import { migrationStatus, mode, operationTitle } from "../words";
import { DataTable, type Column } from "./DataTable";
import { DaysLeft } from "./DaysLeft";
import { Latency } from "./Latency";
import { Status } from "./Status";

const COLUMNS: Column<Migration>[] = [
  {
    title: "Cluster",
    render: (row) => <Link href={`/clusters/${row.cluster_id}`}>{row.cluster_id}</Link>,
    sortBy: (row) => row.cluster_id,
  },
  {
    title: "Source instance",
    render: (row) => <Link href={`/instances/${row.instance_id}`}>{row.instance_id}</Link>,
    sortBy: (row) => row.instance_id,
  },
  { title: "Status", render: (row) => <MigrationStatus migration={row} />, sortBy: (row) => row.status },
  { title: "Latency", render: (row) => <Latency migration={row} />, sortBy: (row) => row.lag_seconds },
  { title: "Source is", render: (row) => mode(row.source_mode) },
  { title: "Cluster is", render: (row) => mode(row.cluster_mode) },
  { title: "Days left", render: (row) => <DaysLeft migration={row} />, sortBy: (row) => row.expires_at },
];

export function MigrationTable({ migrations }: { migrations: Migration[] }) {
  return (
    <DataTable
      label="Migrations"
      rows={migrations}
      columns={COLUMNS}
      rowKey={(row) => row.cluster_id}
      empty="No migration is under way. Create a cluster to begin one."
    />
  );
}

/** The status in the console's words, with the operation that runs. */
export function MigrationStatus({ migration }: { migration: Migration }) {
  const { title, tone } = migrationStatus(migration.status);
  const under = migration.operation ? `, ${operationTitle(migration.operation)} under way` : "";
  return <Status word={title + under} tone={migration.operation ? "busy" : tone} />;
}
