/** The server itself, its users, its API tokens, its hooks and its hosts. */
import { useQuery } from "@tanstack/react-query";
import { api, ask } from "../api/client";
import { useMissingRole } from "../api/roles";
import type { ServerSettings } from "../api/schema";
import { Time } from "../format/Time";
import { bytes } from "../format/numbers";
import { DataTable } from "../parts/DataTable";
import { Facts } from "../parts/Facts";
import { PageHead } from "../parts/PageHead";
import { Section } from "../parts/Section";
import { Answered, Empty } from "../parts/States";
import { Hooks } from "../settings/Hooks";
import { Hosts } from "../settings/Hosts";
import { Tokens } from "../settings/Tokens";
import { Users } from "../settings/Users";

export default function SettingsPage() {
  const missing = useMissingRole(["GET", "/api/v1/settings"]);
  return (
    <>
      <PageHead title="Settings" />
      {missing ? <Empty>These pages are for those with the role {missing}.</Empty> : <ForAdmins />}
    </>
  );
}

function ForAdmins() {
  const settings = useQuery({ queryKey: ["settings"], queryFn: () => ask(api.GET("/api/v1/settings")) });
  return (
    <>
      <Users />
      <Tokens />
      <Hooks />
      <Hosts />
      <Answered query={settings} what="the settings">
        {(data) => <Server settings={data} />}
      </Answered>
    </>
  );
}

function Server({ settings }: { settings: ServerSettings }) {
  return (
    <>
      <Section title="Server">
        <Facts
          facts={[
            ["Version", settings.version],
            ["Address", <code>{settings.url}</code>],
            ["Home", <code>{settings.home}</code>],
            ["Server versions in", <code>{settings.servers}</code>],
            ["Python", settings.python],
            ["Running since", <Time at={settings.started_at} />],
            ["Database", bytes(settings.database_bytes)],
          ]}
        />
      </Section>
      <Section title="Limits">
        <DataTable
          label="Limits"
          rows={settings.limits}
          columns={[
            { title: "Limit", render: (row) => row.name.replaceAll("_", " ") },
            { title: "Value", render: (row) => `${row.value} ${row.unit}`, numeric: true },
            { title: "What it is", render: (row) => row.text },
          ]}
          rowKey={(row) => row.name}
          empty="There are none."
        />
      </Section>
    </>
  );
}
