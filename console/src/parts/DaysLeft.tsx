/** How much of the thirty days is left. */
import type { Migration } from "../api/schema";
import { utc } from "../format/Time";
import { counted } from "../format/numbers";

const DAY_MILLISECONDS = 86_400_000;
const WARNING_DAYS = 7;

export function DaysLeft({ migration }: { migration: Migration }) {
  if (migration.status === "NO_MIGRATION") return <span className="faint">–</span>;
  const days = Math.ceil((Date.parse(migration.expires_at) - Date.now()) / DAY_MILLISECONDS);
  return (
    <span className={days <= WARNING_DAYS ? "bad" : ""} title={`until ${utc(migration.expires_at)}`}>
      {counted(Math.max(0, days), "day")}
    </span>
  );
}
