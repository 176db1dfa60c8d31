/** One cluster: what it is, and the migration that fills it. */
import { useParams } from "wouter";
import { useCluster, useMigration, useTimeline } from "../api/queries";
import { ChangeButton } from "../cluster/ChangeButton";
import { ClusterHead } from "../parts/ClusterHead";
import { ClusterFacts } from "../migration/ClusterFacts";
import { EndpointPairs } from "../migration/EndpointPairs";
import { LatencyChart } from "../migration/LatencyChart";
import { LiveOperation } from "../migration/LiveOperation";
import { MigrationSection } from "../migration/MigrationSection";
import { Section } from "../parts/Section";
import { Answered } from "../parts/States";
import { ScheduleSection } from "../schedule/ScheduleSection";

export default function ClusterPage() {
  const { id = "" } = useParams();
  const cluster = useCluster(id);
  const migration = useMigration(id);
  const runs = useTimeline(id);
  return (
    <>
      <ClusterHead id={id} />
      <Answered query={migration} what="the migration">
        {(data) => (
          <>
            <LiveOperation migration={data} run={runs.data?.at(-1)} />
            <MigrationSection migration={data} />
            <LatencyChart migration={data} />
            <EndpointPairs migration={data} />
          </>
        )}
      </Answered>
      {migration.data && migration.data.status !== "NO_MIGRATION" && (
        <ScheduleSection title="Schedules" clusterId={id} isShown={(one) => one.cluster_id === id} />
      )}
      <Section title="Basic Information" extra={<Buttons id={id} hasLog={cluster.data?.binary_log ?? true} />}>
        <Answered query={cluster} what="the cluster">
          {(data) => <ClusterFacts cluster={data} />}
        </Answered>
      </Section>
    </>
  );
}

function Buttons({ id, hasLog }: { id: string; hasLog: boolean }) {
  return (
    <div className="actions">
      {!hasLog && (
        <ChangeButton clusterId={id} change={{ kind: "binlog" }}>
          Enable binary log
        </ChangeButton>
      )}
      <ChangeButton clusterId={id} change={{ kind: "delete" }} danger>
        Delete cluster
      </ChangeButton>
    </div>
  );
}
