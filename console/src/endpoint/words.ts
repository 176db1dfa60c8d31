/** What endpoints are called, and what each is for. */
import type { Endpoint, Reason } from "../api/schema";
import { mode } from "../words";

export type EndpointType = "Primary" | "Cluster" | "Custom" | "ReadOnly" | "Proxy";
export type Mode = "ReadOnly" | "ReadWrite";

export const MODES: Record<string, string> = { ReadWrite: mode("rw"), ReadOnly: mode("ro") };

interface Choice<Value> {
  value: Value;
  label: string;
}

const OF_CLUSTERS: Choice<EndpointType>[] = [
  { value: "Cluster", label: "Cluster: its read-only nodes in turn, or its primary" },
  { value: "Custom", label: "Custom: the nodes you choose, with weights" },
  { value: "Primary", label: "Primary: the primary" },
];

const OF_INSTANCES: Choice<EndpointType>[] = [
  { value: "ReadOnly", label: "ReadOnly: the read-only instances you name, with weights" },
  { value: "Proxy", label: "Proxy: the instance, at another address" },
  { value: "Primary", label: "Primary: the instance" },
];

export const MODE_CHOICES: Choice<Mode>[] = [
  { value: "ReadOnly", label: "read-only: the read-only nodes in turn" },
  { value: "ReadWrite", label: "read and write: the primary" },
];

/** The types an owner's endpoints can have. */
export function typesOf(ownerId: string): Choice<EndpointType>[] {
  return isCluster(ownerId) ? OF_CLUSTERS : OF_INSTANCES;
}

export function isCluster(ownerId: string): boolean {
  return ownerId.startsWith("pc-");
}

/** Whether one chooses which servers answer there. */
export function hasNodes(type: string): boolean {
  return type === "Custom" || type === "ReadOnly";
}

/** "host:port", as the server writes it. */
export function addressOf(one: { host: string; port: number }): string {
  return `${one.host}:${one.port}`;
}

/** The name people gave it, or its ID. */
export function nameOf(endpoint: Endpoint): string {
  return endpoint.name || endpoint.id;
}

/** Refusals as one text; empty where there are none. */
export function reasonOf(refusals: Reason[]): string {
  return refusals.map((one) => `${one.message} ${one.remedy}`).join(" ");
}
