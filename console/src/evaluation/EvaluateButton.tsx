/** Run all prechecks now; nothing is created, nothing on the source changes. */
import { useState } from "react";
import { useLocation } from "wouter";
import { api, ask } from "../api/client";
import { useChoices } from "../api/queries";
import { ProblemAlert } from "../parts/ProblemAlert";
import { RoleButton } from "../parts/RoleButton";
import { useAction } from "../parts/useAction";
import { newestOf, VersionSelect } from "../parts/VersionSelect";

export function EvaluateButton({ instanceId }: { instanceId: string }) {
  const [, go] = useLocation();
  const [chosen, setVersion] = useState("");
  const { data: choices } = useChoices();
  const version = chosen || newestOf(choices?.engines ?? []);
  const evaluate = useAction(
    () =>
      ask(
        api.POST("/api/v1/instances/{instance_id}/evaluations", {
          params: { path: { instance_id: instanceId } },
          body: { target_version: version, sample_seconds: 20 },
        }),
      ),
    { onDone: (report) => go(`/evaluations/${instanceId}/${report.id}`) },
  );
  return (
    <span className="actions">
      <ProblemAlert error={evaluate.error} />
      <VersionSelect value={version} onChange={setVersion} />
      <RoleButton
        needs={["POST", "/api/v1/instances/{instance_id}/evaluations"]}
        disabled={!version}
        loading={evaluate.isPending}
        onClick={() => evaluate.mutate(undefined)}
      >
        Evaluate
      </RoleButton>
    </span>
  );
}
