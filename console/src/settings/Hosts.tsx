/** Other machines nodes are made on, and servers that are there already. Secrets are never shown. */
import Alert from "antd/es/alert";
import Button from "antd/es/button";
import { lazy, Suspense, useState } from "react";
import { api, ask } from "../api/client";
import { useHosts } from "../api/queries";
import type { Host, HostTest } from "../api/schema";
import { bytes, counted } from "../format/numbers";
import { Confirm } from "../parts/Confirm";
import { DataTable, type Column } from "../parts/DataTable";
import { ProblemAlert } from "../parts/ProblemAlert";
import { Section } from "../parts/Section";
import { Answered } from "../parts/States";
import { useAction } from "../parts/useAction";

const HostDialog = lazy(() => import("./HostDialog"));

const KINDS: Record<string, string> = { ssh: "machine, by ssh", existing: "server that was there" };

const COLUMNS: Column<Host>[] = [
  { title: "Host", render: (row) => <Name host={row} />, sortBy: (row) => row.name },
  { title: "Kind", render: (row) => KINDS[row.kind] ?? row.kind, sortBy: (row) => row.kind },
  { title: "Address", render: (row) => <code>{`${row.user}@${row.address}:${row.port}`}</code>, sortBy: (row) => row.address },
  { title: "Server versions", render: (row) => row.versions.join(", ") || "none" },
];

function Name({ host }: { host: Host }) {
  return (
    <>
      {host.name}
      <div className="faint id">{host.id}</div>
    </>
  );
}

export function Hosts() {
  const [adding, setAdding] = useState(false);
  const [removing, setRemoving] = useState<Host | null>(null);
  const hosts = useHosts();
  const test = useAction((host_id: string) => ask(api.POST("/api/v1/hosts/{host_id}/test", { params: { path: { host_id } } })));
  const buttons: Column<Host> = {
    title: "Change",
    render: (row) => (
      <span className="actions">
        <Button size="small" aria-label={`Test ${row.name}`} loading={test.isPending && test.variables === row.id} onClick={() => test.mutate(row.id)}>
          Test
        </Button>
        <Button size="small" danger aria-label={`Remove ${row.name}`} onClick={() => setRemoving(row)}>
          Remove
        </Button>
      </span>
    ),
  };
  return (
    <Section title="Hosts" extra={<Button onClick={() => setAdding(true)}>Add host</Button>}>
      <ProblemAlert error={test.error} />
      {test.data && <Tested test={test.data} />}
      <Answered query={hosts} what="the hosts">
        {(rows) => <DataTable label="Hosts" rows={rows} columns={[...COLUMNS, buttons]} rowKey={(row) => row.id} empty="Nodes are made on this machine. A host is another machine, or a server that is there already." />}
      </Answered>
      <Suspense>{adding && <HostDialog onClose={() => setAdding(false)} />}</Suspense>
      {removing && <Removal host={removing} onClose={() => setRemoving(null)} />}
    </Section>
  );
}

function Tested({ test }: { test: HostTest }) {
  const facts = [
    `server versions: ${test.versions.join(", ") || "none"}`,
    ...(test.free_bytes === null ? [] : [`${bytes(test.free_bytes)} free`]),
    counted(test.nodes.length, "node"),
  ];
  return (
    <Alert
      className="problem"
      type={test.warnings.length ? "warning" : "success"}
      showIcon
      role="status"
      title={`${test.host_id} answers: ${facts.join("; ")}.`}
      description={test.warnings.join(" ") || undefined}
    />
  );
}

function Removal({ host, onClose }: { host: Host; onClose: () => void }) {
  const remove = useAction((host_id: string) => ask(api.DELETE("/api/v1/hosts/{host_id}", { params: { path: { host_id } } })), {
    onDone: onClose,
  });
  return (
    <Confirm title="Remove host" button="Remove" busy={remove.isPending} error={remove.error} onConfirm={() => remove.mutate(host.id)} onClose={onClose}>
      No node is made on {host.name} any more. Nothing is changed there.
    </Confirm>
  );
}
