/** How far the full copy is. */
import type { Migration } from "../api/schema";
import { bytes, count, duration } from "../format/numbers";
import { Bar } from "../parts/Bar";
import { Facts } from "../parts/Facts";

export function CopyProgress({ migration }: { migration: Migration }) {
  const task = migration.task;
  if (!task || task.rows_estimated === 0) return null;
  const percent = (100 * task.rows_copied) / Math.max(task.rows_estimated, task.rows_copied, 1);
  return (
    <div style={{ marginBottom: 12 }}>
      <Facts
        facts={[
          ["Full synchronization", <Bar percent={percent} label="Rows copied" />],
          ["Rows", `${count(task.rows_copied)} of about ${count(task.rows_estimated)}`],
          ["Data", `${bytes(task.bytes_copied)} of about ${bytes(task.bytes_estimated)}`],
          ["Time left", task.eta_seconds === null ? "not known yet" : `about ${duration(task.eta_seconds)}`],
        ]}
      />
    </div>
  );
}
