/** Create a cluster with the method Migrate from RDS: source, target, evaluation, done. */
import Button from "antd/es/button";
import Steps from "antd/es/steps";
import { useState } from "react";
import { useLocation, useSearchParams } from "wouter";
import { api, ask } from "../api/client";
import { useChoices } from "../api/queries";
import type { Choices, NewMigration } from "../api/schema";
import { EvaluationStep } from "../create/EvaluationStep";
import { SourceStep } from "../create/SourceStep";
import { TargetStep } from "../create/TargetStep";
import { PageHead } from "../parts/PageHead";
import { ProblemAlert } from "../parts/ProblemAlert";
import { Section } from "../parts/Section";
import { Answered } from "../parts/States";
import { newestOf } from "../parts/VersionSelect";
import { useAction } from "../parts/useAction";

const TITLES = ["Source instance", "Cluster", "Migration evaluation"];

export default function CreateClusterPage() {
  const choices = useChoices();
  return (
    <>
      <PageHead title="Create cluster" above={[["Clusters", "/clusters"]]} />
      <Answered query={choices} what="the versions">
        {(data) => <Wizard choices={data} />}
      </Answered>
    </>
  );
}

function firstChoice(choices: Choices, instance: string): NewMigration {
  return {
    instance_id: instance,
    target_version: newestOf(choices.engines),
    nodes: 0,
    ignore: [],
    description: "",
  };
}

function Wizard({ choices }: { choices: Choices }) {
  const [search] = useSearchParams();
  const [, go] = useLocation();
  const [step, setStep] = useState(0);
  const [order, setOrder] = useState(() => firstChoice(choices, search.get("instance") ?? ""));
  const create = useAction((body: NewMigration) => ask(api.POST("/api/v1/migrations", { body })), {
    onDone: (migration) => go(`/clusters/${migration.cluster_id}`),
  });
  const change = (part: Partial<NewMigration>) => setOrder({ ...order, ...part });
  const last = step === TITLES.length - 1;
  const ready = step > 0 || order.instance_id !== "";
  return (
    <>
      <Section title="Creation method: Migrate from RDS">
        <Steps current={step} items={TITLES.map((title) => ({ title }))} responsive />
      </Section>
      <Section title={TITLES[step] ?? ""}>
        {step === 0 && <SourceStep order={order} onChange={change} />}
        {step === 1 && <TargetStep order={order} choices={choices} onChange={change} />}
        {last && <EvaluationStep order={order} onChange={change} />}
      </Section>
      <ProblemAlert error={create.error} />
      <div className="actions">
        {step > 0 && <Button onClick={() => setStep(step - 1)}>Back</Button>}
        {last ? (
          <Button type="primary" loading={create.isPending} onClick={() => create.mutate(order)}>
            Create cluster and migrate
          </Button>
        ) : (
          <Button type="primary" disabled={!ready} onClick={() => setStep(step + 1)}>
            Next
          </Button>
        )}
      </div>
    </>
  );
}
