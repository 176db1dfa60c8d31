/** One report of the prechecks. */
import { Link, useParams } from "wouter";
import { useEvaluations } from "../api/queries";
import type { Evaluation } from "../api/schema";
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
          ]}
        />
      </Section>
      <Section title="Findings">
        <Findings findings={report.findings} />
      </Section>
    </>
  );
}
