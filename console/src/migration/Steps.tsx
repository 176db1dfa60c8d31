/** The steps of an operation, each with the sentence it left. */
import { Fragment } from "react";
import { serverNow } from "../api/live";
import type { TimelineStep } from "../api/schema";
import { duration } from "../format/numbers";
import { useNow } from "../format/useNow";

const MARKS: Record<string, string> = { done: "✓", failed: "✕", undone: "↶" };

/** `live`: the operation is under way, so between two steps the next one is shown as running. */
export function Steps({ steps, live }: { steps: TimelineStep[]; live: boolean }) {
  const next = steps.some((step) => step.state === "running") ? -1 : steps.findIndex((step) => step.state === "waiting");
  const shown = steps.map((step, place) => (live && place === next ? { ...step, state: "running" } : step));
  return (
    <ol className="steps">
      {shown.map((step) => (
        <Fragment key={step.number}>
          {step.point_of_no_return && <li className="line">Point of no return</li>}
          <StepLine step={step} />
        </Fragment>
      ))}
    </ol>
  );
}

function StepLine({ step }: { step: TimelineStep }) {
  const tries = step.tries > 1 ? `, try ${step.tries}` : "";
  return (
    <li className={step.state} aria-current={step.state === "running" ? "step" : undefined}>
      <span className="mark" role="img" aria-label={step.state}>
        {MARKS[step.state] ?? ""}
      </span>
      <div>
        {step.title}
        {tries}
        {step.sentence && <p>{step.sentence}</p>}
      </div>
      <span className="seconds">
        {step.state === "running" && step.began_at ? <Elapsed since={step.began_at} /> : null}
        {step.seconds === null ? "" : duration(step.seconds)}
      </span>
    </li>
  );
}

/** How long the step has been running, by the server's clock. */
function Elapsed({ since }: { since: string }) {
  useNow(1000);
  const seconds = Math.floor((serverNow() - Date.parse(since)) / 1000);
  if (seconds < 1) return null;
  return seconds < 60 ? `${seconds} s` : duration(seconds);
}
