/** Where the nodes are made; asked only where there is more than this machine. */
import Checkbox from "antd/es/checkbox";
import type { Host } from "../api/schema";
import { Choice } from "./Choice";
import type { StepProps } from "./order";

export function PlaceFields({ order, onChange, hosts }: StepProps & { hosts: Host[] }) {
  const machines = hosts.filter((host) => host.kind === "ssh");
  const servers = hosts.filter((host) => host.kind === "existing");
  if (hosts.length === 0) return null;
  const places: [string, string, string][] = [["here", "This machine", "Where Sterna runs."]];
  if (machines.length > 0) places.push(["hosts", "Other hosts", "In turn, the primary on the first."]);
  if (servers.length > 0) places.push(["existing", "A server that is there already", "It becomes the primary."]);
  return (
    <>
      <Choice label="Where the nodes are made" value={order.place} options={places} onChange={(place) => onChange({ place: place as typeof order.place })} />
      {order.place === "hosts" && (
        <fieldset className="choices">
          <legend>Hosts</legend>
          <Checkbox.Group
            value={order.hosts}
            options={machines.map((host) => ({ value: host.id, label: `${host.name} (${host.address})` }))}
            onChange={(chosen) => onChange({ hosts: chosen })}
          />
        </fieldset>
      )}
      {order.place === "existing" && (
        <Choice
          label="Server"
          value={order.existing}
          options={servers.map((host) => [host.id, host.name, `${host.address}:${host.port}, ${host.versions.join(", ")}`])}
          onChange={(existing) => onChange({ existing })}
        />
      )}
    </>
  );
}

/** What can be made in all the chosen places; undefined: whatever this machine has. */
export function versionsAt(order: StepProps["order"], hosts: Host[]): string[] | undefined {
  const ids = order.place === "hosts" ? order.hosts : order.place === "existing" ? [order.existing] : [];
  const chosen = hosts.filter((host) => ids.includes(host.id));
  const [first, ...others] = chosen;
  return first?.versions.filter((version) => others.every((host) => host.versions.includes(version)));
}
