/** Source and target of a sync task, as two blocks. */
import { Link } from "wouter";
import { useCluster, useInstance } from "../api/queries";
import type { Migration } from "../api/schema";
import { Facts } from "../parts/Facts";
import { Section } from "../parts/Section";
import { mode } from "../words";

export function Sides({ migration }: { migration: Migration }) {
  const { data: instance } = useInstance(migration.instance_id);
  const { data: cluster } = useCluster(migration.cluster_id);
  const writer = cluster?.nodes.find((node) => node.role === "Writer");
  return (
    <div className="columns">
      <Section title="Source information">
        <Facts
          facts={[
            ["Instance type", "RDS instance"],
            ["Instance ID", <Link href={`/instances/${migration.instance_id}`}>{migration.instance_id}</Link>],
            ["Database type", instance?.version],
            ["Address", instance && <code>{`${instance.host}:${instance.port}`}</code>],
            ["Connection method", instance?.tls === "Disabled" ? "Non-encrypted connection" : "Encrypted where the server can"],
            ["Read/write status", mode(migration.source_mode)],
          ]}
        />
      </Section>
      <Section title="Target information">
        <Facts
          facts={[
            ["Instance type", "Cluster"],
            ["Instance ID", <Link href={`/clusters/${migration.cluster_id}`}>{migration.cluster_id}</Link>],
            ["Database type", cluster?.version],
            ["Address", writer && <code>{`${writer.host}:${writer.port}`}</code>],
            ["Connection method", "On this machine"],
            ["Read/write status", mode(migration.cluster_mode)],
          ]}
        />
      </Section>
    </div>
  );
}
