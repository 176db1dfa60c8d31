/** Who asked for what, when, from where, and what came of it. */
import { useInfiniteQuery } from "@tanstack/react-query";
import Button from "antd/es/button";
import Input from "antd/es/input";
import { useState } from "react";
import { api, ask } from "../api/client";
import type { AuditEntry } from "../api/schema";
import { Time } from "../format/Time";
import { DataTable, type Column } from "../parts/DataTable";
import { PageHead } from "../parts/PageHead";
import { Section } from "../parts/Section";
import { Failed, Loading } from "../parts/States";
import { Status } from "../parts/Status";

const PAGE_ROWS = 100;
const POLL_MILLISECONDS = 5000;
const EMPTY = ['""', "null", "[]", "{}"];
const TONES = { done: "good", refused: "warning", failed: "bad" } as const;

const COLUMNS: Column<AuditEntry>[] = [
  { title: "At", render: (row) => <Time at={row.at} /> },
  { title: "Who", render: (row) => row.who || row.kind },
  { title: "From", render: (row) => row.address || "–" },
  { title: "Action", render: (row) => row.action.replaceAll("_", " ") },
  { title: "Object", render: (row) => <span className="id">{row.object || "–"}</span> },
  { title: "With", render: (row) => <code className="breakable">{argumentsOf(row)}</code> },
  { title: "Result", render: (row) => <Status word={row.result} tone={TONES[row.result as keyof typeof TONES] ?? "busy"} /> },
  { title: "Why", render: (row) => row.sentence || "–" },
];

/** What was left empty says nothing. */
function argumentsOf(row: AuditEntry): string {
  const pairs = Object.entries(row.arguments).filter(([, value]) => !EMPTY.includes(JSON.stringify(value)));
  return pairs.map(([name, value]) => `${name}=${JSON.stringify(value)}`).join(" ") || "–";
}

export default function AuditPage() {
  const [who, setWho] = useState("");
  const [object, setObject] = useState("");
  const audit = useInfiniteQuery({
    queryKey: ["audit", who, object],
    queryFn: ({ pageParam }) =>
      ask(
        api.GET("/api/v1/audit", {
          params: {
            query: {
              limit: PAGE_ROWS,
              ...(who ? { who } : {}),
              ...(object ? { object } : {}),
              ...(pageParam === undefined ? {} : { before: pageParam }),
            },
          },
        }),
      ),
    initialPageParam: undefined as number | undefined,
    getNextPageParam: (page) => page.next_before ?? undefined,
    refetchInterval: POLL_MILLISECONDS,
  });
  const rows = audit.data?.pages.flatMap((page) => page.items);
  return (
    <>
      <PageHead title="Audit log" />
      <Section title="Everything that was asked for">
        <div className="toolbar">
          <Input aria-label="Who" placeholder="Who" allowClear value={who} onChange={(event) => setWho(event.target.value)} />
          <Input aria-label="Object" placeholder="Object, e.g. a cluster's ID" allowClear value={object} onChange={(event) => setObject(event.target.value)} />
        </div>
        {audit.isPending && <Loading what="the audit log" />}
        {audit.isError && <Failed error={audit.error} again={() => void audit.refetch()} />}
        {rows && <DataTable label="Audit log" rows={rows} columns={COLUMNS} rowKey={(row) => String(row.number)} empty="Nothing is like that." />}
        {audit.hasNextPage && (
          <Button loading={audit.isFetchingNextPage} onClick={() => void audit.fetchNextPage()}>
            Older entries
          </Button>
        )}
      </Section>
    </>
  );
}
