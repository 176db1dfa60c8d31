/** Times stand in the viewer's zone; UTC is shown on hover. */
import { useNow } from "./useNow";

const stamps = new Intl.DateTimeFormat("sv-SE", { dateStyle: "short", timeStyle: "medium" });
const clocks = new Intl.DateTimeFormat("sv-SE", { timeStyle: "medium" });

/** The moment in UTC, as it is in logs and on the command line. */
export function utc(at: string): string {
  return `${new Date(at).toISOString().replace("T", " ").slice(0, 19)} UTC`;
}

interface TimeProps {
  at: string | null | undefined;
  clock?: boolean;
}

/** A moment; `clock` leaves the date out. */
export function Time({ at, clock = false }: TimeProps) {
  if (!at) return <span className="faint">–</span>;
  const moment = new Date(at);
  return (
    <time dateTime={at} title={utc(at)}>
      {(clock ? clocks : stamps).format(moment)}
    </time>
  );
}

/** How long ago, kept up to date: "12 s ago". */
export function Ago({ at }: { at: string }) {
  const seconds = Math.max(0, (useNow(1000) - Date.parse(at)) / 1000);
  return (
    <time dateTime={at} title={utc(at)}>
      {roughly(seconds)} ago
    </time>
  );
}

function roughly(seconds: number): string {
  if (seconds < 60) return `${Math.floor(seconds)} s`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min`;
  if (seconds < 172_800) return `${Math.floor(seconds / 3600)} h`;
  return `${Math.floor(seconds / 86_400)} d`;
}
