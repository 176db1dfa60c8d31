/** With or without endpoints, and which address is exchanged with which. */
import Button from "antd/es/button";
import Select from "antd/es/select";
import { useEndpoints } from "../api/queries";
import type { Endpoint, Migration } from "../api/schema";

/** Endpoint of the instance → endpoint of the cluster; null: as the server proposes. */
export type Pairs = Record<string, string> | null;

export interface EndpointChoice {
  exchange: boolean;
  pairs: Pairs;
}

interface WithEndpointsProps {
  value: EndpointChoice;
  migration: Migration;
  onChange: (value: EndpointChoice) => void;
}

export function WithEndpoints({ value, migration, onChange }: WithEndpointsProps) {
  const { exchange, pairs } = value;
  return (
    <fieldset style={{ border: 0, margin: 0, padding: 0 }}>
      <legend className="faint" style={{ marginBottom: 8 }}>
        The source becomes read-only and the cluster read and write; the replication turns round. It
        can be rolled back.
      </legend>
      <label className="choice">
        <input type="radio" name="endpoints" checked={exchange} onChange={() => onChange({ exchange: true, pairs })} />{" "}
        <strong>Switch with Endpoints</strong> (No Application Configuration Change Required)
        <div className="faint">Addresses and ports stay; the servers behind them change.</div>
      </label>
      {exchange && <PairTable migration={migration} value={pairs} onChange={(next) => onChange({ exchange, pairs: next })} />}
      <label className="choice">
        <input type="radio" name="endpoints" checked={!exchange} onChange={() => onChange({ exchange: false, pairs: null })} />{" "}
        <strong>Switch without Endpoints</strong> (Application Needs to Be Reconfigured to New Endpoint)
      </label>
    </fieldset>
  );
}

interface PairTableProps {
  migration: Migration;
  value: Pairs;
  onChange: (value: Pairs) => void;
}

const NONE = "";

function PairTable({ migration, value, onChange }: PairTableProps) {
  const { data = [] } = useEndpoints();
  const ours = data.filter((one) => one.owner_id === migration.instance_id);
  const theirs = data.filter((one) => one.owner_id === migration.cluster_id);
  const options = [{ value: NONE, label: "not exchanged" }, ...theirs.map((one) => ({ value: one.id, label: named(one) }))];
  if (value === null) {
    return (
      <div className="pairs toolbar">
        Pairs are exchanged as Sterna proposes them; the dry run below names them.
        <Button size="small" onClick={() => onChange(primaries(ours, theirs))}>
          Choose the pairs
        </Button>
      </div>
    );
  }
  const choose = (one: string, other: string) => {
    const { [one]: _, ...others } = value;
    onChange(other === NONE ? others : { ...others, [one]: other });
  };
  return (
    <div className="pairs">
      {ours.map((one) => (
        <div key={one.id} className="toolbar">
          <span>{named(one)} ↔</span>
          <Select
            aria-label={`Exchanged with ${named(one)}`}
            value={value[one.id] ?? NONE}
            options={options}
            onChange={(other: string) => choose(one.id, other)}
            style={{ minWidth: 280 }}
          />
        </div>
      ))}
      <Button size="small" onClick={() => onChange(null)}>
        As Sterna proposes
      </Button>
    </div>
  );
}

function named(one: Endpoint): string {
  return `${one.type} ${one.host}:${one.port}`;
}

/** Where choosing begins: the primaries with each other. */
function primaries(ours: Endpoint[], theirs: Endpoint[]): Record<string, string> {
  const primary = (all: Endpoint[]) => all.find((one) => one.type === "Primary");
  const [one, other] = [primary(ours), primary(theirs)];
  return one && other ? { [one.id]: other.id } : {};
}
