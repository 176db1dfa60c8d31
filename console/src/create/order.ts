/** What the form asks for, and what of it is sent. */
import type { Choices, NewMigration, Serverless } from "../api/schema";
import { newestOf } from "../parts/VersionSelect";

const MYROCKS_PERCENT = 50;

type Place = "here" | "hosts" | "existing";

/** Everything the form holds, also what does not apply just now. */
export type Order = Required<NewMigration> & { serverless: Serverless; place: Place };

export interface StepProps {
  order: Order;
  choices: Choices;
  onChange: (part: Partial<Order>) => void;
}

/** What is chosen before anybody chooses. */
export function firstOrder(choices: Choices, instance: string): Order {
  const names = choices.node_classes.map((one) => one.name);
  const smallest = names[0] ?? "";
  return {
    instance_id: instance,
    target_version: newestOf(choices.engines),
    nodes: 0,
    ignore: [],
    description: "",
    node_class: smallest,
    pay_type: "Postpaid",
    network_label: "",
    storage_engine: "InnoDB",
    myrocks_memory_percent: MYROCKS_PERCENT,
    serverless: { memory_min_class: smallest, memory_max_class: names.at(-1) ?? "", nodes_min: 0, nodes_max: 2 },
    semi_sync: false,
    place: "here",
    hosts: [],
    existing: "",
  };
}

export const isServerless = (order: Pick<Order, "pay_type">) => order.pay_type === "Serverless";
export const hasMyRocks = (order: Pick<Order, "storage_engine">) => order.storage_engine.includes("MyRocks");

/** The body of the request: what does not apply is as if nobody had chosen it. */
export function bodyOf({ place, ...order }: Order): NewMigration {
  return {
    ...order,
    nodes: place === "existing" || isServerless(order) ? 0 : order.nodes,
    myrocks_memory_percent: hasMyRocks(order) ? order.myrocks_memory_percent : MYROCKS_PERCENT,
    serverless: isServerless(order) ? order.serverless : null,
    semi_sync: order.semi_sync && order.nodes > 0,
    hosts: place === "hosts" ? order.hosts : [],
    existing: place === "existing" ? order.existing : "",
  };
}
