/** Create a cluster with the method Migrate from RDS: source, cluster, evaluation, summary, done. */
import Button from "antd/es/button";
import Steps from "antd/es/steps";
import { useState } from "react";
import { useLocation, useSearchParams } from "wouter";
import { api, ask } from "../api/client";
import { useChoices } from "../api/queries";
import type { Choices } from "../api/schema";
import { EvaluationStep } from "../create/EvaluationStep";
import { bodyOf, firstOrder, type Order } from "../create/order";
import { SourceStep } from "../create/SourceStep";
import { SummaryStep } from "../create/SummaryStep";
import { TargetStep } from "../create/TargetStep";
import { PageHead } from "../parts/PageHead";
import { ProblemAlert } from "../parts/ProblemAlert";
import { Section } from "../parts/Section";
import { Answered } from "../parts/States";
import { useAction } from "../parts/useAction";

const TITLES = ["Source instance", "Cluster", "Migration evaluation", "Summary"];

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

function Wizard({ choices }: { choices: Choices }) {
  const [search] = useSearchParams();
  const [, go] = useLocation();
  const [step, setStep] = useState(0);
  const [order, setOrder] = useState(() => firstOrder(choices, search.get("instance") ?? ""));
  const create = useAction((wanted: Order) => ask(api.POST("/api/v1/migrations", { body: bodyOf(wanted) })), {
    onDone: (migration) => go(`/clusters/${migration.cluster_id}`),
  });
  const change = (part: Partial<Order>) => setOrder((old) => ({ ...old, ...part }));
  const last = step === TITLES.length - 1;
  const ready = step > 0 || order.instance_id !== "";
  return (
    <>
      <Section title="Creation method: Migrate from RDS">
        <Steps current={step} items={TITLES.map((title) => ({ title }))} responsive />
      </Section>
      <Section title={TITLES[step] ?? ""}>
        {step === 0 && <SourceStep order={order} choices={choices} onChange={change} />}
        {step === 1 && <TargetStep order={order} choices={choices} onChange={change} />}
        {step === 2 && <EvaluationStep order={order} choices={choices} onChange={change} />}
        {last && <SummaryStep order={order} choices={choices} onChange={change} />}
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
