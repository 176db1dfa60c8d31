/** Log lines, newest first, older ones on demand. */
import { useInfiniteQuery } from "@tanstack/react-query";
import Button from "antd/es/button";
import type { LogItem, LogPage } from "../api/schema";
import { Time } from "../format/Time";
import { DataTable, type Column } from "../parts/DataTable";
import { Failed, Loading } from "../parts/States";
import { Status } from "../parts/Status";

const POLL_MILLISECONDS = 5000;

const COLUMNS: Column<LogItem>[] = [
  { title: "At", render: (row) => <Time at={row.at} />, sortBy: (row) => row.at },
  { title: "Level", render: (row) => <Status word={row.level} tone={row.level === "WARN" ? "warning" : "idle"} />, sortBy: (row) => row.level },
  { title: "What", render: (row) => row.sentence },
];

interface LogViewProps {
  label: string;
  name: unknown[];
  ask: (before: number | undefined) => Promise<LogPage>;
  empty: string;
}

export function LogView({ label, name, ask, empty }: LogViewProps) {
  const log = useInfiniteQuery({
    queryKey: name,
    queryFn: ({ pageParam }) => ask(pageParam),
    initialPageParam: undefined as number | undefined,
    getNextPageParam: (page) => page.next_before ?? undefined,
    refetchInterval: POLL_MILLISECONDS,
  });
  if (log.isPending) return <Loading what="the log" />;
  if (!log.data) return <Failed error={log.error} again={() => void log.refetch()} />;
  const rows = log.data.pages.flatMap((page) => page.items);
  return (
    <>
      <DataTable label={label} rows={rows} columns={COLUMNS} rowKey={(row) => String(row.number)} empty={empty} />
      {log.hasNextPage && (
        <Button loading={log.isFetchingNextPage} onClick={() => void log.fetchNextPage()}>
          Older lines
        </Button>
      )}
    </>
  );
}
