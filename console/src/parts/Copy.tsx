import CheckOutlined from "@ant-design/icons/es/icons/CheckOutlined";
import CopyOutlined from "@ant-design/icons/es/icons/CopyOutlined";
import Button from "antd/es/button";
import { useState } from "react";

const SHOWN_MILLISECONDS = 1500;

/** Puts a text on the clipboard. */
export function Copy({ text }: { text: string }) {
  const [done, setDone] = useState(false);
  const copy = async () => {
    await navigator.clipboard.writeText(text);
    setDone(true);
    window.setTimeout(() => setDone(false), SHOWN_MILLISECONDS);
  };
  return (
    <Button
      size="small"
      type="text"
      aria-label={done ? "Copied" : "Copy"}
      icon={done ? <CheckOutlined /> : <CopyOutlined />}
      onClick={() => void copy()}
    />
  );
}
