/** Everything that is to begin by itself, and what became of it. */
import { PageHead } from "../parts/PageHead";
import { ScheduleSection } from "../schedule/ScheduleSection";

export default function SchedulesPage() {
  return (
    <>
      <PageHead title="Schedules" />
      <ScheduleSection title="Operations that begin by themselves" isShown={() => true} />
    </>
  );
}
