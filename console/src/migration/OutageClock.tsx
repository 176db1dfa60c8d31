/** How long applications have not been able to write: counted live, then as it was measured. */
import type { OperationRun } from "../api/schema";
import { serverNow } from "../api/live";
import { milliseconds } from "../format/numbers";
import { useNow } from "../format/useNow";

const TICK_MILLISECONDS = 100;

export function OutageClock({ run }: { run: OperationRun }) {
  if (run.outage_ms !== null) return <Shown value={run.outage_ms} text="was the write outage" />;
  if (!run.blocked_at) return <Shown value={0} text="of write outage: applications can still write" />;
  return <Counting since={Date.parse(run.blocked_at)} />;
}

function Counting({ since }: { since: number }) {
  useNow(TICK_MILLISECONDS);
  const value = Math.max(0, serverNow() - since);
  return <Shown value={value} text="of write outage: applications wait" counting />;
}

interface ShownProps {
  value: number;
  text: string;
  counting?: boolean;
}

function Shown({ value, text, counting = false }: ShownProps) {
  return (
    <div className={counting ? "outage counting" : "outage"} data-testid="outage">
      <span className="big">{milliseconds(value)}</span>
      <span>{text}</span>
    </div>
  );
}
