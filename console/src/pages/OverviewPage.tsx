/** Everything at a glance: what there is, what runs, what is planned, what needs a person. */
import { Link } from "wouter";
import { useMigrations, useOverview, useSchedules } from "../api/queries";
import type { Alert, Overview } from "../api/schema";
import { Time } from "../format/Time";
import { count } from "../format/numbers";
import { MigrationTable } from "../parts/MigrationTable";
import { PageHead } from "../parts/PageHead";
import { RoleLink } from "../parts/RoleButton";
import { Section } from "../parts/Section";
import { Answered, Empty } from "../parts/States";
import { Status } from "../parts/Status";
import { ScheduleTable } from "../schedule/ScheduleTable";

export default function OverviewPage() {
  const overview = useOverview();
  const migrations = useMigrations();
  return (
    <>
      <PageHead title="Overview" actions={<RoleLink needs={["POST", "/api/v1/migrations"]} href="/clusters/new">Create cluster</RoleLink>} />
      <Answered query={overview} what="the overview">
        {(data) => (
          <>
            <Figures overview={data} />
            <Section title="Alerts">
              <Alerts alerts={data.alerts} />
            </Section>
          </>
        )}
      </Answered>
      <Planned />
      <Section title="Migrations">
        <Answered query={migrations} what="the migrations">
          {(rows) => <MigrationTable migrations={rows.filter((row) => row.status !== "NO_MIGRATION")} />}
        </Answered>
      </Section>
    </>
  );
}

/** What will begin by itself; nothing where nothing will. */
function Planned() {
  const { data = [] } = useSchedules();
  const waiting = data.filter((one) => one.state === "waiting");
  if (waiting.length === 0) return null;
  return (
    <Section title="Planned" extra={<Link href="/schedules">All schedules</Link>}>
      <ScheduleTable schedules={waiting} />
    </Section>
  );
}

function Figures({ overview }: { overview: Overview }) {
  return (
    <div className="figures">
      <Figure title="Instances" value={overview.instances} to="/instances" />
      <Figure title="Clusters" value={overview.clusters} to="/clusters" />
      <Figure title="Endpoints" value={overview.endpoints} to="/clusters" />
      <Figure title="Migrations under way" value={overview.migrations_open} to="/clusters" />
      <Figure title="Operations running" value={overview.operations_under_way} to="/clusters" />
      <Figure title="Sync tasks stopped" value={overview.tasks_failed} to="/tasks" />
    </div>
  );
}

function Figure({ title, value, to }: { title: string; value: number; to: string }) {
  return (
    <Link className="figure" href={to}>
      <div className="faint">{title}</div>
      <div className="big">{count(value)}</div>
    </Link>
  );
}

const TONES = { error: "bad", warning: "warning", note: "busy" } as const;

function Alerts({ alerts }: { alerts: Alert[] }) {
  if (alerts.length === 0) return <Empty>Nothing needs you.</Empty>;
  return (
    <div>
      {alerts.map((alert) => (
        <AlertLine key={`${alert.kind} ${alert.object} ${alert.sentence}`} alert={alert} />
      ))}
    </div>
  );
}

function AlertLine({ alert }: { alert: Alert }) {
  const tone = TONES[alert.severity as keyof typeof TONES] ?? "idle";
  return (
    <div className="alert-line">
      <Status word={alert.severity} tone={tone} />
      <div>
        {alert.cluster_id && <Link href={`/clusters/${alert.cluster_id}`}>{alert.cluster_id}</Link>}{" "}
        {alert.sentence} <Whereabouts alert={alert} />
        <div className="faint">{alert.remedy}</div>
      </div>
      <span className="faint">
        <Time at={alert.at} />
      </span>
    </div>
  );
}

/** Where one sees more of it, by the kind of thing it is about. */
function Whereabouts({ alert }: { alert: Alert }) {
  const [kind] = /^[a-z]+/.exec(alert.object) ?? [""];
  const pages: Record<string, [string, string]> = {
    dts: ["Sync task", `/tasks/${alert.object}`],
    sc: ["Schedules", "/schedules"],
    pi: ["Nodes", `/clusters/${alert.cluster_id}/nodes`],
  };
  const page = pages[kind ?? ""];
  return page ? <Link href={page[1]}>{page[0]}</Link> : null;
}
