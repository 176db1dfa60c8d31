/** A dialog that is open as long as it is there; what opened it has the focus again afterwards. */
import Modal, { type ModalProps } from "antd/es/modal";
import { useEffect, useState } from "react";

export function Dialog(props: ModalProps) {
  const [opener] = useState(() => document.activeElement);
  useEffect(
    () => () => {
      if (opener instanceof HTMLElement) opener.focus();
    },
    [opener],
  );
  return <Modal open cancelText="Close" {...props} />;
}
