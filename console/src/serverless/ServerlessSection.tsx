/** How a cluster follows its load: its limits, what it has, what it was seen to do, what was changed. */
import { useQuery } from "@tanstack/react-query";
import Alert from "antd/es/alert";
import { lazy, Suspense, useState } from "react";
import { api, ask } from "../api/client";
import type { HistoryEntry, Load, ServerlessState } from "../api/schema";
import { count, counted, percent, speed } from "../format/numbers";
import { Time } from "../format/Time";
import { DataTable, type Column } from "../parts/DataTable";
import { Facts, type Fact } from "../parts/Facts";
import { RoleButton } from "../parts/RoleButton";
import { Section } from "../parts/Section";
import { Answered } from "../parts/States";

const LimitsDialog = lazy(() => import("./LimitsDialog"));

const PATH = "/api/v1/clusters/{cluster_id}/serverless";
const POLL_MILLISECONDS = 5000;

export function ServerlessSection({ clusterId }: { clusterId: string }) {
  const [changing, setChanging] = useState(false);
  const state = useQuery({
    queryKey: ["serverless", clusterId],
    queryFn: () => ask(api.GET(PATH, { params: { path: { cluster_id: clusterId } } })),
    refetchInterval: POLL_MILLISECONDS,
  });
  const button = (
    <RoleButton needs={["PATCH", PATH]} disabled={!state.data} onClick={() => setChanging(true)}>
      Change limits
    </RoleButton>
  );
  return (
    <Section title="Serverless" extra={button}>
      <Answered query={state} what="how it follows its load">
        {(data) => <Followed state={data} />}
      </Answered>
      <Suspense>
        {changing && state.data && <LimitsDialog state={state.data} onClose={() => setChanging(false)} />}
      </Suspense>
    </Section>
  );
}

const EVENTS: Column<HistoryEntry>[] = [
  { title: "At", render: (row) => <Time at={row.at} /> },
  { title: "What was changed, and why", render: (row) => row.sentence },
];

function Followed({ state }: { state: ServerlessState }) {
  const { limits, load } = state;
  return (
    <>
      {state.resting_because && (
        <Alert className="problem" type="info" showIcon title={`Nothing is changed now: ${state.resting_because}`} />
      )}
      <Facts
        facts={[
          ["Node class", `${state.node_class}, of ${limits.memory_min_class} to ${limits.memory_max_class}`],
          ["Read-only nodes", `${count(state.nodes)}, of ${limits.nodes_min ?? 0} to ${limits.nodes_max ?? 0}`],
          ...(load ? seen(load) : [["Load", "not looked at since the last change"] satisfies Fact]),
        ]}
      />
      <h3 className="dialog-part">Changes</h3>
      <DataTable label="Changes" rows={state.events} columns={EVENTS} rowKey={(row) => `${row.at} ${row.sentence}`} empty="Nothing was changed yet." />
    </>
  );
}

/** The measures that decide, of the last look. */
function seen(load: Load): Fact[] {
  const at = (value: number | undefined) => counted(Math.round(value ?? 0), "session");
  return [
    ["At work on the primary", at(load.primary_sessions)],
    ["At work on read-only nodes", at(load.sessions)],
    ["Pages missed", `${speed(load.misses_per_second ?? 0)}/s of ${speed(load.requests_per_second ?? 0)}/s`],
    ["Buffer pool used", percent(100 * (load.pool_share ?? 0))],
    ["Connections taken", percent(100 * (load.primary_connections_share ?? 0))],
  ];
}
