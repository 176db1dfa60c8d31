/** What pages ask the server, one hook for each question. */
import { useQuery, type QueryKey, type UseQueryResult } from "@tanstack/react-query";
import { api, ask } from "./client";
import { keys } from "./keys";
import { useStreaming } from "./live";
import type { Migration } from "./schema";

const POLL_MILLISECONDS = 2000;

/** Something that the event stream keeps up to date; asked for now and then while it is silent. */
function useLiveQuery<Data>(queryKey: QueryKey, queryFn: () => Promise<Data>): UseQueryResult<Data> {
  const streaming = useStreaming();
  return useQuery({ queryKey, queryFn, refetchInterval: streaming ? false : POLL_MILLISECONDS });
}

export const useOverview = () =>
  useLiveQuery(keys.overview, () => ask(api.GET("/api/v1/overview")));

export const useInstances = () =>
  useLiveQuery(keys.instances, () => ask(api.GET("/api/v1/instances")));

export const useInstance = (instance_id: string) =>
  useLiveQuery(keys.instance(instance_id), () =>
    ask(api.GET("/api/v1/instances/{instance_id}", { params: { path: { instance_id } } })),
  );

export const useClusters = () => useLiveQuery(keys.clusters, () => ask(api.GET("/api/v1/clusters")));

export const useCluster = (cluster_id: string) =>
  useLiveQuery(keys.cluster(cluster_id), () =>
    ask(api.GET("/api/v1/clusters/{cluster_id}", { params: { path: { cluster_id } } })),
  );

export const useEndpoints = () =>
  useLiveQuery(keys.endpoints, () => ask(api.GET("/api/v1/endpoints")));

export const useSchedules = () =>
  useLiveQuery(keys.schedules, () => ask(api.GET("/api/v1/schedules")));

export const useEndpointActions = (owner_id: string) =>
  useQuery({
    queryKey: ["endpoint-actions", owner_id],
    queryFn: () => ask(api.GET("/api/v1/endpoints/actions", { params: { query: { owner_id } } })),
    refetchInterval: POLL_MILLISECONDS,
  });

export const useHealth = (cluster_id: string) =>
  useQuery({
    queryKey: ["health", cluster_id],
    queryFn: () =>
      ask(api.GET("/api/v1/clusters/{cluster_id}/health", { params: { path: { cluster_id } } })),
    refetchInterval: POLL_MILLISECONDS,
  });

export const useMigrations = () =>
  useLiveQuery(keys.migrations, () => ask(api.GET("/api/v1/migrations")));

export const useMigration = (cluster_id: string) =>
  useLiveQuery(keys.migration(cluster_id), () =>
    ask(
      api.GET("/api/v1/migrations/{cluster_id}", {
        params: { path: { cluster_id }, query: { tables: false } },
      }),
    ),
  );

export const useTimeline = (cluster_id: string) =>
  useLiveQuery(keys.timeline(cluster_id), () =>
    ask(api.GET("/api/v1/migrations/{cluster_id}/timeline", { params: { path: { cluster_id } } })),
  );

export const useVerifications = (cluster_id: string) =>
  useLiveQuery(keys.verifications(cluster_id), () =>
    ask(
      api.GET("/api/v1/migrations/{cluster_id}/verifications", { params: { path: { cluster_id } } }),
    ),
  );

export const useSamples = (task_id: string) =>
  useLiveQuery(keys.samples(task_id), () =>
    ask(
      api.GET("/api/v1/tasks/{task_id}/metrics", {
        params: { path: { task_id }, query: { seconds: 3600, points: 720 } },
      }),
    ),
  );

export const useTask = (task_id: string) =>
  useQuery({
    queryKey: ["task", task_id],
    queryFn: () =>
      ask(
        api.GET("/api/v1/tasks/{task_id}", {
          params: { path: { task_id }, query: { tables: false } },
        }),
      ),
    refetchInterval: POLL_MILLISECONDS,
  });

const READERS_MILLISECONDS = 15_000;

/** Who else reads the binary logs; both servers are asked, so not often, and not during a switch. */
export const useReaders = ({ cluster_id, status, operation }: Migration) =>
  useQuery({
    queryKey: ["readers", cluster_id],
    queryFn: () => ask(api.GET("/api/v1/migrations/{cluster_id}/readers", { params: { path: { cluster_id } } })),
    enabled: status !== "NO_MIGRATION" && operation === "",
    refetchInterval: READERS_MILLISECONDS,
  });

export const useHosts = () => useQuery({ queryKey: ["hosts"], queryFn: () => ask(api.GET("/api/v1/hosts")) });

export const useChoices = () =>
  useQuery({ queryKey: ["choices"], queryFn: () => ask(api.GET("/api/v1/choices")) });

export const useEvaluations = (instance_id: string) =>
  useQuery({
    queryKey: ["evaluations", instance_id],
    queryFn: () =>
      ask(api.GET("/api/v1/instances/{instance_id}/evaluations", { params: { path: { instance_id } } })),
    enabled: instance_id !== "",
  });
