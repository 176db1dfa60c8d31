/** Forget an instance; its server stays as it is. */
import { useQuery } from "@tanstack/react-query";
import { useLocation } from "wouter";
import { api, ask } from "../api/client";
import { OperationDialog } from "../migration/OperationDialog";
import { useAction } from "../parts/useAction";

export default function ReleaseDialog({ id, onClose }: { id: string; onClose: () => void }) {
  const [, go] = useLocation();
  const params = { path: { instance_id: id } };
  const plan = useQuery({
    queryKey: ["plan", "release", id],
    queryFn: () => ask(api.GET("/api/v1/instances/{instance_id}/release/plan", { params })),
  });
  const release = useAction(() => ask(api.POST("/api/v1/instances/{instance_id}/release", { params })), {
    onDone: () => go("/instances"),
  });
  return (
    <OperationDialog
      title="Release instance"
      button="Release"
      name={id}
      plan={plan}
      danger
      busy={release.isPending}
      error={release.error}
      onConfirm={() => release.mutate(undefined)}
      onClose={onClose}
    >
      <p>Sterna forgets the instance and its endpoints. The server itself stays as it is.</p>
    </OperationDialog>
  );
}
