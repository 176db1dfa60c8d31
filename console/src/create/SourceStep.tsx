/** How it is paid for, and which instance is to move: the upper half of the order page. */
import Select from "antd/es/select";
import { useState } from "react";
import { Link } from "wouter";
import { useInstances } from "../api/queries";
import type { Instance } from "../api/schema";
import { Facts } from "../parts/Facts";
import { Answered, Empty } from "../parts/States";
import { payTypeTitle } from "../words";
import { Choice } from "./Choice";
import type { StepProps } from "./order";

const PAYING: Record<string, string> = {
  Prepaid: "Paid for in advance; recorded for charge-back.",
  Postpaid: "Metered by the hour: nodes, and the storage that is used.",
  Serverless: "Nodes grow and shrink with the load, within limits you choose.",
};

export function SourceStep({ order, choices, onChange }: StepProps) {
  const instances = useInstances();
  return (
    <>
      <Choice
        label="Billing method"
        value={order.pay_type}
        options={choices.pay_types.map((word) => [word, payTypeTitle(word), PAYING[word] ?? ""])}
        onChange={(word) => onChange({ pay_type: word as typeof order.pay_type })}
      />
      <div className="dialog-part">
        <Facts
          facts={[
            ["Creation method", "Migrate from RDS"],
            ["Source RDS engine", "MySQL, MariaDB"],
          ]}
        />
      </div>
      <Answered query={instances} what="the instances">
        {(rows) => (
          <SourceChoice
            rows={rows.filter((row) => row.status === "Running")}
            value={order.instance_id}
            onChange={(instance_id) => onChange({ instance_id })}
          />
        )}
      </Answered>
    </>
  );
}

interface SourceChoiceProps {
  rows: Instance[];
  value: string;
  onChange: (id: string) => void;
}

const ALL = "";

/** MySQL 5.7.29 → MySQL 5.7 */
function seriesOf(version: string): string {
  return version.split(".").slice(0, 2).join(".");
}

function SourceChoice({ rows, value, onChange }: SourceChoiceProps) {
  const [series, setSeries] = useState(ALL);
  if (rows.length === 0) {
    return <Empty action={<Link href="/instances">Register an instance</Link>}>No instance is registered.</Empty>;
  }
  const all = [...new Set(rows.map((row) => seriesOf(row.version)))].sort();
  const shown = rows.filter((row) => series === ALL || seriesOf(row.version) === series || row.id === value);
  return (
    <>
      <div className="toolbar">
        <label htmlFor="series">Source RDS version</label>
        <Select
          id="series"
          aria-label="Source RDS version"
          value={series}
          options={[{ value: ALL, label: "All versions" }, ...all.map((word) => ({ value: word, label: word }))]}
          onChange={setSeries}
          style={{ minWidth: 160 }}
        />
      </div>
      <Choice
        label="Source RDS instance"
        help="It stays as it is, read and write, until the switchover. Nothing on it changes before."
        value={value}
        options={shown.map((row) => [row.id, row.description || row.id, `${row.id}, ${row.version}, ${row.host}:${row.port}`])}
        onChange={onChange}
      />
    </>
  );
}
