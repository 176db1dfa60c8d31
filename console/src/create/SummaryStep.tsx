/** The whole order once more, before anything is created. */
import { useHosts, useInstance } from "../api/queries";
import type { Host, Serverless } from "../api/schema";
import { counted, memory } from "../format/numbers";
import { Facts } from "../parts/Facts";
import { payTypeTitle } from "../words";
import { hasMyRocks, isServerless, type Order, type StepProps } from "./order";

export function SummaryStep({ order, choices }: StepProps) {
  const { data: instance } = useInstance(order.instance_id);
  const { data: hosts = [] } = useHosts();
  const size = choices.node_classes.find((one) => one.name === order.node_class);
  return (
    <>
      <p className="dialog-part">
        The cluster is created, filled with all data of the source, and kept in sync; it stays read-only
        until the switchover, and its binary log is on. Nothing on the source changes. Complete the
        migration within 30 days.
      </p>
      <Facts
        facts={[
          ["Creation method", "Migrate from RDS"],
          ["Billing method", payTypeTitle(order.pay_type)],
          ["Source RDS instance", instance ? `${instance.description || instance.id} (${instance.id})` : order.instance_id],
          ["Source RDS version", instance?.version],
          ["Compatibility", order.target_version],
          ["Node specifications", isServerless(order) ? "Serverless" : size && `${size.name}, ${memory(size.memory_bytes)} of memory`],
          ["Nodes", isServerless(order) ? scaled(order.serverless) : `1 primary, ${counted(order.nodes, "read-only node")}`],
          ["Storage engine", hasMyRocks(order) ? `${order.storage_engine}, ${order.myrocks_memory_percent} % of memory for MyRocks` : order.storage_engine],
          ["Region and network", order.network_label || "Private"],
          ["Made on", placeOf(order, hosts)],
          ["Name", order.description],
          ["Commits wait for a read-only node", order.semi_sync && order.nodes > 0 ? "yes" : "no"],
          ["Accepted prechecks", order.ignore.join(", ")],
        ]}
      />
    </>
  );
}

function scaled(limits: Serverless): string {
  const { memory_min_class, memory_max_class, nodes_min, nodes_max } = limits;
  return `1 primary, ${nodes_min} to ${nodes_max} read-only nodes, ${memory_min_class} to ${memory_max_class}`;
}

function placeOf(order: Order, hosts: Host[]): string {
  const ids = order.place === "hosts" ? order.hosts : [order.existing];
  if (order.place === "here") return "this machine";
  return hosts.filter((host) => ids.includes(host.id)).map((host) => host.name).join(", ");
}
