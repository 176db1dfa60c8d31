/** All reports of the prechecks that are kept. */
import { useQueries } from "@tanstack/react-query";
import { api, ask } from "../api/client";
import { useInstances } from "../api/queries";
import type { Instance } from "../api/schema";
import { EvaluationTable } from "../evaluation/EvaluationTable";
import { PageHead } from "../parts/PageHead";
import { Section } from "../parts/Section";
import { Answered, Loading } from "../parts/States";

export default function EvaluationsPage() {
  const instances = useInstances();
  return (
    <>
      <PageHead title="Migration evaluation" />
      <Section title="Reports of the last seven days">
        <Answered query={instances} what="the instances">
          {(rows) => <Reports instances={rows} />}
        </Answered>
      </Section>
    </>
  );
}

function Reports({ instances }: { instances: Instance[] }) {
  const answers = useQueries({
    queries: instances.map(({ id }) => ({
      queryKey: ["evaluations", id],
      queryFn: () =>
        ask(api.GET("/api/v1/instances/{instance_id}/evaluations", { params: { path: { instance_id: id } } })),
    })),
  });
  if (answers.some((answer) => answer.isPending)) return <Loading what="the reports" />;
  const reports = answers.flatMap((answer) => answer.data ?? []);
  const newest = reports.toSorted((one, other) => other.created_at.localeCompare(one.created_at));
  return <EvaluationTable evaluations={newest} />;
}
