import type { Cluster } from "../api/schema";
import { Time } from "../format/Time";
import { counted } from "../format/numbers";
import { Facts } from "../parts/Facts";
import { payTypeTitle } from "../words";

/** What the cluster is. */
export function ClusterFacts({ cluster }: { cluster: Cluster }) {
  const readers = cluster.nodes.filter((node) => node.role === "Reader").length;
  return (
    <Facts
      facts={[
        ["Cluster ID", cluster.id],
        ["Name", cluster.description],
        ["Database engine", cluster.version],
        ["Nodes", `1 primary, ${counted(readers, "read-only node")}`],
        ["Node class", cluster.node_class],
        ["Storage engine", cluster.storage_engine],
        ["Billing method", payTypeTitle(cluster.pay_type)],
        ["Binary log", cluster.binary_log ? "on" : "off"],
        ["Commits wait for a read-only node", cluster.semi_sync ? "yes" : "no"],
        ["Created", <Time at={cluster.created_at} />],
      ]}
    />
  );
}
