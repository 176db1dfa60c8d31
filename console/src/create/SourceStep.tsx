/** Which instance is to move. */
import { Link } from "wouter";
import { useInstances } from "../api/queries";
import type { NewMigration } from "../api/schema";
import { Answered, Empty } from "../parts/States";

export interface StepProps {
  order: NewMigration;
  onChange: (part: Partial<NewMigration>) => void;
}

export function SourceStep({ order, onChange }: StepProps) {
  const instances = useInstances();
  return (
    <Answered query={instances} what="the instances">
      {(rows) => {
        const running = rows.filter((row) => row.status === "Running");
        if (running.length === 0) {
          return <Empty action={<Link href="/instances">Register an instance</Link>}>No instance is registered.</Empty>;
        }
        return (
          <fieldset style={{ border: 0, margin: 0, padding: 0 }}>
            <legend className="faint">
              It stays as it is, read and write, until the switchover. Nothing on it changes before.
            </legend>
            {running.map((row) => (
              <label key={row.id} className="choice">
                <input
                  type="radio"
                  name="instance"
                  checked={order.instance_id === row.id}
                  onChange={() => onChange({ instance_id: row.id })}
                />{" "}
                <strong>{row.description || row.id}</strong>{" "}
                <span className="faint">
                  {row.id}, {row.version}, {row.host}:{row.port}
                </span>
              </label>
            ))}
          </fieldset>
        );
      }}
    </Answered>
  );
}
