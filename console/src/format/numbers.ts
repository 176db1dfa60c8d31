/** Numbers as people read them, always with their unit. */

const counts = new Intl.NumberFormat("en", { maximumFractionDigits: 0 });
const BYTE_UNITS = ["B", "KB", "MB", "GB", "TB", "PB"];

/** 1234567 → 1,234,567 */
export function count(value: number): string {
  return counts.format(value);
}

/** A speed: small ones keep a decimal. */
export function speed(value: number): string {
  return value > 0 && value < 10 ? value.toFixed(1) : count(value);
}

/** "1 table", "3 tables" */
export function counted(value: number, noun: string, plural = `${noun}s`): string {
  return `${count(value)} ${value === 1 ? noun : plural}`;
}

/** 1500000 → 1.5 MB */
export function bytes(value: number): string {
  let unit = 0;
  let left = value;
  while (left >= 1000 && unit < BYTE_UNITS.length - 1) {
    left /= 1000;
    unit += 1;
  }
  return `${left.toFixed(unit === 0 || left >= 100 ? 0 : 1)} ${BYTE_UNITS[unit]}`;
}

/** Memory, which is sold in powers of two: 1073741824 → 1 GiB */
export function memory(value: number): string {
  const gibibytes = value / 2 ** 30;
  return gibibytes < 1 ? `${Math.round(value / 2 ** 20)} MiB` : `${Number(gibibytes.toFixed(1))} GiB`;
}

/** Seconds as "0.213 s", "42 s", "3 min 20 s", "2 h 5 min", "29 d 4 h". */
export function duration(seconds: number): string {
  if (seconds < 10) return `${seconds.toFixed(seconds < 1 ? 3 : 1)} s`;
  if (seconds < 60) return `${Math.round(seconds)} s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return `${minutes} min ${Math.round(seconds % 60)} s`;
  const hours = Math.floor(minutes / 60);
  if (hours < 48) return `${hours} h ${minutes % 60} min`;
  return `${Math.floor(hours / 24)} d ${hours % 24} h`;
}

/** Milliseconds as "384 ms" or "12.3 s". */
export function milliseconds(value: number): string {
  return value < 10_000 ? `${Math.round(value)} ms` : `${(value / 1000).toFixed(1)} s`;
}

/** 12.345 → 12.3 % */
export function percent(value: number): string {
  return `${value.toFixed(value >= 100 ? 0 : 1)} %`;
}
