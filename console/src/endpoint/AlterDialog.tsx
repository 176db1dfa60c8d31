/** Another name, address, network, or other nodes; only what was changed is sent. */
import Alert from "antd/es/alert";
import Form from "antd/es/form";
import { api, ask } from "../api/client";
import { useEndpoints } from "../api/queries";
import type { Changes, Endpoint } from "../api/schema";
import { Dialog } from "../parts/Dialog";
import { ProblemAlert } from "../parts/ProblemAlert";
import { useAction } from "../parts/useAction";
import { EndpointFields, type EndpointDraft } from "./EndpointFields";
import { fromLines, toLines } from "./servers";
import { nameOf, type EndpointType, type Mode } from "./words";

interface AlterDialogProps {
  endpoint: Endpoint;
  /** Why it cannot be led elsewhere now; empty where it can. */
  fixed: string;
  onClose: () => void;
}

export default function AlterDialog({ endpoint, fixed, onClose }: AlterDialogProps) {
  const [form] = Form.useForm<EndpointDraft>();
  const { data: all = [] } = useEndpoints();
  const first = draftOf(endpoint, all.find((one) => one.part_of === endpoint.id)?.port ?? null);
  const given = Form.useWatch([], form) ?? first;
  const changes = changesOf(first, { ...first, ...given });
  const moves = changes.host !== undefined || changes.port !== undefined;
  const alter = useAction(
    () =>
      ask(
        api.PATCH("/api/v1/endpoints/{endpoint_id}", {
          params: { path: { endpoint_id: endpoint.id } },
          body: changes,
        }),
      ),
    { onDone: onClose },
  );
  return (
    <Dialog
      title={`Alter ${nameOf(endpoint)}`}
      width={640}
      okText="Save"
      okButtonProps={{ disabled: Object.keys(changes).length === 0 }}
      confirmLoading={alter.isPending}
      onOk={() => form.submit()}
      onCancel={onClose}
    >
      <Form form={form} layout="vertical" initialValues={first} onFinish={() => alter.mutate(undefined)}>
        <EndpointFields
          ownerId={endpoint.owner_id}
          type={first.type}
          mode={given.read_write_mode ?? first.read_write_mode}
          fixed={fixed}
        />
      </Form>
      {moves && (
        <Alert className="problem" type="warning" showIcon title="Applications need the new address. Sessions at the old one go on until they end." />
      )}
      <ProblemAlert error={alter.error} />
    </Dialog>
  );
}

function draftOf(endpoint: Endpoint, read_only_port: number | null): EndpointDraft {
  const { name, host, port, net_type, ssl_enabled, nodes } = endpoint;
  return {
    type: endpoint.type as EndpointType,
    read_write_mode: endpoint.read_write_mode as Mode,
    name: name ?? "",
    host,
    port,
    net_type,
    ssl_enabled,
    nodes: nodes ?? {},
    servers: toLines(nodes ?? {}),
    read_only_port,
  };
}

/** What is not as it was. A read-only port that is left empty is closed. */
function changesOf(first: EndpointDraft, draft: EndpointDraft): Changes {
  const changes: Changes = {};
  if (draft.name !== first.name) changes.name = draft.name;
  if (draft.host !== first.host) changes.host = draft.host;
  if (draft.port !== null && draft.port !== first.port) changes.port = draft.port;
  if (draft.net_type !== first.net_type) changes.net_type = draft.net_type;
  if (draft.ssl_enabled !== first.ssl_enabled) changes.ssl_enabled = draft.ssl_enabled;
  if (draft.read_write_mode !== first.read_write_mode) changes.read_write_mode = draft.read_write_mode;
  if (first.type === "Custom" && !same(draft.nodes, first.nodes)) changes.nodes = draft.nodes;
  if (first.type === "ReadOnly" && draft.servers !== first.servers) changes.nodes = fromLines(draft.servers);
  if (draft.read_only_port !== first.read_only_port) changes.read_only_port = draft.read_only_port ?? 0;
  return changes;
}

function same(one: Record<string, number>, other: Record<string, number>): boolean {
  const names = Object.keys(one);
  return names.length === Object.keys(other).length && names.every((name) => one[name] === other[name]);
}
