/** The password of an account whose stored hash the cluster's version cannot use. */
import Form from "antd/es/form";
import Input from "antd/es/input";
import { api, ask } from "../api/client";
import { Dialog } from "../parts/Dialog";
import { ProblemAlert } from "../parts/ProblemAlert";
import { useAction } from "../parts/useAction";

interface PasswordDialogProps {
  instanceId: string;
  account: string;
  onClose: () => void;
}

export default function PasswordDialog({ instanceId, account, onClose }: PasswordDialogProps) {
  const [form] = Form.useForm<{ password: string }>();
  const supply = useAction(
    ({ password }: { password: string }) =>
      ask(
        api.POST("/api/v1/instances/{instance_id}/accounts/set-password", {
          params: { path: { instance_id: instanceId } },
          body: { account, password },
        }),
      ),
    { onDone: onClose },
  );
  return (
    <Dialog
      title="Supply password"
      okText="Supply"
      confirmLoading={supply.isPending}
      onOk={() => form.submit()}
      onCancel={onClose}
    >
      <p className="dialog-part">
        The password <code>{account}</code> has today. Sterna checks it against the server and keeps it
        encrypted until the cluster has the account.
      </p>
      <Form form={form} layout="vertical" onFinish={supply.mutate}>
        <Form.Item name="password" label="Password" rules={[{ required: true, message: "Enter it." }]}>
          <Input type="password" autoComplete="new-password" autoFocus />
        </Form.Item>
      </Form>
      <ProblemAlert error={supply.error} />
    </Dialog>
  );
}
