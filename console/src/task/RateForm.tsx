/** Limits of a sync task, changed while it runs. */
import Button from "antd/es/button";
import Checkbox from "antd/es/checkbox";
import Form from "antd/es/form";
import InputNumber from "antd/es/input-number";
import { api, ask } from "../api/client";
import { useMissingRole } from "../api/roles";
import type { RateChange, SyncTask } from "../api/schema";
import { ProblemAlert } from "../parts/ProblemAlert";
import { useAction } from "../parts/useAction";

const LIMITS: [keyof RateChange, string, string][] = [
  ["full_rows_per_second", "Full: rows", "rows/s"],
  ["full_bytes_per_second", "Full: data", "B/s"],
  ["full_queries_per_second", "Full: statements against the source", "/s"],
  ["incremental_rows_per_second", "Incremental: row events", "/s"],
  ["incremental_bytes_per_second", "Incremental: binary log", "B/s"],
  ["verify_rows_per_second", "Verification: rows", "rows/s"],
];

export function RateForm({ task }: { task: SyncTask }) {
  const missing = useMissingRole(["PATCH", "/api/v1/tasks/{task_id}/rate"]);
  const change = useAction((body: RateChange) =>
    ask(api.PATCH("/api/v1/tasks/{task_id}/rate", { params: { path: { task_id: task.id } }, body })),
  );
  return (
    <Form layout="vertical" initialValues={task.rate ?? {}} onFinish={change.mutate} disabled={missing !== ""}>
      <p className="faint dialog-part">0 is no limit. A change takes effect at once and survives restarts.</p>
      <div className="facts">
        {LIMITS.map(([name, label, unit]) => (
          <Form.Item key={name} name={name} label={label}>
            <InputNumber min={0} max={1e12} suffix={unit} style={{ width: "100%" }} />
          </Form.Item>
        ))}
      </div>
      <Form.Item name="back_off" valuePropName="checked">
        <Checkbox>Slow copy and verification down while the source suffers</Checkbox>
      </Form.Item>
      <ProblemAlert error={change.error} />
      <Button type="primary" htmlType="submit" loading={change.isPending}>
        Change the rate
      </Button>
    </Form>
  );
}
