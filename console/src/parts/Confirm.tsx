/** Asks once more before something ends. */
import type { ReactNode } from "react";
import { Dialog } from "./Dialog";
import { ProblemAlert } from "./ProblemAlert";

interface ConfirmProps {
  title: string;
  button: string;
  busy: boolean;
  error: Error | null;
  onConfirm: () => void;
  onClose: () => void;
  children: ReactNode;
}

export function Confirm({ title, button, busy, error, onConfirm, onClose, children }: ConfirmProps) {
  return (
    <Dialog
      title={title}
      okText={button}
      okButtonProps={{ danger: true }}
      confirmLoading={busy}
      onOk={onConfirm}
      onCancel={onClose}
    >
      <p className="dialog-part">{children}</p>
      <ProblemAlert error={error} />
    </Dialog>
  );
}
