/** The servers of a cluster, and the addresses that lead to them. */
import { useParams } from "wouter";
import { useCluster, useEndpoints } from "../api/queries";
import type { Node } from "../api/schema";
import { EndpointTable } from "../migration/EndpointPairs";
import { ClusterHead } from "../parts/ClusterHead";
import { DataTable, type Column } from "../parts/DataTable";
import { Section } from "../parts/Section";
import { Answered } from "../parts/States";
import { Status } from "../parts/Status";

const ROLES: Record<string, string> = { Writer: "primary", Reader: "read-only" };

const COLUMNS: Column<Node>[] = [
  { title: "Node ID", render: (row) => row.id, sortBy: (row) => row.id },
  { title: "Role", render: (row) => ROLES[row.role] ?? row.role, sortBy: (row) => row.role },
  { title: "Address", render: (row) => <code>{`${row.host}:${row.port}`}</code> },
  { title: "Status", render: (row) => <Status word={row.status} />, sortBy: (row) => row.status },
];

export default function NodesPage() {
  const { id = "" } = useParams();
  const cluster = useCluster(id);
  const endpoints = useEndpoints();
  return (
    <>
      <ClusterHead id={id} />
      <Section title="Nodes">
        <Answered query={cluster} what="the nodes">
          {(data) => (
            <DataTable label="Nodes" rows={data.nodes} columns={COLUMNS} rowKey={(row) => row.id} empty="There are no nodes yet." />
          )}
        </Answered>
      </Section>
      <Section title="Endpoints">
        <Answered query={endpoints} what="the endpoints">
          {(rows) => <EndpointTable rows={rows.filter((row) => row.owner_id === id)} />}
        </Answered>
      </Section>
    </>
  );
}
