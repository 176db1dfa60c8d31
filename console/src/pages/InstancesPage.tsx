/** The registered servers. */
import { lazy, Suspense, useState } from "react";
import { Link } from "wouter";
import { useInstances } from "../api/queries";
import type { Instance } from "../api/schema";
import { Time } from "../format/Time";
import { DataTable, type Column } from "../parts/DataTable";
import { PageHead } from "../parts/PageHead";
import { RoleButton } from "../parts/RoleButton";
import { Section } from "../parts/Section";
import { Answered } from "../parts/States";
import { Status } from "../parts/Status";

const RegisterDialog = lazy(() => import("../instance/RegisterDialog"));

const COLUMNS: Column<Instance>[] = [
  { title: "Instance ID", render: (row) => <Link href={`/instances/${row.id}`}>{row.id}</Link>, sortBy: (row) => row.id },
  { title: "Name", render: (row) => row.description || "–", sortBy: (row) => row.description },
  { title: "Address", render: (row) => <code>{`${row.host}:${row.port}`}</code>, sortBy: (row) => row.host },
  { title: "Version", render: (row) => row.version, sortBy: (row) => row.version },
  { title: "Status", render: (row) => <Status word={row.status} />, sortBy: (row) => row.status },
  { title: "Registered", render: (row) => <Time at={row.created_at} />, sortBy: (row) => row.created_at },
];

export default function InstancesPage() {
  const instances = useInstances();
  const [open, setOpen] = useState(false);
  return (
    <>
      <PageHead title="Instances" actions={<RegisterButton onClick={() => setOpen(true)} />} />
      <Section title="Registered MySQL and MariaDB servers">
        <Answered query={instances} what="the instances">
          {(rows) => (
            <DataTable
              label="Instances"
              rows={rows}
              columns={COLUMNS}
              rowKey={(row) => row.id}
              empty="No server is registered. Register the one you want to upgrade; nothing on it changes by that."
            />
          )}
        </Answered>
      </Section>
      <Suspense>{open && <RegisterDialog onClose={() => setOpen(false)} />}</Suspense>
    </>
  );
}

function RegisterButton({ onClick }: { onClick: () => void }) {
  return (
    <RoleButton needs={["POST", "/api/v1/instances"]} type="primary" onClick={onClick}>
      Register instance
    </RoleButton>
  );
}
