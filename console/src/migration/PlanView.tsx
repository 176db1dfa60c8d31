/** A dry run as a checklist: what would be refused, what it would meet, what would be done. */
import type { UseQueryResult } from "@tanstack/react-query";
import Alert from "antd/es/alert";
import Button from "antd/es/button";
import type { Plan } from "../api/schema";
import { Facts } from "../parts/Facts";
import { Answered } from "../parts/States";

export function PlanView({ query }: { query: UseQueryResult<Plan> }) {
  return (
    <Answered query={query} what="the dry run: both servers are asked">
      {(plan) => <Checked plan={plan} again={() => void query.refetch()} busy={query.isFetching} />}
    </Answered>
  );
}

interface CheckedProps {
  plan: Plan;
  again: () => void;
  busy: boolean;
}

function Checked({ plan, again, busy }: CheckedProps) {
  const facts = Object.entries(plan.figures).map(([name, value]): [string, string] => [capital(name), value]);
  return (
    <div data-testid="plan">
      <div className="dialog-part">
        <Guards plan={plan} />
        {(plan.warnings ?? []).map((warning) => (
          <Alert key={warning} className="problem" type="warning" showIcon title={warning} />
        ))}
        <Button size="small" onClick={again} loading={busy}>
          Check again
        </Button>
      </div>
      <div className="dialog-part">
        <h3>What it would meet now</h3>
        <Facts facts={facts} />
      </div>
      <div className="dialog-part">
        <h3>What will be done</h3>
        <ol className="checks scrolled" tabIndex={0} aria-label="What will be done">
          {plan.actions.map((action, place) => (
            <li key={action}>
              <span className="mark faint">{place + 1}</span>
              {action}
            </li>
          ))}
        </ol>
      </div>
    </div>
  );
}

function Guards({ plan }: { plan: Plan }) {
  if (plan.allowed) {
    return <Alert className="problem" type="success" showIcon title="All guards pass. Nothing stands in the way." />;
  }
  return (
    <Alert
      className="problem"
      type="error"
      showIcon
      role="alert"
      title="Refused now. Nothing was changed."
      description={
        <ul className="checks">
          {plan.refusals.map((refusal) => (
            <li key={refusal}>
              <span className="mark bad" aria-hidden="true">
                ✕
              </span>
              {refusal}
            </li>
          ))}
        </ul>
      }
    />
  );
}

function capital(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}
