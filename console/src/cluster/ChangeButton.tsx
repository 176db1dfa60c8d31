/** A button for what can be asked of a cluster's nodes; the dialog behind it shows the dry run. */
import { lazy, Suspense, useState } from "react";
import { RoleButton } from "../parts/RoleButton";
import { NEEDS, useRefusal, type Change } from "./changes";

const ChangeDialog = lazy(() => import("./ChangeDialog"));

interface ChangeButtonProps {
  clusterId: string;
  change: Change;
  children: string;
  /** Where the same button stands more than once: with what it is about. */
  label?: string;
  small?: boolean;
  danger?: boolean;
}

export function ChangeButton({ clusterId, change, children, label = children, small = false, danger = false }: ChangeButtonProps) {
  const [open, setOpen] = useState(false);
  const refused = useRefusal(clusterId, change);
  return (
    <>
      <RoleButton
        needs={NEEDS[change.kind]}
        refused={refused}
        size={small ? "small" : "medium"}
        danger={danger}
        aria-label={label}
        onClick={() => setOpen(true)}
      >
        {children}
      </RoleButton>
      <Suspense>
        {open && <ChangeDialog clusterId={clusterId} first={change} title={label} onClose={() => setOpen(false)} />}
      </Suspense>
    </>
  );
}
