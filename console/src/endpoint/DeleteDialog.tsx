/** Close an endpoint: dry run, its ID, and only then the button. */
import { useQuery } from "@tanstack/react-query";
import { api, ask } from "../api/client";
import type { Endpoint } from "../api/schema";
import { OperationDialog } from "../migration/OperationDialog";
import { useAction } from "../parts/useAction";

export default function DeleteDialog({ endpoint, onClose }: { endpoint: Endpoint; onClose: () => void }) {
  const params = { path: { endpoint_id: endpoint.id } };
  const plan = useQuery({
    queryKey: ["plan", "delete", endpoint.id],
    queryFn: () => ask(api.GET("/api/v1/endpoints/{endpoint_id}/delete/plan", { params })),
  });
  const remove = useAction(() => ask(api.DELETE("/api/v1/endpoints/{endpoint_id}", { params })), {
    onDone: onClose,
  });
  return (
    <OperationDialog
      title="Delete endpoint"
      button="Delete"
      name={endpoint.id}
      plan={plan}
      danger
      busy={remove.isPending}
      error={remove.error}
      onConfirm={() => remove.mutate(undefined)}
      onClose={onClose}
    >
      <p>Its sessions are cut, and applications that use it lose their address.</p>
    </OperationDialog>
  );
}
