/** The servers of a cluster: how each is, and what may be done with them now. */
import Alert from "antd/es/alert";
import { Link, useParams } from "wouter";
import { useChoices, useCluster, useHealth } from "../api/queries";
import type { Cluster, Node, NodeHealth } from "../api/schema";
import { ChangeButton } from "../cluster/ChangeButton";
import { useRefusal } from "../cluster/changes";
import { duration } from "../format/numbers";
import { ClusterHead } from "../parts/ClusterHead";
import { DataTable, type Column } from "../parts/DataTable";
import { Section } from "../parts/Section";
import { Answered } from "../parts/States";
import { Status } from "../parts/Status";
import { ServerlessSection } from "../serverless/ServerlessSection";

const ROLES: Record<string, string> = { Writer: "primary", Reader: "read-only" };

export default function NodesPage() {
  const { id = "" } = useParams();
  const cluster = useCluster(id);
  const { data: health = [] } = useHealth(id);
  return (
    <>
      <ClusterHead id={id} />
      <Answered query={cluster} what="the nodes">
        {(data) => (
          <>
            <Section title="Nodes" extra={<Buttons cluster={data} />}>
              <InTheWay id={id} />
              <DataTable
                label="Nodes"
                rows={data.nodes}
                columns={columnsOf(data, health)}
                rowKey={(row) => row.id}
                empty="There are no nodes yet."
              />
            </Section>
            {data.serverless && <ServerlessSection clusterId={id} />}
          </>
        )}
      </Answered>
    </>
  );
}

/** What keeps every change from being made now, to be read without a mouse. */
function InTheWay({ id }: { id: string }) {
  const refused = useRefusal(id, { kind: "restart", nodeId: null });
  return refused && <Alert className="problem" type="info" showIcon title={`The nodes cannot be changed now: ${refused}`} />;
}

function Buttons({ cluster }: { cluster: Cluster }) {
  const { data } = useChoices();
  const other = data?.node_classes.find((one) => one.name !== cluster.node_class)?.name;
  return (
    <div className="actions">
      <ChangeButton clusterId={cluster.id} change={{ kind: "add", count: 1 }}>
        Add nodes
      </ChangeButton>
      {other && (
        <ChangeButton clusterId={cluster.id} change={{ kind: "class", nodeClass: other }}>
          Change class
        </ChangeButton>
      )}
      <ChangeButton clusterId={cluster.id} change={{ kind: "restart", nodeId: null }}>
        Restart all nodes
      </ChangeButton>
      <ChangeButton clusterId={cluster.id} change={{ kind: "semiSync", on: !cluster.semi_sync }}>
        {cluster.semi_sync ? "Let commits wait no longer" : "Let commits wait for a node"}
      </ChangeButton>
    </div>
  );
}

function columnsOf(cluster: Cluster, health: NodeHealth[]): Column<Node>[] {
  const of = (row: Node) => health.find((one) => one.node_id === row.id);
  return [
    { title: "Node", render: (row) => <Name node={row} />, sortBy: (row) => row.id },
    { title: "Address", render: (row) => <code>{`${row.host}:${row.port}`}</code> },
    { title: "Class", render: (row) => row.node_class || cluster.node_class, sortBy: (row) => row.node_class || cluster.node_class },
    { title: "Status", render: (row) => <Under node={row} />, sortBy: (row) => row.status },
    { title: "Health", render: (row) => <Health node={row} health={of(row)} />, sortBy: (row) => of(row)?.lag_seconds ?? null },
    { title: "Change", render: (row) => <NodeButtons cluster={cluster} node={row} /> },
  ];
}

function Name({ node }: { node: Node }) {
  return (
    <>
      <span className="id">{node.id}</span>
      <div className="faint">{ROLES[node.role] ?? node.role}</div>
    </>
  );
}

/** A node that is being made says how much of the data it has. */
function Under({ node }: { node: Node }) {
  return (
    <>
      <Status word={node.status} />
      <div className="faint">{node.progress}</div>
    </>
  );
}

/** Only read-only nodes are asked; connections for writing wait for the primary. */
function Health({ node, health }: { node: Node; health: NodeHealth | undefined }) {
  if (!health) return <span className="faint">{node.role === "Writer" ? "–" : "not asked yet"}</span>;
  return (
    <>
      <Status word={health.state} />
      {Boolean(health.lag_seconds) && `, ${duration(health.lag_seconds ?? 0)} behind`}
      <div className="faint">{health.in_rotation ? "in rotation" : "out of rotation"}</div>
      {health.semi_sync != null && <div className="faint">{health.semi_sync ? "commits wait for it" : "commits do not wait for it"}</div>}
      <div className="faint">{health.problem}</div>
    </>
  );
}

function NodeButtons({ cluster, node }: { cluster: Cluster; node: Node }) {
  return (
    <span className="actions">
      <Link href={`/clusters/${cluster.id}/nodes/${node.id}/logs`}>Logs</Link>
      <ChangeButton clusterId={cluster.id} change={{ kind: "restart", nodeId: node.id }} label={`Restart ${node.id}`} small>
        Restart
      </ChangeButton>
      <ChangeButton clusterId={cluster.id} change={{ kind: "remove", nodeId: node.id }} label={`Remove ${node.id}`} small danger>
        Remove
      </ChangeButton>
    </span>
  );
}
