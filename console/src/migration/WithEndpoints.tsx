/** With or without endpoints, and which addresses would lead where. */
import { useEndpoints } from "../api/queries";
import type { Migration } from "../api/schema";

interface WithEndpointsProps {
  value: boolean;
  migration: Migration;
  onChange: (value: boolean) => void;
}

export function WithEndpoints({ value, migration, onChange }: WithEndpointsProps) {
  return (
    <fieldset style={{ border: 0, margin: 0, padding: 0 }}>
      <legend className="faint" style={{ marginBottom: 8 }}>
        The source becomes read-only and the cluster read and write; the replication turns round. It
        can be rolled back.
      </legend>
      <label className="choice">
        <input type="radio" name="endpoints" checked={value} onChange={() => onChange(true)} />{" "}
        <strong>Switch with Endpoints</strong> (No Application Configuration Change Required)
        <Addresses migration={migration} />
      </label>
      <label className="choice">
        <input type="radio" name="endpoints" checked={!value} onChange={() => onChange(false)} />{" "}
        <strong>Switch without Endpoints</strong> (Application Needs to Be Reconfigured to New Endpoint)
      </label>
    </fieldset>
  );
}

function Addresses({ migration }: { migration: Migration }) {
  const { data = [] } = useEndpoints();
  const addresses = (owner: string) =>
    data.filter((one) => one.owner_id === owner).map((one) => `${one.host}:${one.port}`);
  return (
    <div className="faint">
      Source <code>{addresses(migration.instance_id).join(", ")}</code> ↔ cluster{" "}
      <code>{addresses(migration.cluster_id).join(", ")}</code>: addresses and ports stay, the servers
      behind them change.
    </div>
  );
}
