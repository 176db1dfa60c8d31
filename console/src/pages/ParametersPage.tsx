/** Parameters that are not the same on both sides, and those that were carried. */
import { useQuery } from "@tanstack/react-query";
import Checkbox from "antd/es/checkbox";
import Input from "antd/es/input";
import { useState } from "react";
import { useParams } from "wouter";
import { api, ask } from "../api/client";
import type { InheritedParameter } from "../api/schema";
import { ClusterHead } from "../parts/ClusterHead";
import { DataTable, type Column } from "../parts/DataTable";
import { Section } from "../parts/Section";
import { Answered } from "../parts/States";

const COLUMNS: Column<InheritedParameter>[] = [
  { title: "Parameter", render: (row) => <code>{row.name}</code>, sortBy: (row) => row.name },
  { title: "Source", render: (row) => <Value text={row.source_value} />, sortBy: (row) => row.source_value },
  { title: "Cluster", render: (row) => <Value text={row.cluster_value} />, sortBy: (row) => row.cluster_value },
  { title: "How", render: (row) => row.how, sortBy: (row) => row.how },
  { title: "Why", render: (row) => row.why || "–" },
];

function Value({ text }: { text: string }) {
  return <span className="breakable">{text || "–"}</span>;
}

export default function ParametersPage() {
  const { id = "" } = useParams();
  const [search, setSearch] = useState("");
  const [onlyDifferent, setOnlyDifferent] = useState(false);
  const isShown = (row: InheritedParameter) =>
    row.name.includes(search) && !(onlyDifferent && row.source_value === row.cluster_value);
  const parameters = useQuery({
    queryKey: ["parameters", id],
    queryFn: () => ask(api.GET("/api/v1/clusters/{cluster_id}/parameters", { params: { path: { cluster_id: id } } })),
  });
  return (
    <>
      <ClusterHead id={id} />
      <Section title="Parameters of both sides">
        <div className="toolbar">
          <Input aria-label="Filter by name" placeholder="Filter by name" allowClear value={search} onChange={(event) => setSearch(event.target.value)} />
          <Checkbox checked={onlyDifferent} onChange={(event) => setOnlyDifferent(event.target.checked)}>
            Only what is not alike
          </Checkbox>
        </div>
        <Answered query={parameters} what="the parameters: both servers are asked">
          {(rows) => (
            <DataTable
              label="Parameters"
              rows={rows.filter(isShown)}
              columns={COLUMNS}
              rowKey={(row) => row.name}
              empty="No parameter has such a name."
            />
          )}
        </Answered>
      </Section>
    </>
  );
}
