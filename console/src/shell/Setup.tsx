/** The first start: nobody is known yet; who can read the server's terminal becomes the admin. */
import Button from "antd/es/button";
import Form from "antd/es/form";
import Input from "antd/es/input";
import { api, ask } from "../api/client";
import { cache } from "../api/cache";
import type { Setup as Given } from "../api/schema";
import { SESSION_KEY } from "../api/session";
import { ProblemAlert } from "../parts/ProblemAlert";
import { useAction } from "../parts/useAction";
import { Gate } from "./Gate";

export function Setup() {
  const setup = useAction((body: Given) => ask(api.POST("/api/v1/setup", { body })), {
    onDone: (session) => cache.setQueryData(SESSION_KEY, session),
  });
  return (
    <Gate title="Create the first admin">
      <p className="faint">
        The server printed a one-time token on its terminal when it started. Later users are added on
        the settings page.
      </p>
      <Form layout="vertical" requiredMark={false} onFinish={setup.mutate} disabled={setup.isPending}>
        <Form.Item name="token" label="One-time token" rules={[{ required: true, message: "Copy it from the terminal." }]}>
          <Input autoComplete="off" autoFocus />
        </Form.Item>
        <Form.Item name="name" label="Your name" rules={[{ required: true, message: "Choose a name." }]}>
          <Input autoComplete="username" />
        </Form.Item>
        <Form.Item
          name="password"
          label="Your password"
          extra="12 characters or more."
          rules={[{ required: true, min: 12, message: "12 characters or more." }]}
        >
          <Input type="password" autoComplete="new-password" />
        </Form.Item>
        <ProblemAlert error={setup.error} />
        <Button type="primary" htmlType="submit" block loading={setup.isPending}>
          Create and sign in
        </Button>
      </Form>
    </Gate>
  );
}
