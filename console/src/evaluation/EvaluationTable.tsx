import { Link } from "wouter";
import type { Evaluation } from "../api/schema";
import { Time } from "../format/Time";
import { counted } from "../format/numbers";
import { DataTable, type Column } from "../parts/DataTable";
import { Status } from "../parts/Status";

const COLUMNS: Column<Evaluation>[] = [
  {
    title: "Report",
    render: (row) => <Link href={`/evaluations/${row.instance_id}/${row.id}`}>{row.id}</Link>,
    sortBy: (row) => row.id,
  },
  { title: "Instance", render: (row) => row.instance_id, sortBy: (row) => row.instance_id },
  { title: "Target version", render: (row) => row.target_version, sortBy: (row) => row.target_version },
  { title: "Result", render: (row) => <Status word={row.result} />, sortBy: (row) => row.result },
  { title: "Findings", render: (row) => summary(row), sortBy: (row) => row.findings.length },
  { title: "Made", render: (row) => <Time at={row.created_at} />, sortBy: (row) => row.created_at },
  { title: "Kept until", render: (row) => <Time at={row.expires_at} />, sortBy: (row) => row.expires_at },
];

/** Reports of the prechecks. */
export function EvaluationTable({ evaluations }: { evaluations: Evaluation[] }) {
  return (
    <DataTable
      label="Evaluation reports"
      rows={evaluations}
      columns={COLUMNS}
      rowKey={(row) => row.id}
      empty="No report of the last seven days. An evaluation has no effect on the source."
    />
  );
}

/** "2 errors, 1 warning" */
export function summary(evaluation: Evaluation): string {
  const parts = ["error", "warning", "note"].map((severity) => {
    const found = evaluation.findings.filter((finding) => finding.severity === severity).length;
    return found ? counted(found, severity) : "";
  });
  return parts.filter(Boolean).join(", ") || "nothing found";
}
