/** The prechecks, before anything is created. */
import { useQuery } from "@tanstack/react-query";
import Alert from "antd/es/alert";
import Button from "antd/es/button";
import Checkbox from "antd/es/checkbox";
import { Link } from "wouter";
import { api, ask } from "../api/client";
import type { Evaluation } from "../api/schema";
import { Findings } from "../evaluation/Findings";
import { summary } from "../evaluation/EvaluationTable";
import { Answered } from "../parts/States";
import type { StepProps } from "./order";

export function EvaluationStep({ order, onChange }: StepProps) {
  const { instance_id, target_version } = order;
  const report = useQuery({
    queryKey: ["precheck", "wizard", instance_id, target_version],
    queryFn: () =>
      ask(
        api.POST("/api/v1/instances/{instance_id}/evaluations", {
          params: { path: { instance_id } },
          body: { target_version, sample_seconds: 0 },
        }),
      ),
    staleTime: Infinity,
  });
  return (
    <>
      <p className="dialog-part">
        All prechecks run against the source. Nothing is created and nothing on it changes. What is an
        error stops the migration later too, unless it may be accepted.
      </p>
      <Answered query={report} what="the report: the source is asked">
        {(data) => (
          <>
            <Result report={data} />
            <Accept report={data} value={order.ignore} onChange={(ignore) => onChange({ ignore })} />
            <Findings
              instanceId={instance_id}
              findings={data.findings}
              onFixed={() => void report.refetch()}
            />
            <div className="actions">
              <Button loading={report.isFetching} onClick={() => void report.refetch()}>
                Re-evaluate
              </Button>
              <Link href={`/instances/${instance_id}`}>Decide about accounts</Link>
            </div>
          </>
        )}
      </Answered>
    </>
  );
}

const TYPES = { passed: "success", warnings: "warning", failed: "error" } as const;

function Result({ report }: { report: Evaluation }) {
  const type = TYPES[report.result as keyof typeof TYPES] ?? "warning";
  return <Alert className="problem" type={type} showIcon title={`Evaluation: ${report.result}`} description={summary(report)} />;
}

interface AcceptProps {
  report: Evaluation;
  value: string[];
  onChange: (value: string[]) => void;
}

function Accept({ report, value, onChange }: AcceptProps) {
  const names = report.findings
    .filter((finding) => finding.ignorable && finding.severity === "error")
    .map((finding) => finding.check);
  if (names.length === 0) return null;
  return (
    <div className="dialog-part">
      <h3>Accept what these prechecks found</h3>
      <Checkbox.Group options={[...new Set(names)]} value={value} onChange={onChange} />
    </div>
  );
}
