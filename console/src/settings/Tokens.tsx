/** API tokens for scripts. A secret is shown once, when it is made. */
import { useQuery } from "@tanstack/react-query";
import Alert from "antd/es/alert";
import Button from "antd/es/button";
import Form from "antd/es/form";
import Input from "antd/es/input";
import InputNumber from "antd/es/input-number";
import Select from "antd/es/select";
import { useState } from "react";
import { api, ask } from "../api/client";
import type { ApiToken, NewToken } from "../api/schema";
import { Time } from "../format/Time";
import { Confirm } from "../parts/Confirm";
import { Copy } from "../parts/Copy";
import { DataTable, type Column } from "../parts/DataTable";
import { Dialog } from "../parts/Dialog";
import { ProblemAlert } from "../parts/ProblemAlert";
import { Section } from "../parts/Section";
import { Answered } from "../parts/States";
import { useAction } from "../parts/useAction";
import { ROLES } from "./roles";

export function Tokens() {
  const [making, setMaking] = useState(false);
  const tokens = useQuery({ queryKey: ["tokens"], queryFn: () => ask(api.GET("/api/v1/tokens")) });
  const [removing, setRemoving] = useState<ApiToken | null>(null);
  const columns: Column<ApiToken>[] = [
    { title: "Token", render: (row) => row.description || row.id, sortBy: (row) => row.description },
    { title: "Role", render: (row) => row.role, sortBy: (row) => row.role },
    { title: "Made by", render: (row) => row.created_by, sortBy: (row) => row.created_by },
    { title: "Made", render: (row) => <Time at={row.created_at} />, sortBy: (row) => row.created_at },
    { title: "Used", render: (row) => <Time at={row.used_at} />, sortBy: (row) => row.used_at },
    { title: "Ends", render: (row) => (row.expired ? "has ended" : <Time at={row.expires_at} />), sortBy: (row) => row.expires_at },
    {
      title: "",
      render: (row) => (
        <Button size="small" danger aria-label={`Remove ${row.description || row.id}`} onClick={() => setRemoving(row)}>
          Remove
        </Button>
      ),
    },
  ];
  return (
    <Section title="API tokens" extra={<Button onClick={() => setMaking(true)}>Make token</Button>}>
      <Answered query={tokens} what="the tokens">
        {(rows) => <DataTable label="API tokens" rows={rows} columns={columns} rowKey={(row) => row.id} empty="There are no tokens." />}
      </Answered>
      {making && <TokenDialog onClose={() => setMaking(false)} />}
      {removing && <Removal token={removing} onClose={() => setRemoving(null)} />}
    </Section>
  );
}

function Removal({ token, onClose }: { token: ApiToken; onClose: () => void }) {
  const remove = useAction(
    (token_id: string) => ask(api.DELETE("/api/v1/tokens/{token_id}", { params: { path: { token_id } } })),
    { onDone: onClose },
  );
  return (
    <Confirm title="Remove token" button="Remove" busy={remove.isPending} error={remove.error} onConfirm={() => remove.mutate(token.id)} onClose={onClose}>
      Scripts that use {token.description || token.id} are refused from now on.
    </Confirm>
  );
}

function TokenDialog({ onClose }: { onClose: () => void }) {
  const [form] = Form.useForm<NewToken>();
  const make = useAction((body: NewToken) => ask(api.POST("/api/v1/tokens", { body })));
  if (make.data) {
    return (
      <Dialog title="The new token" footer={<Button onClick={onClose}>Close</Button>} onCancel={onClose}>
        <Alert className="problem" type="warning" showIcon title="It is shown only now. Keep it where secrets are kept." />
        <code className="secret">{make.data.secret}</code>
        <Copy text={make.data.secret} />
      </Dialog>
    );
  }
  return (
    <Dialog title="Make token" okText="Make" confirmLoading={make.isPending} onOk={() => form.submit()} onCancel={onClose}>
      <Form form={form} layout="vertical" initialValues={{ role: "viewer" }} onFinish={make.mutate}>
        <Form.Item name="description" label="What it is for" rules={[{ required: true, message: "Say what it is for." }]}>
          <Input autoComplete="off" autoFocus />
        </Form.Item>
        <Form.Item name="role" label="Role">
          <Select options={ROLES} />
        </Form.Item>
        <Form.Item name="expires_in_days" label="Ends after" extra="Never when left empty.">
          <InputNumber min={1} max={3650} suffix="days" />
        </Form.Item>
      </Form>
      <ProblemAlert error={make.error} />
    </Dialog>
  );
}
