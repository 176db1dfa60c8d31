/** What transactions meet that have been open for more than ten seconds. */
import Checkbox from "antd/es/checkbox";
import InputNumber from "antd/es/input-number";
import { useId } from "react";

export interface Transactions {
  waitSeconds: number;
  end: boolean;
}

interface TransactionChoiceProps {
  value: Transactions;
  onChange: (value: Transactions) => void;
}

export function TransactionChoice({ value, onChange }: TransactionChoiceProps) {
  const id = useId();
  return (
    <div className="dialog-part toolbar">
      <label htmlFor={id}>Wait for transactions open for more than 10 s, at most</label>
      <InputNumber
        id={id}
        min={0}
        max={86400}
        value={value.waitSeconds}
        suffix="s"
        onChange={(waitSeconds) => onChange({ ...value, waitSeconds: waitSeconds ?? 0 })}
      />
      <Checkbox checked={value.end} onChange={(event) => onChange({ ...value, end: event.target.checked })}>
        End those still open then (undone, not lost)
      </Checkbox>
    </div>
  );
}
