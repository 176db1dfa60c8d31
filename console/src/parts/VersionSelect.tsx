import Select from "antd/es/select";
import { useChoices } from "../api/queries";

interface VersionSelectProps {
  value: string;
  onChange: (version: string) => void;
  id?: string;
}

/** One of the versions a cluster can have on this machine. */
export function VersionSelect({ value, onChange, id }: VersionSelectProps) {
  const { data } = useChoices();
  const options = (data?.engines ?? []).map((engine) => ({
    value: engine.version,
    label: `${engine.name} (${engine.version})`,
  }));
  return (
    <Select
      {...(id ? { id } : {})}
      aria-label="Target version"
      value={value || null}
      options={options}
      onChange={onChange}
      style={{ minWidth: 240 }}
      placeholder="Target version"
    />
  );
}
