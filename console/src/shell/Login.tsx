/** Who are you? */
import Button from "antd/es/button";
import Form from "antd/es/form";
import Input from "antd/es/input";
import { api, ask } from "../api/client";
import { cache } from "../api/cache";
import type { Login as Given } from "../api/schema";
import { SESSION_KEY } from "../api/session";
import { ProblemAlert } from "../parts/ProblemAlert";
import { useAction } from "../parts/useAction";
import { Gate } from "./Gate";

export function Login() {
  const login = useAction((body: Given) => ask(api.POST("/api/v1/login", { body })), {
    onDone: (session) => {
      cache.removeQueries({ predicate: (query) => query.queryKey[0] !== SESSION_KEY[0] });
      cache.setQueryData(SESSION_KEY, session);
    },
  });
  return (
    <Gate title="Sign in">
      <Form layout="vertical" requiredMark={false} onFinish={login.mutate} disabled={login.isPending}>
        <Form.Item name="name" label="Name" rules={[{ required: true, message: "Enter your name." }]}>
          <Input autoComplete="username" autoFocus />
        </Form.Item>
        <Form.Item
          name="password"
          label="Password"
          rules={[{ required: true, message: "Enter your password." }]}
        >
          <Input type="password" autoComplete="current-password" />
        </Form.Item>
        <ProblemAlert error={login.error} />
        <Button type="primary" htmlType="submit" block loading={login.isPending}>
          Sign in
        </Button>
      </Form>
    </Gate>
  );
}
