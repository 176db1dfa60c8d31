/** One registered server: its endpoints, its accounts, its evaluations, its release. */
import { useParams } from "wouter";
import { useEndpoints, useEvaluations, useInstance, useMigrations } from "../api/queries";
import type { Instance } from "../api/schema";
import { EvaluateButton } from "../evaluation/EvaluateButton";
import { EvaluationTable } from "../evaluation/EvaluationTable";
import { Time } from "../format/Time";
import { Accounts } from "../instance/Accounts";
import { InstanceHead } from "../instance/InstanceHead";
import { EndpointTable } from "../migration/EndpointPairs";
import { Facts } from "../parts/Facts";
import { MigrationTable } from "../parts/MigrationTable";
import { Section } from "../parts/Section";
import { Answered } from "../parts/States";

export default function InstancePage() {
  const { id = "" } = useParams();
  const instance = useInstance(id);
  const migrations = useMigrations();
  const endpoints = useEndpoints();
  const evaluations = useEvaluations(id);
  return (
    <>
      <InstanceHead id={id} />
      <Answered query={instance} what="the instance">
        {(data) => (
          <>
            <Section title="Basic Information">
              <InstanceFacts instance={data} />
            </Section>
            <Section title="Migrations">
              <Answered query={migrations} what="the migrations">
                {(rows) => <MigrationTable migrations={rows.filter((row) => row.instance_id === id)} />}
              </Answered>
            </Section>
            <Section title="Endpoints">
              <Answered query={endpoints} what="the endpoints">
                {(rows) => <EndpointTable rows={rows.filter((row) => row.owner_id === id)} />}
              </Answered>
            </Section>
            <Section title="Accounts on a cluster">
              <Accounts instanceId={id} />
            </Section>
            <Section title="Migration evaluation" extra={<EvaluateButton instanceId={id} />}>
              <Answered query={evaluations} what="the reports">
                {(rows) => <EvaluationTable evaluations={rows} />}
              </Answered>
            </Section>
          </>
        )}
      </Answered>
    </>
  );
}

function InstanceFacts({ instance }: { instance: Instance }) {
  return (
    <Facts
      facts={[
        ["Instance ID", instance.id],
        ["Name", instance.description],
        ["Server", <code>{`${instance.host}:${instance.port}`}</code>],
        ["Version", instance.version],
        ["Connected as", instance.user],
        ["Encryption", instance.tls],
        ["Registered", <Time at={instance.created_at} />],
      ]}
    />
  );
}
