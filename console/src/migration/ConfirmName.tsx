/** Nobody moves a database by a slip of the hand: the cluster's name is typed. */
import Input from "antd/es/input";
import { useId } from "react";

interface ConfirmNameProps {
  name: string;
  value: string;
  onChange: (value: string) => void;
}

export function ConfirmName({ name, value, onChange }: ConfirmNameProps) {
  const id = useId();
  return (
    <div className="dialog-part">
      <label htmlFor={id}>
        Type <code>{name}</code> to confirm
      </label>
      <Input id={id} value={value} autoComplete="off" onChange={(event) => onChange(event.target.value)} />
    </div>
  );
}
