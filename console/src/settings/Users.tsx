/** Who may sign in, and what each may do. */
import { useQuery } from "@tanstack/react-query";
import Button from "antd/es/button";
import Form from "antd/es/form";
import Input from "antd/es/input";
import Select from "antd/es/select";
import { useState } from "react";
import { api, ask } from "../api/client";
import type { NewUser, User } from "../api/schema";
import { Time } from "../format/Time";
import { Confirm } from "../parts/Confirm";
import { DataTable, type Column } from "../parts/DataTable";
import { Dialog } from "../parts/Dialog";
import { ProblemAlert } from "../parts/ProblemAlert";
import { Section } from "../parts/Section";
import { Answered } from "../parts/States";
import { useAction } from "../parts/useAction";
import { ROLES, type Role } from "./roles";

export function Users() {
  const [adding, setAdding] = useState(false);
  const users = useQuery({ queryKey: ["users"], queryFn: () => ask(api.GET("/api/v1/users")) });
  const change = useAction(({ name, role }: { name: string; role: Role }) =>
    ask(api.PATCH("/api/v1/users/{name}", { params: { path: { name } }, body: { role } })),
  );
  const [removing, setRemoving] = useState("");
  const columns: Column<User>[] = [
    { title: "Name", render: (row) => row.name, sortBy: (row) => row.name },
    {
      title: "Role",
      render: (row) => (
        <Select
          aria-label={`Role of ${row.name}`}
          size="small"
          value={row.role as Role}
          options={ROLES}
          onChange={(role) => change.mutate({ name: row.name, role })}
          popupMatchSelectWidth={false}
          style={{ width: 110 }}
          labelRender={({ value }) => String(value)}
        />
      ),
      sortBy: (row) => row.role,
    },
    { title: "Signed in", render: (row) => <Time at={row.signed_in_at} />, sortBy: (row) => row.signed_in_at },
    { title: "Sessions", render: (row) => row.sessions, sortBy: (row) => row.sessions, numeric: true },
    { title: "Added", render: (row) => <Time at={row.created_at} />, sortBy: (row) => row.created_at },
    {
      title: "",
      render: (row) => (
        <Button size="small" danger aria-label={`Remove ${row.name}`} onClick={() => setRemoving(row.name)}>
          Remove
        </Button>
      ),
    },
  ];
  return (
    <Section title="Users" extra={<Button onClick={() => setAdding(true)}>Add user</Button>}>
      <ProblemAlert error={change.error} />
      <Answered query={users} what="the users">
        {(rows) => <DataTable label="Users" rows={rows} columns={columns} rowKey={(row) => row.name} empty="There are no users." />}
      </Answered>
      {adding && <UserDialog onClose={() => setAdding(false)} />}
      {removing && <Removal name={removing} onClose={() => setRemoving("")} />}
    </Section>
  );
}

function Removal({ name, onClose }: { name: string; onClose: () => void }) {
  const remove = useAction(() => ask(api.DELETE("/api/v1/users/{name}", { params: { path: { name } } })), { onDone: onClose });
  return (
    <Confirm title="Remove user" button="Remove" busy={remove.isPending} error={remove.error} onConfirm={() => remove.mutate(undefined)} onClose={onClose}>
      {name} is signed out everywhere, and cannot sign in any more.
    </Confirm>
  );
}

function UserDialog({ onClose }: { onClose: () => void }) {
  const [form] = Form.useForm<NewUser>();
  const add = useAction((body: NewUser) => ask(api.POST("/api/v1/users", { body })), { onDone: onClose });
  return (
    <Dialog title="Add user" okText="Add" confirmLoading={add.isPending} onOk={() => form.submit()} onCancel={onClose}>
      <Form form={form} layout="vertical" initialValues={{ role: "viewer" }} onFinish={add.mutate}>
        <Form.Item name="name" label="Name" rules={[{ required: true, message: "Choose a name." }]}>
          <Input autoComplete="off" autoFocus />
        </Form.Item>
        <Form.Item name="role" label="Role">
          <Select options={ROLES} />
        </Form.Item>
        <Form.Item name="password" label="First password" extra="12 characters or more." rules={[{ required: true, min: 12, message: "12 characters or more." }]}>
          <Input type="password" autoComplete="new-password" />
        </Form.Item>
      </Form>
      <ProblemAlert error={add.error} />
    </Dialog>
  );
}
