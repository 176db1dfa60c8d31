/** The tables of a task, of which there may be ten thousand: filtered, sorted and paged by the server. */
import { keepPreviousData, useQuery } from "@tanstack/react-query";
import Input from "antd/es/input";
import Select from "antd/es/select";
import { useState, type ReactNode } from "react";
import { api, ask } from "../api/client";
import type { TableProgress } from "../api/schema";
import { Time } from "../format/Time";
import { bytes, count, duration } from "../format/numbers";
import { Bar } from "../parts/Bar";
import { DataTable, type Column } from "../parts/DataTable";
import { Pager } from "../parts/Pager";
import { Section } from "../parts/Section";
import { Answered } from "../parts/States";

const PAGE_ROWS = 100;
const POLL_MILLISECONDS = 3000;

const STATES = [
  { value: "all", label: "All tables" },
  { value: "waiting", label: "Waiting" },
  { value: "copying", label: "Copying" },
  { value: "copied", label: "Copied" },
  { value: "different", label: "With differences" },
] as const;

type State = (typeof STATES)[number]["value"];
type Sort = "name" | "rows" | "bytes" | "percent" | "eta" | "verified" | "differences";

const COLUMNS: (Column<TableProgress> & { sortAs?: Sort })[] = [
  { title: "Table", render: (row) => <code>{`${row.database}.${row.table}`}</code>, sortAs: "name" },
  { title: "Copied", render: (row) => <Bar percent={row.percent} label={`${row.table} copied`} />, sortAs: "percent" },
  { title: "Rows", render: (row) => ofAbout(row, count(row.rows_copied), count(row.rows_estimated)), sortAs: "rows", numeric: true },
  { title: "Data", render: (row) => ofAbout(row, bytes(row.bytes_copied), bytes(row.bytes_estimated)), sortAs: "bytes", numeric: true },
  { title: "Rows/s", render: (row) => (row.rows_per_second ? count(row.rows_per_second) : "–"), numeric: true },
  { title: "Time left", render: (row) => left(row), sortAs: "eta", numeric: true },
  { title: "Differences", render: (row) => count(row.differences), sortAs: "differences", numeric: true },
  { title: "Verified", render: (row) => <span className="wrapped"><Time at={row.verified_at} /></span>, sortAs: "verified" },
];

function ofAbout(row: TableProgress, copied: string, estimated: string): ReactNode {
  if (row.state === "copied") return copied;
  return (
    <>
      {copied}
      <div className="faint">of ≈ {estimated}</div>
    </>
  );
}

function left(row: TableProgress): ReactNode {
  if (row.state === "copied") return "done";
  if (row.state === "waiting") return "waiting";
  return (
    <>
      {row.eta_seconds === null ? "not known" : duration(row.eta_seconds)}
      {row.state === "indexing" && <div className="faint">building indexes</div>}
    </>
  );
}

interface Wanted {
  search: string;
  state: State;
  sort: Sort;
  descending: boolean;
  offset: number;
}

const FIRST: Wanted = { search: "", state: "all", sort: "name", descending: false, offset: 0 };

export function TaskTables({ taskId }: { taskId: string }) {
  const [wanted, setWanted] = useState(FIRST);
  // Another choice begins at its first page.
  const want = (part: Partial<Wanted>) => setWanted((old) => ({ ...old, offset: 0, ...part }));
  const tables = useQuery({
    queryKey: ["tables", taskId, wanted],
    queryFn: () => {
      const params = { path: { task_id: taskId }, query: { ...wanted, limit: PAGE_ROWS } };
      return ask(api.GET("/api/v1/tasks/{task_id}/tables", { params }));
    },
    placeholderData: keepPreviousData,
    refetchInterval: POLL_MILLISECONDS,
  });
  const found = tables.data;
  return (
    <Section
      title="Synchronization Details"
      extra={<span className="faint">{found && `${count(found.matching)} of ${count(found.total)} tables`}</span>}
    >
      <div className="toolbar">
        <Input aria-label="Filter by name" placeholder="Filter by name" allowClear value={wanted.search} onChange={(event) => want({ search: event.target.value })} />
        <Select aria-label="State" value={wanted.state} options={[...STATES]} onChange={(state) => want({ state })} style={{ minWidth: 180 }} />
      </div>
      <Answered query={tables} what="the tables">
        {(page) => (
          <>
            <DataTable
              label="Tables"
              rows={page.items}
              columns={COLUMNS}
              rowKey={(row) => `${row.database}.${row.table}`}
              empty="No table is like that."
              sorted={{ by: wanted.sort, descending: wanted.descending, onChange: (by, descending) => want({ sort: by as Sort, descending }) }}
            />
            <Pager offset={page.offset} size={PAGE_ROWS} total={page.matching} onChange={(offset) => want({ offset })} />
          </>
        )}
      </Answered>
    </Section>
  );
}
