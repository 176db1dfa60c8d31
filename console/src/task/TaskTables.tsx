/** Every table of a task: filtered, sorted, and paged by the server, drawn as one scrolls. */
import { keepPreviousData, useQuery } from "@tanstack/react-query";
import Input from "antd/es/input";
import Select from "antd/es/select";
import { useState } from "react";
import { api, ask } from "../api/client";
import type { TableProgress } from "../api/schema";
import { Time } from "../format/Time";
import { bytes, count, duration } from "../format/numbers";
import { Bar } from "../parts/Bar";
import { DataTable, type Column } from "../parts/DataTable";
import { Section } from "../parts/Section";
import { Answered } from "../parts/States";

const ROWS_ASKED_FOR = 1000;
const POLL_MILLISECONDS = 3000;
const POLL_MANY_MILLISECONDS = 15_000;

const STATES = [
  { value: "all", label: "All tables" },
  { value: "waiting", label: "Waiting" },
  { value: "copying", label: "Copying" },
  { value: "copied", label: "Copied" },
  { value: "different", label: "With differences" },
] as const;

type State = (typeof STATES)[number]["value"];

const COLUMNS: Column<TableProgress>[] = [
  { title: "Table", render: (row) => <code>{`${row.database}.${row.table}`}</code>, sortBy: (row) => `${row.database}.${row.table}` },
  { title: "Copied", render: (row) => <Bar percent={row.percent} label={`${row.table} copied`} />, sortBy: (row) => row.percent },
  { title: "Rows", render: (row) => count(row.rows_copied), sortBy: (row) => row.rows_copied, numeric: true },
  { title: "Data", render: (row) => bytes(row.bytes_copied), sortBy: (row) => row.bytes_copied, numeric: true },
  { title: "Rows/s", render: (row) => count(row.rows_per_second), sortBy: (row) => row.rows_per_second, numeric: true },
  { title: "Time left", render: (row) => left(row), sortBy: (row) => row.eta_seconds, numeric: true },
  { title: "Differences", render: (row) => count(row.differences), sortBy: (row) => row.differences, numeric: true },
  { title: "Verified", render: (row) => <Time at={row.verified_at} />, sortBy: (row) => row.verified_at },
];

function left(row: TableProgress): string {
  if (row.copied) return "done";
  return row.eta_seconds === null ? "not known" : duration(row.eta_seconds);
}

async function allTables(task_id: string, search: string, state: State): Promise<TableProgress[]> {
  const rows: TableProgress[] = [];
  for (;;) {
    const query = { search, state, limit: ROWS_ASKED_FOR, offset: rows.length };
    const page = await ask(api.GET("/api/v1/tasks/{task_id}/tables", { params: { path: { task_id }, query } }));
    rows.push(...page.items);
    if (rows.length >= page.matching || page.items.length === 0) return rows;
  }
}

export function TaskTables({ taskId }: { taskId: string }) {
  const [search, setSearch] = useState("");
  const [state, setState] = useState<State>("all");
  const tables = useQuery({
    queryKey: ["tables", taskId, search, state],
    queryFn: () => allTables(taskId, search, state),
    placeholderData: keepPreviousData,
    refetchInterval: ({ state: { data = [] } }) =>
      data.length > ROWS_ASKED_FOR ? POLL_MANY_MILLISECONDS : POLL_MILLISECONDS,
  });
  return (
    <Section title="Synchronization Details" extra={<span className="faint">{tables.data && `${count(tables.data.length)} tables`}</span>}>
      <div className="toolbar">
        <Input aria-label="Filter by name" placeholder="Filter by name" allowClear value={search} onChange={(event) => setSearch(event.target.value)} />
        <Select aria-label="State" value={state} options={[...STATES]} onChange={setState} style={{ minWidth: 180 }} />
      </div>
      <Answered query={tables} what="the tables">
        {(rows) => (
          <DataTable label="Tables" rows={rows} columns={COLUMNS} rowKey={(row) => `${row.database}.${row.table}`} empty="No table is like that." />
        )}
      </Answered>
    </Section>
  );
}
