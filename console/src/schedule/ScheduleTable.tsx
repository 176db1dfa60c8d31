/** Operations that begin by themselves, those that wait first. */
import { useState } from "react";
import { Link } from "wouter";
import { api, ask } from "../api/client";
import type { Schedule } from "../api/schema";
import { Time } from "../format/Time";
import { Confirm } from "../parts/Confirm";
import { DataTable, type Column } from "../parts/DataTable";
import { RoleButton } from "../parts/RoleButton";
import { Status } from "../parts/Status";
import { useAction } from "../parts/useAction";
import { operationTitle } from "../words";

const WAITING = "waiting";

const COLUMNS: Column<Schedule>[] = [
  { title: "Operation", render: (row) => <Operation schedule={row} />, sortBy: (row) => row.operation },
  { title: "Cluster", render: (row) => <Link href={`/clusters/${row.cluster_id}`}>{row.cluster_id}</Link>, sortBy: (row) => row.cluster_id },
  { title: "Begins from", render: (row) => <Time at={row.starts_at} />, sortBy: (row) => row.starts_at },
  { title: "Until", render: (row) => <Time at={row.ends_at} />, sortBy: (row) => row.ends_at },
  { title: "State", render: (row) => <Status word={row.state} />, sortBy: (row) => row.state },
  { title: "Tries", render: (row) => row.tries, sortBy: (row) => row.tries, numeric: true },
  { title: "In the way", render: (row) => row.refusal || "–" },
];

function Operation({ schedule }: { schedule: Schedule }) {
  const { with_endpoints, disable_binlog } = schedule.arguments;
  const isSwitch = schedule.operation === "switch_over";
  return (
    <>
      {operationTitle(schedule.operation)}
      {isSwitch && <div className="faint">{with_endpoints ? "with endpoints" : "without endpoints"}</div>}
      {disable_binlog === true && <div className="faint">disables the binary log</div>}
    </>
  );
}

export function ScheduleTable({ schedules }: { schedules: Schedule[] }) {
  const [cancelling, setCancelling] = useState<Schedule | null>(null);
  const cancel = useAction(
    (schedule_id: string) =>
      ask(api.DELETE("/api/v1/schedules/{schedule_id}", { params: { path: { schedule_id } } })),
    { onDone: () => setCancelling(null) },
  );
  const button: Column<Schedule> = {
    title: "Change",
    render: (row) => row.state === WAITING && <CancelButton schedule={row} onClick={() => setCancelling(row)} />,
  };
  const close = () => {
    setCancelling(null);
    cancel.reset();
  };
  const waiting = (row: Schedule) => row.state === WAITING;
  const ordered = [...schedules.filter(waiting), ...schedules.filter((row) => !waiting(row)).toReversed()];
  return (
    <>
      <DataTable label="Schedules" rows={ordered} columns={[...COLUMNS, button]} rowKey={(row) => row.id} empty="Nothing is planned." />
      {cancelling && (
        <Confirm
          title="Cancel the schedule"
          button="Cancel schedule"
          busy={cancel.isPending}
          error={cancel.error}
          onConfirm={() => cancel.mutate(cancelling.id)}
          onClose={close}
        >
          {operationTitle(cancelling.operation)} of {cancelling.cluster_id} will not begin by itself.
        </Confirm>
      )}
    </>
  );
}

function CancelButton({ schedule, onClick }: { schedule: Schedule; onClick: () => void }) {
  return (
    <RoleButton needs={["DELETE", "/api/v1/schedules/{schedule_id}"]} size="small" danger aria-label={`Cancel ${schedule.id}`} onClick={onClick}>
      Cancel
    </RoleButton>
  );
}
