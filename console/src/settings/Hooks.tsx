/** Programs and addresses that are told what happens. What is sent with an address is never shown. */
import { useQuery } from "@tanstack/react-query";
import Alert from "antd/es/alert";
import Button from "antd/es/button";
import { lazy, Suspense, useState } from "react";
import { api, ask } from "../api/client";
import type { Hook, HookTest } from "../api/schema";
import { Time } from "../format/Time";
import { duration } from "../format/numbers";
import { Confirm } from "../parts/Confirm";
import { DataTable, type Column } from "../parts/DataTable";
import { ProblemAlert } from "../parts/ProblemAlert";
import { Section } from "../parts/Section";
import { Answered } from "../parts/States";
import { useAction } from "../parts/useAction";

const HookDialog = lazy(() => import("./HookDialog"));

const COLUMNS: Column<Hook>[] = [
  { title: "Hook", render: (row) => <span className="id">{row.id}</span>, sortBy: (row) => row.id },
  { title: "Is told", render: (row) => row.events.join(", ") },
  { title: "Program or address", render: (row) => <code className="breakable">{row.command.join(" ") || row.url}</code> },
  { title: "Headers", render: (row) => row.header_names.join(", ") || "–" },
  { title: "May take", render: (row) => duration(row.timeout_seconds), sortBy: (row) => row.timeout_seconds },
  { title: "Added", render: (row) => <Time at={row.created_at} />, sortBy: (row) => row.created_at },
];

export function Hooks() {
  const [adding, setAdding] = useState(false);
  const [removing, setRemoving] = useState("");
  const hooks = useQuery({ queryKey: ["hooks"], queryFn: () => ask(api.GET("/api/v1/hooks")) });
  const test = useAction((hook_id: string) =>
    ask(api.POST("/api/v1/hooks/{hook_id}/test", { params: { path: { hook_id } } })),
  );
  const buttons: Column<Hook> = {
    title: "Change",
    render: (row) => (
      <span className="actions">
        <Button size="small" aria-label={`Test ${row.id}`} loading={test.isPending && test.variables === row.id} onClick={() => test.mutate(row.id)}>
          Test
        </Button>
        <Button size="small" danger aria-label={`Remove ${row.id}`} onClick={() => setRemoving(row.id)}>
          Remove
        </Button>
      </span>
    ),
  };
  return (
    <Section title="Hooks" extra={<Button onClick={() => setAdding(true)}>Add hook</Button>}>
      <ProblemAlert error={test.error} />
      {test.data && <Tested test={test.data} />}
      <Answered query={hooks} what="the hooks">
        {(rows) => (
          <DataTable label="Hooks" rows={rows} columns={[...COLUMNS, buttons]} rowKey={(row) => row.id} empty="Nobody is told. A hook pages, chats, or refuses an operation before it begins." />
        )}
      </Answered>
      <Suspense>{adding && <HookDialog onClose={() => setAdding(false)} />}</Suspense>
      {removing && <Removal id={removing} onClose={() => setRemoving("")} />}
    </Section>
  );
}

function Tested({ test }: { test: HookTest }) {
  if (!test.error) return <Alert className="problem" type="success" showIcon role="status" title={`${test.hook_id} was told, and agrees.`} />;
  return <Alert className="problem" type="error" showIcon role="alert" title={`${test.hook_id} could not be told: ${test.error}`} />;
}

function Removal({ id, onClose }: { id: string; onClose: () => void }) {
  const remove = useAction(
    (hook_id: string) => ask(api.DELETE("/api/v1/hooks/{hook_id}", { params: { path: { hook_id } } })),
    { onDone: onClose },
  );
  return (
    <Confirm title="Remove hook" button="Remove" busy={remove.isPending} error={remove.error} onConfirm={() => remove.mutate(id)} onClose={onClose}>
      {id} is told nothing any more.
    </Confirm>
  );
}
