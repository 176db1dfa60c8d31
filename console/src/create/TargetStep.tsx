/** What the cluster is to be: the fields of the order page. */
import Form from "antd/es/form";
import Input from "antd/es/input";
import InputNumber from "antd/es/input-number";
import type { Choices } from "../api/schema";
import { memory } from "../format/numbers";
import { Facts } from "../parts/Facts";
import { VersionSelect } from "../parts/VersionSelect";
import type { StepProps } from "./SourceStep";

export function TargetStep({ order, choices, onChange }: StepProps & { choices: Choices }) {
  return (
    <Form layout="vertical" style={{ maxWidth: 560 }}>
      <Form.Item
        label="Compatibility: target engine version"
        htmlFor="version"
        extra="The same or a newer one; never an older."
      >
        <VersionSelect
          id="version"
          value={order.target_version}
          onChange={(target_version) => onChange({ target_version })}
        />
      </Form.Item>
      <Form.Item label="Name" htmlFor="name">
        <Input
          id="name"
          value={order.description ?? ""}
          onChange={(event) => onChange({ description: event.target.value })}
        />
      </Form.Item>
      <Form.Item
        label="Read-only nodes"
        htmlFor="nodes"
        extra={`Besides the primary; at most ${choices.nodes_max}. Each is a clone that follows it.`}
      >
        <InputNumber
          id="nodes"
          min={0}
          max={choices.nodes_max}
          value={order.nodes ?? 0}
          onChange={(nodes) => onChange({ nodes: nodes ?? 0 })}
        />
      </Form.Item>
      <Given choices={choices} />
    </Form>
  );
}

/** What a new cluster gets without being asked. */
function Given({ choices }: { choices: Choices }) {
  const size = choices.node_classes[0];
  return (
    <Facts
      facts={[
        ["Billing method", choices.pay_types[0]],
        ["Node class", size && `${size.name}, ${memory(size.memory_bytes)} of memory`],
        ["Storage engine", choices.storage_engines[0]],
        ["Region and network", "this machine, private network"],
      ]}
    />
  );
}
