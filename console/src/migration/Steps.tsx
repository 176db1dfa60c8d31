/** The steps of an operation, each with the sentence it left. */
import { Fragment } from "react";
import type { TimelineStep } from "../api/schema";
import { duration } from "../format/numbers";

const MARKS: Record<string, string> = { done: "✓", failed: "✕", undone: "↶" };

export function Steps({ steps }: { steps: TimelineStep[] }) {
  return (
    <ol className="steps">
      {steps.map((step) => (
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
      <span className="seconds">{step.seconds === null ? "" : duration(step.seconds)}</span>
    </li>
  );
}
