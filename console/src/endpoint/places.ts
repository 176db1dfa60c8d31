/** Which server stands at an address, and which endpoints are exchanged with which. */
import { useClusters, useInstances, useMigrations } from "../api/queries";
import type { Cluster, Endpoint, Instance, Migration } from "../api/schema";
import { addressOf } from "./words";

/** A server that answers at an address; `ownerId` is the instance or the cluster it belongs to. */
export interface Place {
  ownerId: string;
  title: string;
}

export type Places = Map<string, Place>;

/** Address → server, of everything that is known. */
export function usePlaces(): Places {
  const { data: instances = [] } = useInstances();
  const { data: clusters = [] } = useClusters();
  return placesOf(instances, clusters);
}

function placesOf(instances: Instance[], clusters: Cluster[]): Places {
  const places: Places = new Map();
  for (const one of instances) {
    const address = addressOf({ ...one, host: one.host.replace("localhost", "127.0.0.1") });
    const place = { ownerId: one.id, title: one.id };
    places.set(addressOf(one), place).set(address, place);
  }
  for (const cluster of clusters) {
    for (const node of cluster.nodes) {
      const role = node.role === "Writer" ? "primary" : "read-only node";
      places.set(addressOf(node), { ownerId: cluster.id, title: `${role} ${node.id}` });
    }
  }
  return places;
}

/** The migration of an instance or a cluster that has not ended. */
export function useOpenMigration(ownerId: string): Migration | undefined {
  const { data = [] } = useMigrations();
  return data.find(
    (one) => [one.instance_id, one.cluster_id].includes(ownerId) && one.status !== "NO_MIGRATION",
  );
}

/** Whether an endpoint leads to the other side of its migration. */
export function leadsAcross(endpoint: Endpoint, migration: Migration | undefined, places: Places): boolean {
  if (!migration?.with_endpoints) return false;
  const sides = [migration.instance_id, migration.cluster_id];
  const owners = endpoint.routes_to.map((address) => places.get(address)?.ownerId ?? "");
  return owners.some((owner) => owner !== endpoint.owner_id && sides.includes(owner));
}

/** The endpoints of the other side that lead to this one's in exchange. */
export function partnersOf(endpoint: Endpoint, all: Endpoint[], migration: Migration, places: Places): Endpoint[] {
  const others = all.filter((one) => one.owner_id !== endpoint.owner_id && leadsAcross(one, migration, places));
  return others.filter((one) => canBePaired(endpoint, one));
}

/** What a pair must have in common; so the server proposes them, too. */
function canBePaired(one: Endpoint, other: Endpoint): boolean {
  const isFirst = one.type === "Primary" || other.type === "Primary";
  const bothFirst = [one, other].every(
    (each) => each.type === "Primary" || (each.type === "Cluster" && each.read_write_mode === "ReadWrite"),
  );
  return one.net_type === other.net_type && one.ssl_enabled === other.ssl_enabled && (!isFirst || bothFirst);
}
