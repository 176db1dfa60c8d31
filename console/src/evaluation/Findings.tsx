/** What prechecks found: errors first, each with why it matters and how to fix it. */
import type { Finding } from "../api/schema";
import { Copy } from "../parts/Copy";
import { Empty } from "../parts/States";
import { Status } from "../parts/Status";

const ORDER = ["error", "warning", "note"];
const TONES = { error: "bad", warning: "warning", note: "busy" } as const;

export function Findings({ findings }: { findings: Finding[] }) {
  if (findings.length === 0) return <Empty>Nothing was found. The instance can be upgraded as it is.</Empty>;
  const sorted = findings.toSorted((one, other) => ORDER.indexOf(one.severity) - ORDER.indexOf(other.severity));
  return (
    <div>
      {sorted.map((finding) => (
        <OneFinding key={`${finding.check} ${finding.object} ${finding.message}`} finding={finding} />
      ))}
    </div>
  );
}

function OneFinding({ finding }: { finding: Finding }) {
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
    </article>
  );
}
