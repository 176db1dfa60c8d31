/** A change of a cluster's nodes: how much of it, the dry run, the name, and only then the button. */
import InputNumber from "antd/es/input-number";
import Select from "antd/es/select";
import { useState } from "react";
import { useLocation } from "wouter";
import { useChoices } from "../api/queries";
import { memory } from "../format/numbers";
import { OperationDialog } from "../migration/OperationDialog";
import { useAction } from "../parts/useAction";
import { begin, usePlan, type Change } from "./changes";

const TEXTS: Record<Change["kind"], string> = {
  add: "Each new node gets the data of the primary and follows it. Whether somebody has to wait for that depends on the version.",
  remove: "The node leaves the rotation first; the sessions it still has are cut, and its data is removed.",
  class: "Each node restarts once with the memory of its new class, the primary last. Who connects to the primary meanwhile waits; its sessions are cut.",
  restart: "A read-only node leaves the rotation first. Who connects to the primary while it restarts waits; its sessions are cut.",
  binlog: "The primary restarts with its binary log; who connects meanwhile waits, its sessions are cut. Read-only nodes can be added after it.",
  semiSync: "Every node restarts once, the primary last: who connects to it meanwhile waits, its sessions are cut. A commit waits for a read-only node half a second at most.",
  delete: "The cluster ends with its endpoints, its nodes and all its data.",
};

const BUTTONS: Record<Change["kind"], string> = {
  add: "Add",
  remove: "Remove",
  class: "Change class",
  restart: "Restart",
  binlog: "Enable",
  semiSync: "Change",
  delete: "Delete",
};

interface ChangeDialogProps {
  clusterId: string;
  first: Change;
  title: string;
  onClose: () => void;
}

export default function ChangeDialog({ clusterId, first, title, onClose }: ChangeDialogProps) {
  const [, go] = useLocation();
  const [change, setChange] = useState(first);
  const plan = usePlan(clusterId, change);
  const start = useAction(() => begin(clusterId, change), {
    onDone: () => {
      onClose();
      if (change.kind === "delete") go("/clusters");
    },
  });
  return (
    <OperationDialog
      title={title}
      button={BUTTONS[change.kind]}
      name={change.kind === "remove" ? change.nodeId : clusterId}
      plan={plan}
      danger={change.kind === "remove" || change.kind === "delete"}
      busy={start.isPending}
      error={start.error}
      onConfirm={() => start.mutate(undefined)}
      onClose={onClose}
    >
      <p className="dialog-part">{TEXTS[change.kind]}</p>
      {change.kind === "add" && <Count value={change.count} onChange={(count) => setChange({ kind: "add", count })} />}
      {change.kind === "class" && (
        <ClassSelect value={change.nodeClass} onChange={(nodeClass) => setChange({ kind: "class", nodeClass })} />
      )}
    </OperationDialog>
  );
}

function Count({ value, onChange }: { value: number; onChange: (count: number) => void }) {
  const { data } = useChoices();
  return (
    <label className="toolbar">
      How many
      <InputNumber min={1} max={data?.nodes_max ?? 1} value={value} onChange={(count) => onChange(count ?? 1)} />
    </label>
  );
}

function ClassSelect({ value, onChange }: { value: string; onChange: (name: string) => void }) {
  const { data } = useChoices();
  const options = (data?.node_classes ?? []).map((one) => ({
    value: one.name,
    label: `${one.name}, ${memory(one.memory_bytes)}`,
  }));
  return (
    <div className="toolbar">
      <Select aria-label="Node class" value={value} options={options} onChange={onChange} style={{ minWidth: 240 }} />
    </div>
  );
}
