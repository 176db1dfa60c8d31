/** What clusters have used, for charge-back: hours of their nodes and of the storage they fill. */
import { useQuery } from "@tanstack/react-query";
import Button from "antd/es/button";
import Input from "antd/es/input";
import { useState } from "react";
import { Link } from "wouter";
import { api, ask } from "../api/client";
import { useClusters } from "../api/queries";
import type { Usage } from "../api/schema";
import { DataTable, type Column } from "../parts/DataTable";
import { Facts } from "../parts/Facts";
import { PageHead } from "../parts/PageHead";
import { Section } from "../parts/Section";
import { Answered } from "../parts/States";
import { asCsv, download } from "../usage/csv";
import { endOf, lastMonth, startOf, thisMonth, type Period } from "../usage/period";

const hours = new Intl.NumberFormat("en", { minimumFractionDigits: 2, maximumFractionDigits: 2 });

export default function UsagePage() {
  const [period, setPeriod] = useState<Period>(thisMonth);
  const query = { from: startOf(period.first), to: endOf(period.last) };
  const usage = useQuery({
    queryKey: ["usage", query],
    queryFn: () => ask(api.GET("/api/v1/usage", { params: { query } })),
    enabled: query.from !== "" && query.to !== "",
  });
  const name = `usage-${period.first}-to-${period.last}.csv`;
  return (
    <>
      <PageHead title="Usage" />
      <Section
        title="Hours of nodes and storage"
        extra={
          <Button disabled={!usage.data?.length} onClick={() => download(name, asCsv(usage.data ?? []))}>
            Download CSV
          </Button>
        }
      >
        <PeriodForm period={period} onChange={setPeriod} />
        <Answered query={usage} what="the usage">
          {(rows) => <Used rows={rows} />}
        </Answered>
      </Section>
    </>
  );
}

interface PeriodFormProps {
  period: Period;
  onChange: (period: Period) => void;
}

function PeriodForm({ period, onChange }: PeriodFormProps) {
  return (
    <div className="toolbar">
      <label className="field">
        From
        <Input type="date" value={period.first} max={period.last} onChange={(event) => onChange({ ...period, first: event.target.value })} />
      </label>
      <label className="field">
        to and with
        <Input type="date" value={period.last} min={period.first} onChange={(event) => onChange({ ...period, last: event.target.value })} />
      </label>
      <Button onClick={() => onChange(thisMonth())}>This month</Button>
      <Button onClick={() => onChange(lastMonth())}>Last month</Button>
      <span className="faint">Days in your zone; a node counts from when it runs until it is deleted.</span>
    </div>
  );
}

function Used({ rows }: { rows: Usage[] }) {
  const { data: clusters = [] } = useClusters();
  const isThere = (row: Usage) => clusters.some((one) => one.id === row.cluster_id);
  const columns: Column<Usage>[] = [
    {
      title: "Cluster",
      render: (row) => (isThere(row) ? <Link href={`/clusters/${row.cluster_id}`}>{row.cluster_id}</Link> : `${row.cluster_id} (deleted)`),
      sortBy: (row) => row.cluster_id,
    },
    { title: "Node class", render: (row) => row.node_class, sortBy: (row) => row.node_class },
    { title: "Billing method", render: (row) => row.pay_type, sortBy: (row) => row.pay_type },
    { title: "Nodes", render: (row) => `${hours.format(row.node_hours)} h`, sortBy: (row) => row.node_hours, numeric: true },
    { title: "Storage", render: (row) => `${hours.format(row.storage_gb_hours)} GB·h`, sortBy: (row) => row.storage_gb_hours, numeric: true },
    { title: "Storage not measured", render: (row) => `${hours.format(row.assumed_node_hours)} h`, sortBy: (row) => row.assumed_node_hours, numeric: true },
  ];
  const total = (figure: (row: Usage) => number) => hours.format(rows.reduce((sum, row) => sum + figure(row), 0));
  return (
    <>
      {rows.length > 0 && (
        <div className="dialog-part">
          <Facts
            facts={[
              ["Nodes, all together", `${total((row) => row.node_hours)} h`],
              ["Storage, all together", `${total((row) => row.storage_gb_hours)} GB·h`],
            ]}
          />
        </div>
      )}
      <DataTable label="Usage" rows={rows} columns={columns} rowKey={(row) => `${row.cluster_id} ${row.node_class} ${row.pay_type}`} empty="Nothing was used in this time." />
    </>
  );
}
