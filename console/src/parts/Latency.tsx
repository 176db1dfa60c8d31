/** The replication latency: seconds, or why there are none. */
import type { Migration } from "../api/schema";
import { duration } from "../format/numbers";

/** Below it a switchover may begin; exactly it is refused. */
export const LAG_SECONDS_MAX = 60;

export function Latency({ migration }: { migration: Migration }) {
  if (migration.status === "NO_MIGRATION") return <span className="faint">–</span>;
  if (migration.stalled_because) return <span className="bad">stalled: {migration.stalled_because}</span>;
  if (migration.lag_seconds === null) return <span className="faint">not known yet</span>;
  const tone = migration.lag_seconds < LAG_SECONDS_MAX ? "" : "bad";
  return <span className={tone}>{duration(migration.lag_seconds)}</span>;
}
