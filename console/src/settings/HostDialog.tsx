/** Another machine that Sterna enters by ssh, or a server somebody else has made. */
import Form from "antd/es/form";
import Input from "antd/es/input";
import InputNumber from "antd/es/input-number";
import Select from "antd/es/select";
import { api, ask } from "../api/client";
import type { NewHost } from "../api/schema";
import { Dialog } from "../parts/Dialog";
import { ProblemAlert } from "../parts/ProblemAlert";
import { useAction } from "../parts/useAction";

const KINDS: { value: NewHost["kind"]; label: string }[] = [
  { value: "ssh", label: "a machine: nodes are made there, by ssh" },
  { value: "existing", label: "an empty server that is there already: it becomes a primary" },
];
const PORTS = { ssh: 22, existing: 3306 };

export default function HostDialog({ onClose }: { onClose: () => void }) {
  const [form] = Form.useForm<NewHost>();
  const kind = Form.useWatch("kind", form) ?? "ssh";
  const add = useAction((body: NewHost) => ask(api.POST("/api/v1/hosts", { body })), { onDone: onClose });
  return (
    <Dialog title="Add host" okText="Add" confirmLoading={add.isPending} onOk={() => form.submit()} onCancel={onClose}>
      <p className="faint dialog-part">Sterna looks at it before it is kept; what it finds unfit is said, and nothing is changed there.</p>
      <Form form={form} layout="vertical" initialValues={{ kind: "ssh", port: PORTS.ssh }} onFinish={add.mutate}>
        <Form.Item name="kind" label="Kind">
          <Select options={KINDS} onChange={(chosen: NewHost["kind"]) => form.setFieldValue("port", PORTS[chosen])} />
        </Form.Item>
        <Form.Item name="name" label="Name" rules={[{ required: true, message: "Choose a name." }]}>
          <Input autoComplete="off" />
        </Form.Item>
        <div className="pair">
          <Form.Item name="address" label="Address" rules={[{ required: true, message: "A name or an address." }]}>
            <Input autoComplete="off" />
          </Form.Item>
          <Form.Item name="port" label="Port" rules={[{ required: true, message: "1 to 65535." }]}>
            <InputNumber min={1} max={65535} />
          </Form.Item>
        </div>
        <Form.Item name="user" label="User" rules={[{ required: true, message: "Who logs in there." }]}>
          <Input autoComplete="off" />
        </Form.Item>
        {kind === "ssh" ? <MachineFields /> : <PasswordField />}
      </Form>
      <ProblemAlert error={add.error} />
    </Dialog>
  );
}

function PasswordField() {
  return (
    <Form.Item name="secret" label="Password" rules={[{ required: true, message: "The account's password." }]}>
      <Input type="password" autoComplete="new-password" />
    </Form.Item>
  );
}

function MachineFields() {
  return (
    <>
      <Form.Item name="secret" label="Private key" extra="Without a passphrase. It is kept encrypted and never shown." rules={[{ required: true, message: "The key the user logs in with." }]}>
        <Input.TextArea rows={4} autoComplete="off" spellCheck={false} />
      </Form.Item>
      <Form.Item name="fingerprint" label="Fingerprint of the machine's key" extra="When left empty the first key it shows is believed.">
        <Input autoComplete="off" placeholder="SHA256:…" />
      </Form.Item>
      <Form.Item name="servers" label="Folder of server versions" extra="As on this machine when left empty.">
        <Input autoComplete="off" />
      </Form.Item>
    </>
  );
}
