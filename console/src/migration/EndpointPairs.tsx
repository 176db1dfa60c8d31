/** The addresses of both sides, and which server answers there now. */
import { useEndpoints } from "../api/queries";
import type { Endpoint, Migration } from "../api/schema";
import { DataTable, type Column } from "../parts/DataTable";
import { Section } from "../parts/Section";
import { Answered } from "../parts/States";
import { Status } from "../parts/Status";
import { mode } from "../words";

const MODES: Record<string, string> = { ReadWrite: mode("rw"), ReadOnly: mode("ro") };

export function EndpointPairs({ migration }: { migration: Migration }) {
  const endpoints = useEndpoints();
  const owners = [migration.instance_id, migration.cluster_id];
  return (
    <Section title="Endpoints of both sides">
      <Answered query={endpoints} what="the endpoints">
        {(all) => <EndpointTable rows={all.filter((one) => owners.includes(one.owner_id))} />}
      </Answered>
    </Section>
  );
}

const COLUMNS: Column<Endpoint>[] = [
  { title: "Side", render: (row) => (row.owner_id.startsWith("rm-") ? "source" : "cluster") },
  { title: "Type", render: (row) => `${row.type}, ${row.net_type.toLowerCase()}` },
  { title: "Address", render: (row) => <code>{`${row.host}:${row.port}`}</code> },
  { title: "Serves", render: (row) => MODES[row.read_write_mode] ?? row.read_write_mode },
  { title: "Leads to", render: (row) => <code>{row.routes_to.join(", ") || "nowhere"}</code> },
  { title: "State", render: (row) => <Status word={row.state} /> },
];

/** Endpoints with where they lead. */
export function EndpointTable({ rows }: { rows: Endpoint[] }) {
  return (
    <DataTable
      label="Endpoints"
      rows={rows}
      columns={COLUMNS}
      rowKey={(row) => row.id}
      empty="There are no endpoints."
    />
  );
}
