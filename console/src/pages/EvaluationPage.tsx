/** One report of the prechecks. */
import { useQuery } from "@tanstack/react-query";
import { Link, useLocation, useParams } from "wouter";
import { api, ask } from "../api/client";
import { useEvaluations } from "../api/queries";
import type { Evaluation, EvaluationComparison } from "../api/schema";
import { EvaluateButton } from "../evaluation/EvaluateButton";
import { summary } from "../evaluation/EvaluationTable";
import { Findings } from "../evaluation/Findings";
import { Time } from "../format/Time";
import { Facts } from "../parts/Facts";
import { PageHead } from "../parts/PageHead";
import { Section } from "../parts/Section";
import { Answered, Empty } from "../parts/States";
import { Status } from "../parts/Status";

export default function EvaluationPage() {
  const { instance = "", id = "" } = useParams();
  const reports = useEvaluations(instance);
  return (
    <>
      <PageHead
        title={id}
        above={[["Migration evaluation", "/evaluations"]]}
        actions={<EvaluateButton instanceId={instance} />}
      />
      <Answered query={reports} what="the report">
        {(rows) => {
          const report = rows.find((row) => row.id === id);
          return report ? <Report report={report} /> : <Empty>This report is not kept any more.</Empty>;
        }}
      </Answered>
    </>
  );
}

function Report({ report }: { report: Evaluation }) {
  const [, go] = useLocation();
  const changes = useQuery({
    queryKey: ["evaluations", report.instance_id, report.id, "comparison"],
    queryFn: () =>
      ask(
        api.GET("/api/v1/instances/{instance_id}/evaluations/{evaluation_id}/comparison", {
          params: { path: { instance_id: report.instance_id, evaluation_id: report.id } },
        }),
      ),
  });
  return (
    <>
      <Section title="Result">
        <Facts
          facts={[
            ["Result", <Status word={report.result} />],
            ["Findings", summary(report)],
            ["Instance", <Link href={`/instances/${report.instance_id}`}>{report.instance_id}</Link>],
            ["Target version", report.target_version],
            ["Made", <Time at={report.created_at} />],
            ["Kept until", <Time at={report.expires_at} />],
            ["Since the report before", changes.data ? since(changes.data) : ""],
          ]}
        />
      </Section>
      <Section title="Findings">
        <Findings
          instanceId={report.instance_id}
          findings={report.findings}
          onFixed={(next) => go(`/evaluations/${next.instance_id}/${next.id}`)}
        />
      </Section>
    </>
  );
}

/** "2 new, 1 gone (binary_log binlog_format), 12 still there" */
function since(changes: EvaluationComparison): string {
  if (!changes.previous_id) return "This is the first for this version.";
  const gone = changes.gone.map((finding) => `${finding.check} ${finding.object}`).join(", ");
  const told = gone && ` (${gone})`;
  return `${changes.new.length} new, ${changes.gone.length} gone${told}, ${changes.still_there.length} still there`;
}
