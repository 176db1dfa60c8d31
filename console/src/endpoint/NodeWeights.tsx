/** Which nodes answer at a custom endpoint, and how large a share each gets. */
import Checkbox from "antd/es/checkbox";
import InputNumber from "antd/es/input-number";
import { useCluster } from "../api/queries";
import type { Node } from "../api/schema";
import { addressOf } from "./words";

export const WEIGHT_MAX = 10;

export type Weights = Record<string, number>;

interface NodeWeightsProps {
  clusterId: string;
  value?: Weights;
  onChange?: (value: Weights) => void;
  disabled?: boolean;
}

export function NodeWeights({ clusterId, value = {}, onChange, disabled = false }: NodeWeightsProps) {
  const { data } = useCluster(clusterId);
  const choose = (node: Node, weight: number | null) => {
    const { [node.id]: _, ...others } = value;
    onChange?.(weight === null ? others : { ...others, [node.id]: weight });
  };
  return (
    <div role="group" aria-label="Nodes and weights">
      {(data?.nodes ?? []).map((node) => (
        <div key={node.id} className="node-weight">
          <Checkbox
            checked={node.id in value}
            disabled={disabled}
            onChange={(event) => choose(node, event.target.checked ? 1 : null)}
          >
            {node.id} <span className="faint">{`${node.role === "Writer" ? "primary" : "read-only"}, ${addressOf(node)}`}</span>
          </Checkbox>
          <InputNumber
            aria-label={`Weight of ${node.id}`}
            min={1}
            max={WEIGHT_MAX}
            size="small"
            prefix="weight"
            value={value[node.id] ?? null}
            disabled={disabled || !(node.id in value)}
            onChange={(weight) => choose(node, weight ?? 1)}
          />
        </div>
      ))}
    </div>
  );
}
