/** Complete, cancel, give up: the ends of a migration. None of them has a way back. */
import { useQuery } from "@tanstack/react-query";
import Checkbox from "antd/es/checkbox";
import { useState } from "react";
import { api, ask } from "../api/client";
import type { Migration, Plan } from "../api/schema";
import { useAction } from "../parts/useAction";
import { operationTitle } from "../words";
import type { DialogProps } from "./Actions";
import { OperationDialog } from "./OperationDialog";

const TEXTS: Record<string, string> = {
  complete:
    "The synchronization is cut for good: neither rollback nor cancel is possible afterwards. The " +
    "cluster keeps the writes, the source stays read-only.",
  cancel:
    "The synchronization is cut for good. The source keeps the writes; the cluster is kept too, opened " +
    "for writing, and no longer associated.",
  give_up:
    "The migration ends before the cluster follows. The source is as it was; the cluster is kept, on " +
    "its own.",
};

function planOf(action: string, cluster_id: string, disable_binlog: boolean): Promise<Plan> {
  const path = { cluster_id };
  if (action === "complete") {
    const params = { path, query: { disable_binlog } };
    return ask(api.GET("/api/v1/migrations/{cluster_id}/complete/plan", { params }));
  }
  const params = { path };
  if (action === "cancel") return ask(api.GET("/api/v1/migrations/{cluster_id}/cancel/plan", { params }));
  return ask(api.GET("/api/v1/migrations/{cluster_id}/give-up/plan", { params }));
}

function begin(action: string, cluster_id: string, disable_binlog: boolean): Promise<Migration> {
  const params = { path: { cluster_id } };
  if (action === "complete") {
    const body = { disable_binlog };
    return ask(api.POST("/api/v1/migrations/{cluster_id}/complete", { params, body }));
  }
  if (action === "cancel") return ask(api.POST("/api/v1/migrations/{cluster_id}/cancel", { params }));
  return ask(api.POST("/api/v1/migrations/{cluster_id}/give-up", { params }));
}

export default function EndDialog({ action, migration, onClose }: DialogProps) {
  const [disableBinlog, setDisableBinlog] = useState(false);
  const id = migration.cluster_id;
  const plan = useQuery({
    queryKey: ["plan", action, id, disableBinlog],
    queryFn: () => planOf(action, id, disableBinlog),
  });
  const end = useAction(() => begin(action, id, disableBinlog), { onDone: onClose });
  return (
    <OperationDialog
      title={operationTitle(action)}
      button={operationTitle(action)}
      name={id}
      plan={plan}
      danger
      busy={end.isPending}
      error={end.error}
      onConfirm={() => end.mutate(undefined)}
      onClose={onClose}
    >
      <p>{TEXTS[action]}</p>
      {action === "complete" && (
        <Checkbox checked={disableBinlog} onChange={(event) => setDisableBinlog(event.target.checked)}>
          Disable the binary log of the cluster: writes become slightly faster, its primary restarts once
        </Checkbox>
      )}
    </OperationDialog>
  );
}
