/** The read-only instances of an instance: the servers its endpoints for reading lead to. */
import { useEndpoints } from "../api/queries";
import type { Endpoint } from "../api/schema";
import { DataTable, type Column } from "../parts/DataTable";
import { Section } from "../parts/Section";
import { Answered } from "../parts/States";
import { addressOf, nameOf } from "./words";

interface ReadOnlyInstance {
  address: string;
  weight: number;
  endpoint: Endpoint;
}

const COLUMNS: Column<ReadOnlyInstance>[] = [
  { title: "Read-only instance", render: (row) => <code>{row.address}</code>, sortBy: (row) => row.address },
  { title: "Reached by", render: (row) => nameOf(row.endpoint), sortBy: (row) => nameOf(row.endpoint) },
  { title: "At", render: (row) => <code>{addressOf(row.endpoint)}</code> },
  { title: "Weight", render: (row) => row.weight, sortBy: (row) => row.weight, numeric: true },
];

export function ReadOnlyInstances({ instanceId }: { instanceId: string }) {
  const endpoints = useEndpoints();
  return (
    <Section title="Read-only instances">
      <Answered query={endpoints} what="the read-only instances">
        {(all) => (
          <DataTable
            label="Read-only instances"
            rows={all.filter((one) => one.owner_id === instanceId).flatMap(serversOf)}
            columns={COLUMNS}
            rowKey={(row) => `${row.endpoint.id} ${row.address}`}
            empty="None is known. Name them in an endpoint of type ReadOnly, and applications can read there."
          />
        )}
      </Answered>
    </Section>
  );
}

function serversOf(endpoint: Endpoint): ReadOnlyInstance[] {
  if (endpoint.type !== "ReadOnly") return [];
  return Object.entries(endpoint.nodes ?? {}).map(([address, weight]) => ({ address, weight, endpoint }));
}
