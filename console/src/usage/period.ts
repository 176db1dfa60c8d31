/** Times in days of the viewer's zone. */

/** The first and the last day, as "2026-11-22"; empty while one is typed. */
export interface Period {
  first: string;
  last: string;
}

/** Month 0 is January; day 0 is the last of the month before. */
function day(year: number, month: number, date: number): string {
  return new Intl.DateTimeFormat("sv-SE", { dateStyle: "short" }).format(new Date(year, month, date));
}

export function thisMonth(): Period {
  const now = new Date();
  return { first: day(now.getFullYear(), now.getMonth(), 1), last: day(now.getFullYear(), now.getMonth(), now.getDate()) };
}

export function lastMonth(): Period {
  const now = new Date();
  return { first: day(now.getFullYear(), now.getMonth() - 1, 1), last: day(now.getFullYear(), now.getMonth(), 0) };
}

/** The moment a day begins, as the API takes it. */
export function startOf(date: string): string {
  return date && new Date(`${date}T00:00`).toISOString();
}

/** The moment behind a day's last. */
export function endOf(date: string): string {
  if (!date) return "";
  const moment = new Date(`${date}T00:00`);
  moment.setDate(moment.getDate() + 1);
  return moment.toISOString();
}
