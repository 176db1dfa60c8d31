/** The buttons of a migration: those its status allows, and no others. */
import { lazy, Suspense, useState } from "react";
import type { Need } from "../api/roles";
import type { ActionInfo, Migration } from "../api/schema";
import { RoleButton } from "../parts/RoleButton";
import { ReadersButton } from "./ReadersButton";

const SwitchDialog = lazy(() => import("./SwitchDialog"));
const EndDialog = lazy(() => import("./EndDialog"));
const ContinueDialog = lazy(() => import("./ContinueDialog"));
const ResolveDialog = lazy(() => import("./ResolveDialog"));

const MIGRATION = "/api/v1/migrations/{cluster_id}";

/** In this order, in the vendor's words, each with what it asks the API for. */
const BUTTONS: [string, string, Need][] = [
  ["switch_over", "Switch Over", ["POST", `${MIGRATION}/switch-over`]],
  ["roll_back", "Roll Back Migration", ["POST", `${MIGRATION}/roll-back`]],
  ["complete", "Complete Migration", ["POST", `${MIGRATION}/complete`]],
  ["upgrade", "Continue Migration", ["POST", `${MIGRATION}/continue`]],
  ["give_up", "Give Up Migration", ["POST", `${MIGRATION}/give-up`]],
  ["cancel", "Cancel Migration", ["POST", `${MIGRATION}/cancel`]],
  ["resolve", "Resolve", ["POST", `${MIGRATION}/resolve`]],
];

const PRIMARY = ["switch_over", "complete", "upgrade", "resolve"];

/** Refusals that say: not in this status. Others are shown when one looks closer. */
const NOT_NOW = ["StatusNotSupported", "OperationUnderWay"];

export function Actions({ migration }: { migration: Migration }) {
  const [chosen, setChosen] = useState("");
  const infos = migration.actions.map(merged);
  return (
    <div className="actions">
      {BUTTONS.filter(([action]) => infos.some((one) => one.action === action && isPossible(one))).map(
        ([action, title, needs]) => (
          <RoleButton
            key={action}
            needs={needs}
            type={PRIMARY.includes(action) ? "primary" : "default"}
            onClick={() => setChosen(action)}
          >
            {title}
          </RoleButton>
        ),
      )}
      <ReadersButton migration={migration} />
      <Suspense>
        {chosen && <Dialog action={chosen} migration={migration} onClose={() => setChosen("")} />}
      </Suspense>
    </div>
  );
}

/** Both ways to resolve are one button. */
function merged(info: ActionInfo): ActionInfo {
  return info.action.startsWith("resolve_to_") ? { ...info, action: "resolve" } : info;
}

function isPossible(info: ActionInfo): boolean {
  return !info.refusals.some((refusal) => NOT_NOW.includes(refusal.code));
}

export interface DialogProps {
  action: string;
  migration: Migration;
  onClose: () => void;
}

function Dialog(props: DialogProps) {
  if (props.action === "switch_over" || props.action === "roll_back") return <SwitchDialog {...props} />;
  if (props.action === "upgrade") return <ContinueDialog {...props} />;
  if (props.action === "resolve") return <ResolveDialog {...props} />;
  return <EndDialog {...props} />;
}
