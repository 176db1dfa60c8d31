/** Switch over and roll back: who takes the writes, and whether the addresses go with them. */
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { api, ask } from "../api/client";
import { useAction } from "../parts/useAction";
import type { DialogProps } from "./Actions";
import { OperationDialog } from "./OperationDialog";
import { TransactionChoice, type Transactions } from "./TransactionChoice";
import { WithEndpoints } from "./WithEndpoints";

const PLAN_MILLISECONDS = 10_000;

export default function SwitchDialog({ action, migration, onClose }: DialogProps) {
  const forward = action === "switch_over";
  const [withEndpoints, setWithEndpoints] = useState(true);
  const [transactions, setTransactions] = useState<Transactions>({ waitSeconds: 0, end: false });
  const asked = {
    wait_for_transactions_seconds: transactions.waitSeconds,
    end_transactions: transactions.end,
  };
  const path = { cluster_id: migration.cluster_id };
  const plan = useQuery({
    queryKey: ["plan", action, path, asked, withEndpoints],
    queryFn: () => {
      const switchOver = { params: { path, query: { ...asked, with_endpoints: withEndpoints } } };
      return forward
        ? ask(api.GET("/api/v1/migrations/{cluster_id}/switch-over/plan", switchOver))
        : ask(api.GET("/api/v1/migrations/{cluster_id}/roll-back/plan", { params: { path, query: asked } }));
    },
    refetchInterval: PLAN_MILLISECONDS,
  });
  const begin = useAction(
    () => {
      const body = { ...asked, with_endpoints: withEndpoints };
      return forward
        ? ask(api.POST("/api/v1/migrations/{cluster_id}/switch-over", { params: { path }, body }))
        : ask(api.POST("/api/v1/migrations/{cluster_id}/roll-back", { params: { path }, body: asked }));
    },
    { onDone: onClose },
  );
  return (
    <OperationDialog
      title={forward ? "Switch Business to New Database" : "Switch Business Back to Original Database"}
      button={forward ? "Switch Over" : "Roll Back Migration"}
      name={migration.cluster_id}
      plan={plan}
      busy={begin.isPending}
      error={begin.error}
      onConfirm={() => begin.mutate(undefined)}
      onClose={onClose}
    >
      {forward ? (
        <WithEndpoints value={withEndpoints} migration={migration} onChange={setWithEndpoints} />
      ) : (
        <p>
          The source takes the writes again, with everything written on the cluster meanwhile.{" "}
          {migration.with_endpoints
            ? "The endpoints are switched back too."
            : "The endpoints were not exchanged, so applications move themselves."}
        </p>
      )}
      <TransactionChoice value={transactions} onChange={setTransactions} />
    </OperationDialog>
  );
}
