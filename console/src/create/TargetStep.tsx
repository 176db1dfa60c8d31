/** What the cluster is to be: the fields of the order page. */
import Form from "antd/es/form";
import Input from "antd/es/input";
import InputNumber from "antd/es/input-number";
import Select from "antd/es/select";
import type { Choices } from "../api/schema";
import { memory } from "../format/numbers";
import { VersionSelect } from "../parts/VersionSelect";
import type { StepProps } from "./SourceStep";

const plain = (value: string) => ({ value, label: value });

export function TargetStep({ order, choices, onChange }: StepProps & { choices: Choices }) {
  const classes = choices.node_classes.map((one) => ({
    value: one.name,
    label: `${one.name} (${memory(one.memory_bytes)} of memory)`,
  }));
  return (
    <Form layout="vertical" style={{ maxWidth: 480 }}>
      <Form.Item label="Compatibility: target engine version" htmlFor="version" extra="The same or a newer one; never an older.">
        <VersionSelect id="version" value={order.target_version} onChange={(target_version) => onChange({ target_version })} />
      </Form.Item>
      <Form.Item label="Name" htmlFor="name">
        <Input id="name" value={order.description ?? ""} onChange={(event) => onChange({ description: event.target.value })} />
      </Form.Item>
      <Form.Item label="Billing method" htmlFor="billing" extra="Recorded with the cluster.">
        <Select id="billing" value={order.pay_type ?? null} options={choices.pay_types.map(plain)} onChange={(pay_type) => onChange({ pay_type })} />
      </Form.Item>
      <Form.Item label="Node class" htmlFor="class">
        <Select id="class" value={order.node_class ?? null} options={classes} onChange={(node_class) => onChange({ node_class })} />
      </Form.Item>
      <Form.Item
        label="Read-only nodes"
        htmlFor="nodes"
        extra={`Besides the primary; at most ${choices.nodes_max}. Each is a clone that follows it.`}
      >
        <InputNumber id="nodes" min={0} max={choices.nodes_max} value={order.nodes ?? 0} onChange={(nodes) => onChange({ nodes: nodes ?? 0 })} />
      </Form.Item>
      <Form.Item label="Storage engine" htmlFor="engine">
        <Select id="engine" value={choices.storage_engines[0] ?? null} options={choices.storage_engines.map(plain)} />
      </Form.Item>
      <Form.Item label="Region and network">This machine, private network</Form.Item>
    </Form>
  );
}
