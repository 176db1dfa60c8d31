/** The endpoints of an instance or a cluster, and what may be done with each now. */
import { lazy, Suspense, useState } from "react";
import Alert from "antd/es/alert";
import { useEndpointActions, useEndpoints } from "../api/queries";
import type { Endpoint, EndpointActions, Migration } from "../api/schema";
import { Copy } from "../parts/Copy";
import { DataTable, type Column } from "../parts/DataTable";
import { RoleButton } from "../parts/RoleButton";
import { Section } from "../parts/Section";
import { Answered } from "../parts/States";
import { Status } from "../parts/Status";
import { LeadsTo } from "./LeadsTo";
import { inShort } from "./networks";
import { useOpenMigration, usePlaces, type Places } from "./places";
import { addressOf, MODES, nameOf, reasonOf } from "./words";

const CreateDialog = lazy(() => import("./CreateDialog"));
const AlterDialog = lazy(() => import("./AlterDialog"));
const WhitelistDialog = lazy(() => import("./WhitelistDialog"));
const DeleteDialog = lazy(() => import("./DeleteDialog"));

type Doing = "create" | "alter" | "whitelist" | "delete";

/** Why an action would be refused now; empty where it would not. */
type Refusal = (action: string, endpointId?: string) => string;

function refusalsOf(known: EndpointActions[]): Refusal {
  return (action, endpointId = "") => {
    const actions = known.find((one) => one.endpoint_id === endpointId)?.actions ?? [];
    return reasonOf(actions.find((one) => one.action === action)?.refusals ?? []);
  };
}

export function EndpointSection({ ownerId }: { ownerId: string }) {
  const endpoints = useEndpoints();
  const { data: actions = [] } = useEndpointActions(ownerId);
  const [doing, setDoing] = useState<[Doing, Endpoint | null] | null>(null);
  const migration = useOpenMigration(ownerId);
  const places = usePlaces();
  const refusal = refusalsOf(actions);
  const columns = [
    ...columnsOf(places, migration),
    buttonsOf(refusal, (what, one) => setDoing([what, one])),
  ];
  return (
    <Section title="Endpoints" extra={<CreateButton refused={refusal("create")} onClick={() => setDoing(["create", null])} />}>
      {refusal("create") && <Alert className="problem" type="info" showIcon title={refusal("create")} />}
      <Answered query={endpoints} what="the endpoints">
        {(all) => (
          <DataTable
            label="Endpoints"
            rows={all.filter((one) => one.owner_id === ownerId)}
            columns={columns}
            rowKey={(row) => row.id}
            empty="There are no endpoints: applications have no address here yet."
          />
        )}
      </Answered>
      <Suspense>
        {doing && <Dialog doing={doing} ownerId={ownerId} refusal={refusal} onClose={() => setDoing(null)} />}
      </Suspense>
    </Section>
  );
}

function CreateButton({ refused, onClick }: { refused: string; onClick: () => void }) {
  return (
    <RoleButton needs={["POST", "/api/v1/endpoints"]} refused={refused} type="primary" onClick={onClick}>
      Create endpoint
    </RoleButton>
  );
}

function columnsOf(places: Places, migration: Migration | undefined): Column<Endpoint>[] {
  return [
    { title: "Endpoint", render: (row) => <Name endpoint={row} />, sortBy: nameOf },
    { title: "Type", render: (row) => <TwoLines first={row.type} second={MODES[row.read_write_mode] ?? row.read_write_mode} />, sortBy: (row) => row.type },
    { title: "Network", render: (row) => <TwoLines first={row.net_type} second={row.ssl_enabled ? "TLS" : "no TLS"} />, sortBy: (row) => row.net_type },
    { title: "Leads to", render: (row) => <LeadsTo endpoint={row} migration={migration} places={places} /> },
    { title: "Lets in", render: (row) => <span title={row.allowed_networks.join("\n")}>{inShort(row.allowed_networks)}</span> },
    { title: "State", render: (row) => <Status word={row.state} />, sortBy: (row) => row.state },
  ];
}

/** What it is called, and the address that applications use. */
function Name({ endpoint }: { endpoint: Endpoint }) {
  const address = addressOf(endpoint);
  return (
    <>
      <span className="id">{nameOf(endpoint)}</span>
      <div className="address">
        <code>{address}</code>
        <Copy text={address} />
      </div>
      {endpoint.part_of && <div className="faint">for reads, of {endpoint.part_of}</div>}
    </>
  );
}

function TwoLines({ first, second }: { first: string; second: string }) {
  return (
    <>
      <span className="id">{first}</span>
      <div className="faint id">{second}</div>
    </>
  );
}

const ALTER = ["PATCH", "/api/v1/endpoints/{endpoint_id}"] as const;
const DELETE = ["DELETE", "/api/v1/endpoints/{endpoint_id}"] as const;

function buttonsOf(refusal: Refusal, onChoice: (what: Doing, endpoint: Endpoint) => void): Column<Endpoint> {
  return {
    title: "Change",
    render: (row) => {
      const name = nameOf(row);
      return (
        <span className="actions">
          <RoleButton needs={[...ALTER]} refused={refusal("alter", row.id)} size="small" aria-label={`Alter ${name}`} onClick={() => onChoice("alter", row)}>
            Alter
          </RoleButton>
          <RoleButton needs={[...ALTER]} refused={refusal("alter", row.id)} size="small" aria-label={`Whitelist of ${name}`} onClick={() => onChoice("whitelist", row)}>
            Whitelist
          </RoleButton>
          <RoleButton needs={[...DELETE]} refused={refusal("delete", row.id)} size="small" danger aria-label={`Delete ${name}`} onClick={() => onChoice("delete", row)}>
            Delete
          </RoleButton>
        </span>
      );
    },
  };
}

interface DialogProps {
  doing: [Doing, Endpoint | null];
  ownerId: string;
  refusal: Refusal;
  onClose: () => void;
}

function Dialog({ doing: [what, endpoint], ownerId, refusal, onClose }: DialogProps) {
  if (!endpoint) return <CreateDialog ownerId={ownerId} onClose={onClose} />;
  if (what === "whitelist") return <WhitelistDialog endpoint={endpoint} onClose={onClose} />;
  if (what === "delete") return <DeleteDialog endpoint={endpoint} onClose={onClose} />;
  return <AlterDialog endpoint={endpoint} fixed={refusal("route", endpoint.id)} onClose={onClose} />;
}
