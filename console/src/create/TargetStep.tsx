/** What the cluster is to be: the lower half of the order page. */
import Checkbox from "antd/es/checkbox";
import Form from "antd/es/form";
import Input from "antd/es/input";
import InputNumber from "antd/es/input-number";
import { useHosts } from "../api/queries";
import type { NodeClassInfo } from "../api/schema";
import { count, memory } from "../format/numbers";
import { VersionSelect } from "../parts/VersionSelect";
import { LimitFields } from "../serverless/LimitFields";
import { Choice } from "./Choice";
import { PlaceFields, versionsAt } from "./PlaceFields";
import { hasMyRocks, isServerless, type StepProps } from "./order";

export function TargetStep(props: StepProps) {
  const { order, onChange } = props;
  const { data: hosts = [] } = useHosts();
  return (
    <Form layout="vertical" component="div">
      <div className="field-grid">
        <Form.Item label="Compatibility: target engine version" htmlFor="version" extra="The same or a newer one; never an older.">
          <VersionSelect
            id="version"
            value={order.target_version}
            only={versionsAt(order, hosts)}
            onChange={(target_version) => onChange({ target_version, storage_engine: "InnoDB" })}
          />
        </Form.Item>
        <Form.Item label="Name" htmlFor="name">
          <Input id="name" value={order.description} onChange={(event) => onChange({ description: event.target.value })} />
        </Form.Item>
        <Form.Item label="Region and network" htmlFor="network" extra="The network of its endpoints; only those of one network can be exchanged. Empty: Private.">
          <Input id="network" placeholder="Private" maxLength={64} value={order.network_label} onChange={(event) => onChange({ network_label: event.target.value })} />
        </Form.Item>
      </div>
      <PlaceFields {...props} hosts={hosts} />
      {isServerless(order) ? (
        <LimitFields limits={order.serverless} choices={props.choices} onChange={(serverless) => onChange({ serverless })} />
      ) : (
        <Size {...props} />
      )}
      <StorageEngine {...props} />
    </Form>
  );
}

function Size(props: StepProps) {
  const { order, choices, onChange } = props;
  return (
    <>
      <Choice
        label="Node specifications"
        help="Equal to the source's or larger. It can be changed later, one node after the other."
        value={order.node_class}
        options={choices.node_classes.map((one) => [one.name, one.name, sizeOf(one)])}
        onChange={(node_class) => onChange({ node_class })}
      />
      {order.place !== "existing" && <Readers {...props} />}
    </>
  );
}

function sizeOf(one: NodeClassInfo): string {
  return `${memory(one.memory_bytes)} of memory, ${count(one.connections_max)} connections`;
}

function Readers({ order, choices, onChange }: StepProps) {
  return (
    <Form.Item
      label="Read-only nodes"
      htmlFor="nodes"
      extra={`Besides the primary; at most ${choices.nodes_max}. Each has its data and follows it.`}
    >
      <InputNumber id="nodes" min={0} max={choices.nodes_max} value={order.nodes} onChange={(nodes) => onChange({ nodes: nodes ?? 0 })} />
    </Form.Item>
  );
}

const ENGINES: Record<string, string> = {
  InnoDB: "For every workload.",
  "InnoDB & MyRocks": "Tables that are converted to MyRocks take less room; memory is shared between both.",
};

function StorageEngine({ order, choices, onChange }: StepProps) {
  const engine = choices.engines.find((one) => one.version === order.target_version);
  const offered = engine?.storage_engines ?? choices.storage_engines;
  return (
    <>
      <Choice
        label="Storage engine"
        value={order.storage_engine}
        options={offered.map((word) => [word, word, ENGINES[word] ?? ""])}
        onChange={(word) => onChange({ storage_engine: word as typeof order.storage_engine })}
      />
      {hasMyRocks(order) && (
        <Form.Item label="Share of memory for MyRocks" htmlFor="myrocks">
          <InputNumber
            id="myrocks"
            min={10}
            max={90}
            suffix="%"
            value={order.myrocks_memory_percent}
            onChange={(percent) => onChange({ myrocks_memory_percent: percent ?? 50 })}
          />
        </Form.Item>
      )}
      {order.nodes > 0 && (
        <Form.Item>
          <Checkbox checked={order.semi_sync} onChange={(event) => onChange({ semi_sync: event.target.checked })}>
            A commit waits until a read-only node has it too (semi-synchronous replication)
          </Checkbox>
        </Form.Item>
      )}
    </>
  );
}
