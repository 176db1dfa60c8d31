/** Schedules in a card: of one cluster, or of all. */
import { lazy, Suspense, useState } from "react";
import { useSchedules } from "../api/queries";
import type { Schedule } from "../api/schema";
import { RoleButton } from "../parts/RoleButton";
import { Section } from "../parts/Section";
import { Answered } from "../parts/States";
import { ScheduleTable } from "./ScheduleTable";

const ScheduleDialog = lazy(() => import("./ScheduleDialog"));

interface ScheduleSectionProps {
  title: string;
  clusterId?: string;
  isShown: (schedule: Schedule) => boolean;
}

export function ScheduleSection({ title, clusterId, isShown }: ScheduleSectionProps) {
  const schedules = useSchedules();
  const [adding, setAdding] = useState(false);
  const button = (
    <RoleButton needs={["POST", "/api/v1/schedules"]} onClick={() => setAdding(true)}>
      Schedule an operation
    </RoleButton>
  );
  return (
    <Section title={title} extra={button}>
      <Answered query={schedules} what="the schedules">
        {(rows) => <ScheduleTable schedules={rows.filter(isShown)} />}
      </Answered>
      <Suspense>{adding && <ScheduleDialog clusterId={clusterId} onClose={() => setAdding(false)} />}</Suspense>
    </Section>
  );
}
