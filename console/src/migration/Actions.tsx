/** The buttons of a migration: those its status allows, and no others. */
import Button from "antd/es/button";
import { lazy, Suspense, useState } from "react";
import { useHasRole } from "../api/roles";
import type { ActionInfo, Migration } from "../api/schema";

const SwitchDialog = lazy(() => import("./SwitchDialog"));
const EndDialog = lazy(() => import("./EndDialog"));
const ContinueDialog = lazy(() => import("./ContinueDialog"));
const ResolveDialog = lazy(() => import("./ResolveDialog"));

/** In this order, in the vendor's words. */
const BUTTONS: [string, string][] = [
  ["switch_over", "Switch Over"],
  ["roll_back", "Roll Back Migration"],
  ["complete", "Complete Migration"],
  ["upgrade", "Continue Migration"],
  ["give_up", "Give Up Migration"],
  ["cancel", "Cancel Migration"],
  ["resolve", "Resolve"],
];

/** Refusals that say: not in this status. Others are shown when one looks closer. */
const NOT_NOW = ["StatusNotSupported", "OperationUnderWay"];

export function Actions({ migration }: { migration: Migration }) {
  const [chosen, setChosen] = useState("");
  const infos = migration.actions.map(merged);
  return (
    <div className="actions">
      {BUTTONS.map(([action, title]) => {
        const info = infos.find((one) => one.action === action && isPossible(one));
        return info && <ActionButton key={action} title={title} info={info} onChoice={setChosen} />;
      })}
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

interface ActionButtonProps {
  title: string;
  info: ActionInfo;
  onChoice: (action: string) => void;
}

function ActionButton({ title, info, onChoice }: ActionButtonProps) {
  const mayDo = useHasRole(info.role);
  const why = mayDo ? undefined : `This needs the role ${info.role}.`;
  const primary = ["switch_over", "complete", "upgrade", "resolve"].includes(info.action);
  return (
    <Button
      type={primary ? "primary" : "default"}
      disabled={!mayDo}
      title={why}
      onClick={() => onChoice(info.action)}
    >
      {title}
    </Button>
  );
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
