import Select from "antd/es/select";
import { useChoices } from "../api/queries";
import type { EngineInfo } from "../api/schema";

interface VersionSelectProps {
  value: string;
  onChange: (version: string) => void;
  id?: string;
  /** Only these, where it is made in another place. */
  only?: string[] | undefined;
}

/** One of the versions a cluster can have. */
export function VersionSelect({ value, onChange, id, only }: VersionSelectProps) {
  const { data } = useChoices();
  const here = (data?.engines ?? []).map((engine) => ({ value: engine.version, label: engine.name }));
  const options = only?.map((version) => ({ value: version, label: version })) ?? here;
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

/** The version most people want: the newest MySQL there is. */
export function newestOf(engines: EngineInfo[]): string {
  const sorted = engines.toSorted((one, other) =>
    one.version.localeCompare(other.version, "en", { numeric: true }),
  );
  const mysql = sorted.filter((engine) => !engine.version.includes("MariaDB"));
  return (mysql.at(-1) ?? sorted.at(-1))?.version ?? "";
}
