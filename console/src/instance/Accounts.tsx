/** How each account would reach a cluster of some version, and what can be done where it could not. */
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { api, ask } from "../api/client";
import { useChoices } from "../api/queries";
import type { Need } from "../api/roles";
import type { AccountPlan } from "../api/schema";
import { DataTable, type Column } from "../parts/DataTable";
import { ProblemAlert } from "../parts/ProblemAlert";
import { RoleButton } from "../parts/RoleButton";
import { Answered } from "../parts/States";
import { Status } from "../parts/Status";
import { useAction } from "../parts/useAction";
import { newestOf, VersionSelect } from "../parts/VersionSelect";
import PasswordDialog from "./PasswordDialog";

export function Accounts({ instanceId }: { instanceId: string }) {
  const [chosen, setVersion] = useState("");
  const { data: choices } = useChoices();
  const version = chosen || newestOf(choices?.engines ?? []);
  const accounts = useQuery({
    queryKey: ["accounts", instanceId, version],
    queryFn: () =>
      ask(
        api.GET("/api/v1/instances/{instance_id}/accounts", {
          params: { path: { instance_id: instanceId }, query: { target_version: version } },
        }),
      ),
    enabled: version !== "",
  });
  return (
    <>
      <div className="toolbar">
        <VersionSelect value={version} onChange={setVersion} />
      </div>
      <Answered query={accounts} what="the accounts: the server is asked">
        {(rows) => <AccountTable instanceId={instanceId} rows={rows} />}
      </Answered>
    </>
  );
}

const SUPPLY: Need = ["POST", "/api/v1/instances/{instance_id}/accounts/set-password"];
const LEAVE_OUT: Need = ["POST", "/api/v1/instances/{instance_id}/accounts/leave-out"];
const TONES = { carried: "good", "password supplied": "good", "left out": "idle", undecided: "bad" } as const;

const COLUMNS: Column<AccountPlan>[] = [
  { title: "Account", render: (row) => <code>{row.account}</code>, sortBy: (row) => row.account },
  { title: "Password plugin", render: (row) => row.plugin, sortBy: (row) => row.plugin },
  {
    title: "How it reaches the cluster",
    render: (row) => <How account={row} />,
    sortBy: (row) => row.how,
  },
];

function How({ account }: { account: AccountPlan }) {
  return (
    <>
      <Status word={account.how} tone={TONES[account.how as keyof typeof TONES] ?? "warning"} />
      <div className="faint">{account.reason}</div>
    </>
  );
}

/** The server's own accounts stay where they are; the others may be decided about. */
function isDecidable(row: AccountPlan): boolean {
  return row.how !== "carried" && !/^'(mysql|mariadb)\./.test(row.account);
}

function AccountTable({ instanceId, rows }: { instanceId: string; rows: AccountPlan[] }) {
  const [supplying, setSupplying] = useState("");
  const leaveOut = useAction((account: string) =>
    ask(
      api.POST("/api/v1/instances/{instance_id}/accounts/leave-out", {
        params: { path: { instance_id: instanceId } },
        body: { account },
      }),
    ),
  );
  const actions: Column<AccountPlan> = {
    title: "Decide",
    render: (row) =>
      isDecidable(row) && (
        <span className="actions">
          <RoleButton needs={SUPPLY} size="small" onClick={() => setSupplying(row.account)}>
            Supply password
          </RoleButton>
          <RoleButton needs={LEAVE_OUT} size="small" onClick={() => leaveOut.mutate(row.account)}>
            Leave out
          </RoleButton>
        </span>
      ),
  };
  return (
    <>
      <ProblemAlert error={leaveOut.error} />
      <DataTable
        label="Accounts"
        rows={rows}
        columns={[...COLUMNS, actions]}
        rowKey={(row) => row.account}
        empty="The server has no accounts besides its own."
      />
      {supplying && (
        <PasswordDialog instanceId={instanceId} account={supplying} onClose={() => setSupplying("")} />
      )}
    </>
  );
}
