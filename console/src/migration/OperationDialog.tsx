/** The dialog in front of every operation: dry run, the cluster's name, and only then the button. */
import type { UseQueryResult } from "@tanstack/react-query";
import { useState, type ReactNode } from "react";
import type { Plan } from "../api/schema";
import { Dialog } from "../parts/Dialog";
import { ProblemAlert } from "../parts/ProblemAlert";
import { ConfirmName } from "./ConfirmName";
import { PlanView } from "./PlanView";

interface OperationDialogProps {
  title: string;
  button: string;
  name: string;
  plan: UseQueryResult<Plan>;
  danger?: boolean;
  busy: boolean;
  error: Error | null;
  onConfirm: () => void;
  onClose: () => void;
  children?: ReactNode;
}

export function OperationDialog(props: OperationDialogProps) {
  const [typed, setTyped] = useState("");
  const mayBegin = typed === props.name && props.plan.data?.allowed === true;
  return (
    <Dialog
      title={props.title}
      width={760}
      okText={props.button}
      okButtonProps={{ disabled: !mayBegin, danger: props.danger ?? false }}
      confirmLoading={props.busy}
      onOk={props.onConfirm}
      onCancel={props.onClose}
    >
      {props.children}
      <PlanView query={props.plan} />
      <ConfirmName name={props.name} value={typed} onChange={setTyped} />
      <ProblemAlert error={props.error} />
    </Dialog>
  );
}
