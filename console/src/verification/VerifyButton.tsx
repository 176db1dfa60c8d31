/** Compare all rows again. */
import Checkbox from "antd/es/checkbox";
import { useState } from "react";
import { api, ask } from "../api/client";
import { ProblemAlert } from "../parts/ProblemAlert";
import { RoleButton } from "../parts/RoleButton";
import { useAction } from "../parts/useAction";

export function VerifyButton({ clusterId }: { clusterId: string }) {
  const [repair, setRepair] = useState(false);
  const [values, setValues] = useState(false);
  const verify = useAction(() =>
    ask(
      api.POST("/api/v1/migrations/{cluster_id}/verify", {
        params: { path: { cluster_id: clusterId } },
        body: { tables: [], repair, values },
      }),
    ),
  );
  return (
    <span className="actions">
      <ProblemAlert error={verify.error} />
      <Checkbox checked={values} onChange={(event) => setValues(event.target.checked)}>
        Keep the values that differ
      </Checkbox>
      <Checkbox checked={repair} onChange={(event) => setRepair(event.target.checked)}>
        Repair the side that follows
      </Checkbox>
      <RoleButton
        needs={["POST", "/api/v1/migrations/{cluster_id}/verify"]}
        type="primary"
        loading={verify.isPending}
        onClick={() => verify.mutate(undefined)}
      >
        Verify again
      </RoleButton>
    </span>
  );
}
