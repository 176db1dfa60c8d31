/** A line chart over time. The drawing is loaded when the first one is shown. */
import { lazy, Suspense } from "react";

const LineChart = lazy(() => import("./LineChart"));

export interface Line {
  name: string;
  /** (milliseconds since 1970, value or null where it was not known) */
  points: [number, number | null][];
}

export interface ChartProps {
  label: string;
  lines: Line[];
  /** A value with its unit. */
  format: (value: number) => string;
}

export function Chart(props: ChartProps) {
  const last = props.lines.map((line) => `${line.name} ${lastValue(line, props.format)}`).join(", ");
  return (
    <div role="img" aria-label={`${props.label}: now ${last}`}>
      <Suspense fallback={<div className="chart" />}>
        <LineChart {...props} />
      </Suspense>
    </div>
  );
}

function lastValue(line: Line, format: (value: number) => string): string {
  const value = line.points.at(-1)?.[1];
  return value === null || value === undefined ? "not known" : format(value);
}
