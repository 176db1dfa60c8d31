/** One's own account: who one is, and one's password. */
import Alert from "antd/es/alert";
import Button from "antd/es/button";
import Form from "antd/es/form";
import Input from "antd/es/input";
import { api, ask } from "../api/client";
import { useSession } from "../api/roles";
import type { NewPassword } from "../api/schema";
import { Time } from "../format/Time";
import { duration } from "../format/numbers";
import { Facts } from "../parts/Facts";
import { PageHead } from "../parts/PageHead";
import { ProblemAlert } from "../parts/ProblemAlert";
import { Section } from "../parts/Section";
import { useAction } from "../parts/useAction";

export default function AccountPage() {
  const { data } = useSession();
  return (
    <>
      <PageHead title="Your account" />
      <Section title="Session">
        <Facts
          facts={[
            ["Name", data?.name],
            ["Role", data?.role],
            ["Ends after", data ? `${duration(data.idle_seconds)} without use` : "–"],
            ["Ends at the latest", <Time at={data?.expires_at} />],
          ]}
        />
      </Section>
      <Section title="Change password">
        <PasswordForm />
      </Section>
    </>
  );
}

function PasswordForm() {
  const [form] = Form.useForm<NewPassword>();
  const change = useAction((body: NewPassword) => ask(api.POST("/api/v1/password", { body })), {
    onDone: () => form.resetFields(),
  });
  return (
    <Form form={form} layout="vertical" style={{ maxWidth: 380 }} onFinish={change.mutate}>
      <Form.Item name="old_password" label="Password until now" rules={[{ required: true, message: "Enter it." }]}>
        <Input type="password" autoComplete="current-password" />
      </Form.Item>
      <Form.Item name="new_password" label="New password" extra="12 characters or more. Your other sessions end." rules={[{ required: true, min: 12, message: "12 characters or more." }]}>
        <Input type="password" autoComplete="new-password" />
      </Form.Item>
      <ProblemAlert error={change.error} />
      {change.isSuccess && <Alert className="problem" type="success" showIcon title="The password is changed." />}
      <Button type="primary" htmlType="submit" loading={change.isPending}>
        Change password
      </Button>
    </Form>
  );
}
