/** What prechecks found: errors first, each with why it matters and how to fix it. */
import type { ReactNode } from "react";
import type { Evaluation, Finding } from "../api/schema";
import { Copy } from "../parts/Copy";
import { Empty } from "../parts/States";
import { Status } from "../parts/Status";
import { FixButton } from "./FixButton";

const ORDER = ["error", "warning", "note"];
const TONES = { error: "bad", warning: "warning", note: "busy" } as const;

interface FindingsProps {
  instanceId: string;
  findings: Finding[];
  /** What to do with the report that is made after something was put right. */
  onFixed: (report: Evaluation) => void;
}

export function Findings({ instanceId, findings, onFixed }: FindingsProps) {
  if (findings.length === 0) return <Empty>Nothing was found. The instance can be upgraded as it is.</Empty>;
  const sorted = findings.toSorted((one, other) => ORDER.indexOf(one.severity) - ORDER.indexOf(other.severity));
  return (
    <div>
      {sorted.map((finding) => (
        <OneFinding key={`${finding.check} ${finding.object} ${finding.message}`} finding={finding}>
          {finding.fix && <FixButton instanceId={instanceId} check={finding.check} onFixed={onFixed} />}
        </OneFinding>
      ))}
    </div>
  );
}

function OneFinding({ finding, children }: { finding: Finding; children: ReactNode }) {
  const tone = TONES[finding.severity as keyof typeof TONES] ?? "idle";
  return (
    <article className={`finding ${finding.severity}`}>
      <h3>
        <Status word={finding.severity} tone={tone} />
        {finding.check}
        {finding.object && <code>{finding.object}</code>}
        {finding.ignorable && finding.severity === "error" && <small>may be accepted</small>}
      </h3>
      <p>{finding.message}</p>
      <p className="faint">{finding.why}</p>
      {finding.remedy && (
        <pre>
          {finding.remedy} <Copy text={finding.remedy} />
        </pre>
      )}
      {children}
    </article>
  );
}
