/** Between which sizes a serverless cluster moves with its load. */
import Form from "antd/es/form";
import InputNumber from "antd/es/input-number";
import Select from "antd/es/select";
import type { Choices, Serverless } from "../api/schema";
import { memory } from "../format/numbers";

interface LimitFieldsProps {
  limits: Serverless;
  choices: Choices;
  onChange: (limits: Serverless) => void;
}

export function LimitFields({ limits, choices, onChange }: LimitFieldsProps) {
  const change = (part: Partial<Serverless>) => onChange({ ...limits, ...part });
  const classes = choices.node_classes.map((one) => ({ value: one.name, label: `${one.name}, ${memory(one.memory_bytes)}` }));
  return (
    <fieldset className="choices">
      <legend>Serverless limits</legend>
      <p className="faint">Memory of the nodes, and how many read-only ones there are, follow the load between these.</p>
      <div className="field-grid">
        <Form.Item label="Smallest node" htmlFor="class-min">
          <Select id="class-min" value={limits.memory_min_class} options={classes} onChange={(memory_min_class) => change({ memory_min_class })} />
        </Form.Item>
        <Form.Item label="Largest node" htmlFor="class-max">
          <Select id="class-max" value={limits.memory_max_class} options={classes} onChange={(memory_max_class) => change({ memory_max_class })} />
        </Form.Item>
        <Form.Item label="Read-only nodes, at least" htmlFor="nodes-min">
          <InputNumber id="nodes-min" min={0} max={choices.nodes_max} value={limits.nodes_min} onChange={(value) => change({ nodes_min: value ?? 0 })} />
        </Form.Item>
        <Form.Item label="Read-only nodes, at most" htmlFor="nodes-max">
          <InputNumber id="nodes-max" min={0} max={choices.nodes_max} value={limits.nodes_max} onChange={(value) => change({ nodes_max: value ?? 0 })} />
        </Form.Item>
      </div>
    </fieldset>
  );
}
