/** The fields of an endpoint that is made or altered. */
import Checkbox from "antd/es/checkbox";
import Form from "antd/es/form";
import Input from "antd/es/input";
import InputNumber from "antd/es/input-number";
import Select from "antd/es/select";
import { NodeWeights, type Weights } from "./NodeWeights";
import { isCluster, MODE_CHOICES, type EndpointType, type Mode } from "./words";

/** What the fields hold: `servers` by lines, see servers.ts; an empty port is null. */
export interface EndpointDraft {
  type: EndpointType;
  name: string;
  host: string;
  port: number | null;
  net_type: string;
  ssl_enabled: boolean;
  read_write_mode: Mode;
  nodes: Weights;
  servers: string;
  read_only_port: number | null;
}

interface EndpointFieldsProps {
  ownerId: string;
  type: EndpointType;
  mode: Mode;
  /** Why the mode and the nodes cannot be chosen now; empty where they can. */
  fixed?: string;
}

export function EndpointFields({ ownerId, type, mode, fixed = "" }: EndpointFieldsProps) {
  return (
    <>
      <Form.Item name="name" label="Name for people">
        <Input autoComplete="off" maxLength={64} />
      </Form.Item>
      <div className="pair">
        <Form.Item name="host" label="Listens on" rules={[{ required: true, message: "An address of Sterna's machine." }]}>
          <Input autoComplete="off" />
        </Form.Item>
        <Form.Item name="port" label="Port" extra="Empty: a free one.">
          <InputNumber min={1024} max={65535} />
        </Form.Item>
      </div>
      {type === "Cluster" && <ClusterFields mode={mode} fixed={fixed} />}
      {type === "Custom" && isCluster(ownerId) && (
        <Form.Item name="nodes" label="Nodes and weights" extra={fixed || "With the primary among them it is for reading and writing."} rules={[{ validator: oneAtLeast }]}>
          <NodeWeights clusterId={ownerId} disabled={fixed !== ""} />
        </Form.Item>
      )}
      {type === "ReadOnly" && (
        <Form.Item
          name="servers"
          label="Servers and weights"
          extra={fixed || "One a line: HOST:PORT, or HOST:PORT=WEIGHT with a weight of 1 to 10."}
          rules={[{ required: true, message: "Name one at least." }]}
        >
          <Input.TextArea rows={3} disabled={fixed !== ""} placeholder="10.0.0.6:3306=2" />
        </Form.Item>
      )}
      <div className="pair even">
        <Form.Item name="net_type" label="Network" extra="A label, such as Private or Public.">
          <Input autoComplete="off" maxLength={32} />
        </Form.Item>
        <Form.Item name="ssl_enabled" label="Encryption" valuePropName="checked">
          <Checkbox>Applications use TLS here</Checkbox>
        </Form.Item>
      </div>
    </>
  );
}

function ClusterFields({ mode, fixed }: { mode: Mode; fixed: string }) {
  return (
    <>
      <Form.Item name="read_write_mode" label="Serves" extra={fixed}>
        <Select options={MODE_CHOICES} disabled={fixed !== ""} />
      </Form.Item>
      {mode === "ReadWrite" && (
        <Form.Item name="read_only_port" label="Port for reads" extra="Leads to the read-only nodes. Empty: none.">
          <InputNumber min={1024} max={65535} />
        </Form.Item>
      )}
    </>
  );
}

function oneAtLeast(_: unknown, nodes: Weights | undefined): Promise<void> {
  const some = Object.keys(nodes ?? {}).length > 0;
  return some ? Promise.resolve() : Promise.reject(new Error("Choose one at least."));
}
