/** What changes on the server, as it happens: one event stream for all pages of a tab. */
import type { QueryKey } from "@tanstack/react-query";
import { useEffect, useSyncExternalStore } from "react";
import { cache, refresh } from "./cache";
import { connectionLost, connectionUp } from "./connection";
import { keys } from "./keys";
import type {
  Cluster,
  Endpoint,
  HistoryEntry,
  Instance,
  Migration,
  OperationRun,
  Overview,
  Schedule,
  TaskSample,
  Verification,
} from "./schema";
import { sessionEnded } from "./session";

const ANEW_MILLISECONDS = 3000;
const SAMPLES_KEPT = 3600;

type Of<Record> = Record & { cluster_id: string };

let streaming = false;
let clockAhead = 0;
const listeners = new Set<() => void>();

function setStreaming(value: boolean): void {
  streaming = value;
  for (const listener of listeners) listener();
}

/** What the server's clock says now, in milliseconds since 1970. */
export function serverNow(): number {
  return Date.now() + clockAhead;
}

/** Whether changes arrive by themselves; while they do not, pages ask now and then. */
export function useStreaming(): boolean {
  return useSyncExternalStore(
    (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    () => streaming,
  );
}

/** Put what an event says; an answer that was on its way meanwhile may be older, so it is asked again. */
function put<Data>(key: QueryKey, change: (old: Data | undefined) => Data | undefined): void {
  const query = cache.getQueryCache().find({ queryKey: key, exact: true });
  const asked = query?.state.fetchStatus === "fetching" ? query.promise : undefined;
  cache.setQueryData<Data>(key, change);
  const again = () => void cache.invalidateQueries({ queryKey: key, exact: true });
  void asked?.then(again, again);
}

function replace<Item>(key: QueryKey, item: Item, same: (other: Item) => boolean): void {
  put<Item[]>(key, (items) => {
    if (!items) return items;
    const place = items.findIndex(same);
    return place < 0 ? [...items, item] : items.with(place, item);
  });
}

const hear: Record<string, (data: never) => void> = {
  hello: ({ at }: { at: string }) => {
    clockAhead = Date.parse(at) - Date.now();
    connectionUp();
    setStreaming(true);
  },
  overview: (overview: Overview) => put(keys.overview, () => overview),
  instance: (one: Instance) => {
    replace(keys.instances, one, (other) => other.id === one.id);
    put(keys.instance(one.id), () => one);
  },
  cluster: (one: Cluster) => {
    replace(keys.clusters, one, (other) => other.id === one.id);
    put(keys.cluster(one.id), () => one);
  },
  endpoint: (one: Endpoint) => replace(keys.endpoints, one, (other) => other.id === one.id),
  schedule: (one: Schedule) => replace(keys.schedules, one, (other) => other.id === one.id),
  migration: (one: Migration) => {
    replace(keys.migrations, one, (other) => other.cluster_id === one.cluster_id);
    put<Migration>(keys.migration(one.cluster_id), (old) =>
      old ? { ...one, history: old.history } : old,
    );
  },
  operation: (one: OperationRun) =>
    replace(keys.timeline(one.cluster_id), one, (other) => other.id === one.id),
  history: ({ cluster_id, entry }: Of<{ entry: HistoryEntry }>) =>
    put<Migration>(keys.migration(cluster_id), (old) => old && told(old, entry)),
  sample: (one: Of<TaskSample> & { task_id: string }) =>
    cache.setQueryData<TaskSample[]>(
      keys.samples(one.task_id),
      (old) => old && [...old, one].slice(-SAMPLES_KEPT),
    ),
  verification: (one: Of<Verification>) =>
    put<Verification[]>(keys.verifications(one.cluster_id), (old) => {
      if (!old) return old;
      return [one, ...old.filter((other) => other.id !== one.id)];
    }),
  gone: refresh,
};

function told(migration: Migration, entry: HistoryEntry): Migration {
  const same = (other: HistoryEntry) => other.at === entry.at && other.step === entry.step;
  if (migration.history.some(same)) return migration;
  return { ...migration, history: [...migration.history, entry] };
}

/** Listen as long as somebody is signed in. */
export function useLive(): void {
  useEffect(() => {
    let stream: EventSource;
    let timer: number | undefined;
    const open = () => {
      stream = new EventSource("/api/v1/events");
      for (const [name, take] of Object.entries(hear)) {
        stream.addEventListener(name, (event) => take(JSON.parse(event.data) as never));
      }
      stream.addEventListener("signed_out", () => {
        stream.close();
        sessionEnded();
      });
      stream.onerror = () => {
        setStreaming(false);
        if (stream.readyState === EventSource.CLOSED) timer = window.setTimeout(open, ANEW_MILLISECONDS);
        else connectionLost();
      };
    };
    open();
    return () => {
      window.clearTimeout(timer);
      stream.close();
      setStreaming(false);
    };
  }, []);
}
