/** Switch over and roll back: who takes the writes, and whether the addresses go with them. */
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { api, ask } from "../api/client";
import { useAction } from "../parts/useAction";
import type { DialogProps } from "./Actions";
import { OperationDialog } from "./OperationDialog";
import { TransactionChoice, type Transactions } from "./TransactionChoice";
import { WithEndpoints, type EndpointChoice, type Pairs } from "./WithEndpoints";

const PLAN_MILLISECONDS = 10_000;

function asQuery(pairs: Pairs): { pair?: string[] } {
  return pairs ? { pair: Object.entries(pairs).map(([one, other]) => `${one}=${other}`) } : {};
}

export default function SwitchDialog({ action, migration, onClose }: DialogProps) {
  const forward = action === "switch_over";
  const [endpoints, setEndpoints] = useState<EndpointChoice>({ exchange: true, pairs: null });
  const [transactions, setTransactions] = useState<Transactions>({ waitSeconds: 0, end: false });
  const asked = {
    wait_for_transactions_seconds: transactions.waitSeconds,
    end_transactions: transactions.end,
  };
  const path = { cluster_id: migration.cluster_id };
  const plan = useQuery({
    queryKey: ["plan", action, path, asked, endpoints],
    queryFn: () => {
      const query = { ...asked, with_endpoints: endpoints.exchange, ...asQuery(endpoints.pairs) };
      const switchOver = { params: { path, query } };
      return forward
        ? ask(api.GET("/api/v1/migrations/{cluster_id}/switch-over/plan", switchOver))
        : ask(api.GET("/api/v1/migrations/{cluster_id}/roll-back/plan", { params: { path, query: asked } }));
    },
    refetchInterval: PLAN_MILLISECONDS,
  });
  const begin = useAction(
    () => {
      const { exchange, pairs } = endpoints;
      const body = { ...asked, with_endpoints: exchange, ...(pairs ? { pairs } : {}) };
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
        <WithEndpoints value={endpoints} migration={migration} onChange={setEndpoints} />
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
