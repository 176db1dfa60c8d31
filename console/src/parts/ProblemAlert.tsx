/** Why something was refused or failed, and what to do instead. */
import Alert from "antd/es/alert";
import { ApiProblem } from "../api/client";

export function ProblemAlert({ error }: { error: Error | null | undefined }) {
  if (!error) return null;
  const remedy = error instanceof ApiProblem ? error.remedy : "Try again when it is back.";
  return (
    <Alert
      className="problem"
      type="error"
      showIcon
      role="alert"
      title={error.message}
      description={remedy || undefined}
    />
  );
}
