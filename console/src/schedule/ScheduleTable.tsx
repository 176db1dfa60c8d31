/** Operations that begin by themselves, those that wait first. */
import { useState } from "react";
import { Link } from "wouter";
import { api, ask } from "../api/client";
import type { Schedule } from "../api/schema";
import { Time } from "../format/Time";
import { counted } from "../format/numbers";
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
  { title: "Window", render: (row) => <Window schedule={row} />, sortBy: (row) => row.starts_at },
  { title: "State", render: (row) => <State schedule={row} />, sortBy: (row) => row.state },
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

/** From when it is tried until it is given up. */
function Window({ schedule }: { schedule: Schedule }) {
  return (
    <>
      <Time at={schedule.starts_at} />
      <div className="faint">
        to <Time at={schedule.ends_at} />
      </div>
    </>
  );
}

function State({ schedule }: { schedule: Schedule }) {
  return (
    <>
      <Status word={schedule.state} />
      <div className="faint">{schedule.tries > 0 && counted(schedule.tries, "try", "tries")}</div>
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
