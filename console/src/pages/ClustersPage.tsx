/** All clusters, with the migration that fills each. */
import { Link } from "wouter";
import { useClusters, useMigrations } from "../api/queries";
import type { Cluster, Migration } from "../api/schema";
import { Time } from "../format/Time";
import { DataTable, type Column } from "../parts/DataTable";
import { Latency } from "../parts/Latency";
import { MigrationStatus } from "../parts/MigrationTable";
import { PageHead } from "../parts/PageHead";
import { RoleLink } from "../parts/RoleButton";
import { Section } from "../parts/Section";
import { Answered } from "../parts/States";
import { Status } from "../parts/Status";

export default function ClustersPage() {
  const clusters = useClusters();
  const { data: migrations = [] } = useMigrations();
  return (
    <>
      <PageHead title="Clusters" actions={<RoleLink needs={["POST", "/api/v1/migrations"]} href="/clusters/new">Create cluster</RoleLink>} />
      <Section title="Clusters on this server">
        <Answered query={clusters} what="the clusters">
          {(rows) => (
            <DataTable
              label="Clusters"
              rows={rows}
              columns={columnsWith(migrations)}
              rowKey={(row) => row.id}
              empty="There is no cluster yet. Creating one from an instance begins a migration."
            />
          )}
        </Answered>
      </Section>
    </>
  );
}

function columnsWith(migrations: Migration[]): Column<Cluster>[] {
  const of = (row: Cluster) => migrations.find((one) => one.cluster_id === row.id);
  const shown = (row: Cluster, show: (migration: Migration) => React.ReactNode) => {
    const migration = of(row);
    return migration ? show(migration) : "–";
  };
  return [
    { title: "Cluster ID", render: (row) => <Link href={`/clusters/${row.id}`}>{row.id}</Link>, sortBy: (row) => row.id },
    { title: "Name", render: (row) => row.description || "–", sortBy: (row) => row.description },
    { title: "Status", render: (row) => <Status word={row.status} />, sortBy: (row) => row.status },
    { title: "Version", render: (row) => row.version, sortBy: (row) => row.version },
    { title: "Nodes", render: (row) => row.nodes.length, sortBy: (row) => row.nodes.length, numeric: true },
    { title: "RDS Migration", render: (row) => shown(row, (one) => <MigrationStatus migration={one} />) },
    { title: "Latency", render: (row) => shown(row, (one) => <Latency migration={one} />) },
    { title: "Created", render: (row) => <Time at={row.created_at} />, sortBy: (row) => row.created_at },
  ];
}
