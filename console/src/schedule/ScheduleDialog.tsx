/** Let an operation begin by itself within a window; times are typed in the viewer's zone. */
import Alert from "antd/es/alert";
import Checkbox from "antd/es/checkbox";
import Form from "antd/es/form";
import Input from "antd/es/input";
import Select from "antd/es/select";
import { useEffect } from "react";
import { api, ask } from "../api/client";
import { useMigrations } from "../api/queries";
import type { NewSchedule } from "../api/schema";
import { utc } from "../format/Time";
import { Dialog } from "../parts/Dialog";
import { ProblemAlert } from "../parts/ProblemAlert";
import { useAction } from "../parts/useAction";
import { operationTitle } from "../words";

const OPERATIONS: NewSchedule["operation"][] = ["switch_over", "roll_back", "complete"];
const CHOICES = OPERATIONS.map((value) => ({ value, label: operationTitle(value) }));
const ZONE = Intl.DateTimeFormat().resolvedOptions().timeZone;

interface Draft {
  cluster_id: string;
  operation: NewSchedule["operation"];
  starts: string;
  ends: string;
  with_endpoints: boolean;
  disable_binlog: boolean;
}

/** Only what belongs to the operation. */
function bodyOf({ cluster_id, operation, starts, ends, ...draft }: Draft): NewSchedule {
  return {
    cluster_id,
    operation,
    starts_at: new Date(starts).toISOString(),
    ends_at: ends ? new Date(ends).toISOString() : null,
    with_endpoints: operation === "switch_over" && draft.with_endpoints,
    disable_binlog: operation === "complete" && draft.disable_binlog,
  };
}

interface ScheduleDialogProps {
  /** Of this cluster; else one is chosen. */
  clusterId?: string | undefined;
  onClose: () => void;
}

export default function ScheduleDialog({ clusterId = "", onClose }: ScheduleDialogProps) {
  const [form] = Form.useForm<Draft>();
  const { data: migrations = [] } = useMigrations();
  const open = migrations.filter((one) => one.status !== "NO_MIGRATION");
  const first = clusterId || open[0]?.cluster_id;
  const operation = Form.useWatch("operation", form) ?? "switch_over";
  // The migrations may come later than the form.
  useEffect(() => {
    if (!form.getFieldValue("cluster_id")) form.setFieldValue("cluster_id", first);
  }, [form, first]);
  const add = useAction((draft: Draft) => ask(api.POST("/api/v1/schedules", { body: bodyOf({ ...FIRST, ...draft }) })), {
    onDone: onClose,
  });
  return (
    <Dialog title="Schedule an operation" okText="Schedule" confirmLoading={add.isPending} onOk={() => form.submit()} onCancel={onClose}>
      <p className="faint dialog-part">
        It is asked for when the window opens, and tried again until it closes; what is refused then
        changes nothing.
      </p>
      <Form form={form} layout="vertical" initialValues={FIRST} onFinish={add.mutate}>
        <Form.Item name="cluster_id" label="Cluster" rules={[{ required: true, message: "No migration is under way." }]}>
          <Select options={open.map((one) => ({ value: one.cluster_id, label: `${one.cluster_id}, of ${one.instance_id}` }))} disabled={clusterId !== ""} />
        </Form.Item>
        <Form.Item name="operation" label="Operation">
          <Select options={CHOICES} />
        </Form.Item>
        <div className="pair even">
          <Moment name="starts" label="Window opens" required extra={`In your zone, ${ZONE}.`} />
          <Moment name="ends" label="Window closes" extra="Empty: 15 minutes later." />
        </div>
        {operation === "switch_over" && (
          <Form.Item name="with_endpoints" valuePropName="checked">
            <Checkbox>Switch with endpoints: addresses stay, the servers behind them change</Checkbox>
          </Form.Item>
        )}
        {operation === "complete" && (
          <Form.Item name="disable_binlog" valuePropName="checked">
            <Checkbox>Disable the binary log of the cluster</Checkbox>
          </Form.Item>
        )}
        {operation === "complete" && (
          <Alert className="problem" type="warning" showIcon title="Neither rollback nor cancel is possible afterwards." />
        )}
      </Form>
      <ProblemAlert error={add.error} />
    </Dialog>
  );
}

const FIRST: Omit<Draft, "cluster_id"> = {
  operation: "switch_over",
  starts: "",
  ends: "",
  with_endpoints: true,
  disable_binlog: false,
};

interface MomentProps {
  name: "starts" | "ends";
  label: string;
  extra: string;
  required?: boolean;
}

/** A moment in the viewer's zone, with what it is in UTC. */
function Moment({ name, label, extra, required = false }: MomentProps) {
  const value: string | undefined = Form.useWatch(name);
  return (
    <Form.Item name={name} label={label} extra={value ? utc(value) : extra} rules={[{ required, message: "Say when." }]}>
      <Input type="datetime-local" />
    </Form.Item>
  );
}
