/** Rows that were not the same on both sides, as the last pass over each table found them. */
import { useQuery } from "@tanstack/react-query";
import Button from "antd/es/button";
import { useState } from "react";
import { api, ask } from "../api/client";
import { useMissingRole } from "../api/roles";
import type { Difference, DifferencePage } from "../api/schema";
import { Time } from "../format/Time";
import { count } from "../format/numbers";
import { DataTable, type Column } from "../parts/DataTable";
import { Section } from "../parts/Section";
import { Answered } from "../parts/States";

const PAGE_ROWS = 100;

const COLUMNS: Column<Difference>[] = [
  { title: "Table", render: (row) => <code>{`${row.database}.${row.table}`}</code> },
  { title: "Row", render: (row) => (row.key ? <code>{row.key}</code> : row.sentence) },
  { title: "Kind", render: (row) => row.kind },
  { title: "Columns", render: (row) => row.columns.join(", ") || "–" },
  { title: "Has the writes", render: (row) => <Values values={row.origin_values} /> },
  { title: "Follows", render: (row) => <Values values={row.destination_values} /> },
  { title: "Found", render: (row) => <Time at={row.found_at} /> },
];

export function Differences({ clusterId }: { clusterId: string }) {
  const [offset, setOffset] = useState(0);
  const missingRole = useMissingRole(["GET", "/api/v1/migrations/{cluster_id}/differences"]);
  const page = useQuery({
    enabled: !missingRole,
    queryKey: ["differences", clusterId, offset],
    queryFn: () =>
      ask(
        api.GET("/api/v1/migrations/{cluster_id}/differences", {
          params: { path: { cluster_id: clusterId }, query: { offset, limit: PAGE_ROWS } },
        }),
      ),
    refetchInterval: 5000,
  });
  if (missingRole)
    return <Section title="Differences">{`Rows are shown to the role ${missingRole}.`}</Section>;
  return (
    <Section title="Differences">
      <Answered query={page} what="the differences">
        {(data) => <Page page={data} onOffset={setOffset} />}
      </Answered>
    </Section>
  );
}

function Page({ page, onOffset }: { page: DifferencePage; onOffset: (offset: number) => void }) {
  const { offset, total, items } = page;
  return (
    <>
      <DataTable
        label="Differences"
        rows={items}
        columns={COLUMNS}
        rowKey={(row) => `${row.pass_id} ${row.database}.${row.table} ${row.key} ${row.kind}`}
        empty="No difference is known."
      />
      {total > PAGE_ROWS && (
        <div className="toolbar">
          <Button disabled={offset === 0} onClick={() => onOffset(offset - PAGE_ROWS)}>
            Before
          </Button>
          {`${count(offset + 1)} to ${count(offset + items.length)} of ${count(total)}`}
          <Button disabled={offset + items.length >= total} onClick={() => onOffset(offset + PAGE_ROWS)}>
            Next
          </Button>
        </div>
      )}
    </>
  );
}

function Values({ values }: { values: Record<string, string | null> }) {
  const pairs = Object.entries(values);
  if (pairs.length === 0) return <span className="faint">not kept</span>;
  return (
    <code>{pairs.map(([name, value]) => `${name} = ${value === null ? "NULL" : value}`).join(", ")}</code>
  );
}
