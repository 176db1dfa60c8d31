/** A new address for applications. */
import Form from "antd/es/form";
import Input from "antd/es/input";
import Select from "antd/es/select";
import { api, ask } from "../api/client";
import { Dialog } from "../parts/Dialog";
import { ProblemAlert } from "../parts/ProblemAlert";
import { useAction } from "../parts/useAction";
import { EndpointFields, type EndpointDraft } from "./EndpointFields";
import { fromLines as networksFrom } from "./networks";
import { fromLines as serversFrom } from "./servers";
import { isCluster, typesOf } from "./words";

interface NewDraft extends EndpointDraft {
  networks: string;
}

const EVERYBODY = "0.0.0.0/0\n::/0";

function firstOf(ownerId: string): NewDraft {
  return {
    type: isCluster(ownerId) ? "Cluster" : "ReadOnly",
    name: "",
    host: "127.0.0.1",
    port: null,
    net_type: "Private",
    ssl_enabled: false,
    read_write_mode: "ReadOnly",
    nodes: {},
    servers: "",
    read_only_port: null,
    networks: EVERYBODY,
  };
}

/** Only what belongs to the type. */
function bodyOf(owner_id: string, draft: NewDraft) {
  const { type, name, host, port, net_type, ssl_enabled } = draft;
  const common = { owner_id, type, name, host, port, net_type, ssl_enabled };
  const isReadWrite = draft.read_write_mode === "ReadWrite";
  return {
    ...common,
    allowed_networks: networksFrom(draft.networks),
    ...(type === "Cluster" ? { read_write_mode: draft.read_write_mode } : {}),
    ...(type === "Cluster" && isReadWrite ? { read_only_port: draft.read_only_port } : {}),
    ...(type === "Custom" ? { nodes: draft.nodes } : {}),
    ...(type === "ReadOnly" ? { nodes: serversFrom(draft.servers) } : {}),
  };
}

export default function CreateDialog({ ownerId, onClose }: { ownerId: string; onClose: () => void }) {
  const [form] = Form.useForm<NewDraft>();
  const first = firstOf(ownerId);
  const type = Form.useWatch("type", form) ?? first.type;
  const mode = Form.useWatch("read_write_mode", form) ?? first.read_write_mode;
  const create = useAction(
    (draft: Partial<NewDraft>) =>
      ask(api.POST("/api/v1/endpoints", { body: bodyOf(ownerId, { ...first, ...draft }) })),
    { onDone: onClose },
  );
  return (
    <Dialog title="Create endpoint" width={640} okText="Create" confirmLoading={create.isPending} onOk={() => form.submit()} onCancel={onClose}>
      <Form form={form} layout="vertical" initialValues={first} onFinish={create.mutate}>
        <Form.Item name="type" label="Type">
          <Select options={typesOf(ownerId)} />
        </Form.Item>
        <EndpointFields ownerId={ownerId} type={type} mode={mode} />
        <Form.Item name="networks" label="Whitelist" extra="Who may come in: one network a line. Empty lets nobody in.">
          <Input.TextArea rows={2} />
        </Form.Item>
      </Form>
      <ProblemAlert error={create.error} />
    </Dialog>
  );
}
