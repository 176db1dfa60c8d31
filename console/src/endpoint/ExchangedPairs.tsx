/** While the endpoints of a migration are exchanged: which leads where the other did. */
import type { Endpoint } from "../api/schema";
import { useEndpoints } from "../api/queries";
import { DataTable, type Column } from "../parts/DataTable";
import { Section } from "../parts/Section";
import { leadsAcross, partnersOf, useOpenMigration, usePlaces } from "./places";
import { addressOf, nameOf } from "./words";

export function ExchangedPairs({ ownerId }: { ownerId: string }) {
  const { data: all = [] } = useEndpoints();
  const migration = useOpenMigration(ownerId);
  const places = usePlaces();
  if (!migration?.with_endpoints) return null;
  const exchanged = all.filter(
    (one) => one.owner_id === migration.instance_id && leadsAcross(one, migration, places),
  );
  const columns: Column<Endpoint>[] = [
    { title: "Of the instance", render: (row) => <One endpoint={row} /> },
    {
      title: "Exchanged with",
      render: (row) => partnersOf(row, all, migration, places).map((one) => <One key={one.id} endpoint={one} />),
    },
  ];
  return (
    <Section title="Exchanged pairs">
      <p className="faint dialog-part">
        Each address of the instance leads to the cluster, and its partner to the instance. A rollback
        leads them home.
      </p>
      <DataTable label="Exchanged pairs" rows={exchanged} columns={columns} rowKey={(row) => row.id} empty="None is." />
    </Section>
  );
}

function One({ endpoint }: { endpoint: Endpoint }) {
  return (
    <div>
      {nameOf(endpoint)} <span className="faint">{endpoint.type}</span> <code>{addressOf(endpoint)}</code>
    </div>
  );
}
