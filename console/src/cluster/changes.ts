/** What can be asked of a cluster's nodes: its dry run, and its beginning. */
import { useQuery, type UseQueryResult } from "@tanstack/react-query";
import { api, ask } from "../api/client";
import { useCluster } from "../api/queries";
import type { Need } from "../api/roles";
import type { Cluster, Plan } from "../api/schema";
import { useOpenMigration } from "../endpoint/places";

export type Change =
  | { kind: "add"; count: number }
  | { kind: "remove"; nodeId: string }
  | { kind: "class"; nodeClass: string }
  | { kind: "restart"; nodeId: string | null }
  | { kind: "binlog" }
  | { kind: "semiSync"; on: boolean }
  | { kind: "delete" };

const CLUSTER = "/api/v1/clusters/{cluster_id}";

export const NEEDS: Record<Change["kind"], Need> = {
  add: ["POST", `${CLUSTER}/nodes`],
  remove: ["DELETE", `${CLUSTER}/nodes/{node_id}`],
  class: ["POST", `${CLUSTER}/class`],
  restart: ["POST", `${CLUSTER}/restart`],
  binlog: ["POST", `${CLUSTER}/binlog`],
  semiSync: ["POST", `${CLUSTER}/semi-sync`],
  delete: ["DELETE", CLUSTER],
};

function planOf(cluster_id: string, change: Change): Promise<Plan> {
  const path = { cluster_id };
  switch (change.kind) {
    case "add":
      return ask(api.GET(`${CLUSTER}/nodes/plan`, { params: { path, query: { count: change.count } } }));
    case "remove":
      return ask(api.GET(`${CLUSTER}/nodes/{node_id}/plan`, { params: { path: { ...path, node_id: change.nodeId } } }));
    case "class":
      return ask(api.GET(`${CLUSTER}/class/plan`, { params: { path, query: { node_class: change.nodeClass } } }));
    case "restart":
      return ask(api.GET(`${CLUSTER}/restart/plan`, { params: { path, query: { node_id: change.nodeId } } }));
    case "binlog":
      return ask(api.GET(`${CLUSTER}/binlog/plan`, { params: { path } }));
    case "semiSync":
      return ask(api.GET(`${CLUSTER}/semi-sync/plan`, { params: { path, query: { on: change.on } } }));
    case "delete":
      return ask(api.GET(`${CLUSTER}/delete/plan`, { params: { path } }));
  }
}

/** Ask for it; the cluster as it is then. */
export function begin(cluster_id: string, change: Change): Promise<Cluster> {
  const path = { cluster_id };
  switch (change.kind) {
    case "add":
      return ask(api.POST(`${CLUSTER}/nodes`, { params: { path }, body: { count: change.count } }));
    case "remove":
      return ask(api.DELETE(`${CLUSTER}/nodes/{node_id}`, { params: { path: { ...path, node_id: change.nodeId } } }));
    case "class":
      return ask(api.POST(`${CLUSTER}/class`, { params: { path }, body: { node_class: change.nodeClass } }));
    case "restart":
      return ask(api.POST(`${CLUSTER}/restart`, { params: { path }, body: { node_id: change.nodeId } }));
    case "binlog":
      return ask(api.POST(`${CLUSTER}/binlog`, { params: { path } }));
    case "semiSync":
      return ask(api.POST(`${CLUSTER}/semi-sync`, { params: { path }, body: { on: change.on } }));
    case "delete":
      return ask(api.DELETE(CLUSTER, { params: { path } }));
  }
}

/** The dry run; asked for anew when the cluster or its migration is in another status. */
export function usePlan(clusterId: string, change: Change, enabled = true): UseQueryResult<Plan> {
  const { data: cluster } = useCluster(clusterId);
  const migration = useOpenMigration(clusterId);
  return useQuery({
    queryKey: ["plan", clusterId, change, cluster?.status, migration?.status, migration?.operation],
    queryFn: () => planOf(clusterId, change),
    staleTime: 0, // it may have been asked for in one status and answered in the next
    enabled,
  });
}

/** Why it would be refused now; empty where it would not, or is not known yet. */
export function useRefusal(clusterId: string, change: Change): string {
  return usePlan(clusterId, change).data?.refusals.join(" ") ?? "";
}
