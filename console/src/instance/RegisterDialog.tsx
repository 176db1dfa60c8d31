/** Register a server: where it is, who we are there, and whether that works. */
import Alert from "antd/es/alert";
import Button from "antd/es/button";
import Form from "antd/es/form";
import Input from "antd/es/input";
import InputNumber from "antd/es/input-number";
import Select from "antd/es/select";
import { useLocation } from "wouter";
import { api, ask } from "../api/client";
import type { ConnectionTest, NewInstance } from "../api/schema";
import { Dialog } from "../parts/Dialog";
import { ProblemAlert } from "../parts/ProblemAlert";
import { useAction } from "../parts/useAction";

const TLS = [
  { value: "Preferred", label: "Preferred: encrypted where the server can" },
  { value: "Required", label: "Required" },
  { value: "Disabled", label: "Disabled" },
];

const FIRST: Partial<NewInstance> = { port: 3306, tls: "Preferred", description: "" };

export default function RegisterDialog({ onClose }: { onClose: () => void }) {
  const [form] = Form.useForm<NewInstance>();
  const [, go] = useLocation();
  const test = useAction(({ host, port, user, password, tls }: NewInstance) =>
    ask(
      api.POST("/api/v1/instances/test", {
        body: { host, port, user, password, tls: tls ?? "Preferred" },
      }),
    ),
  );
  const register = useAction((body: NewInstance) => ask(api.POST("/api/v1/instances", { body })), {
    onDone: (instance) => go(`/instances/${instance.id}`),
  });
  return (
    <Dialog
      title="Register instance"
      okText="Register"
      confirmLoading={register.isPending}
      onOk={() => form.submit()}
      onCancel={onClose}
    >
      <p className="faint dialog-part">
        Sterna connects to the server and gives it an endpoint, the address applications use from now
        on. Nothing on the server changes.
      </p>
      <Form form={form} layout="vertical" initialValues={FIRST} onFinish={register.mutate}>
        <Fields />
      </Form>
      <Button loading={test.isPending} onClick={() => void form.validateFields().then((given) => test.mutate(given))}>
        Test connection
      </Button>
      <div className="dialog-part">
        {test.data && <Works test={test.data} />}
        <ProblemAlert error={register.error ?? test.error} />
      </div>
    </Dialog>
  );
}

function Fields() {
  return (
    <>
      <div className="pair">
        <Form.Item name="host" label="Host" rules={[{ required: true, message: "A name or an address." }]}>
          <Input autoFocus autoComplete="off" placeholder="db.example.org" />
        </Form.Item>
        <Form.Item name="port" label="Port" rules={[{ required: true, message: "1 to 65535." }]}>
          <InputNumber min={1} max={65535} />
        </Form.Item>
      </div>
      <div className="pair even">
        <Form.Item name="user" label="User" rules={[{ required: true, message: "An administrator of the server." }]}>
          <Input autoComplete="off" />
        </Form.Item>
        <Form.Item name="password" label="Password" rules={[{ required: true, message: "The user's password." }]}>
          <Input type="password" autoComplete="new-password" />
        </Form.Item>
      </div>
      <Form.Item name="tls" label="Encryption">
        <Select options={TLS} />
      </Form.Item>
      <Form.Item name="description" label="Name for people">
        <Input autoComplete="off" />
      </Form.Item>
      <Form.Item
        name="endpoint_port"
        label="Port of its endpoint"
        extra="The port applications will use. Chosen for you when left empty."
      >
        <InputNumber min={1} max={65535} />
      </Form.Item>
    </>
  );
}

function Works({ test }: { test: ConnectionTest }) {
  return (
    <Alert
      type={test.warnings.length ? "warning" : "success"}
      showIcon
      title={`The server answers: ${test.version}.`}
      description={test.warnings.join(" ") || undefined}
    />
  );
}
