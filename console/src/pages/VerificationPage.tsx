/** Row by row, are both sides the same? The passes, and what they found to differ. */
import { useParams } from "wouter";
import { useVerifications } from "../api/queries";
import type { Verification } from "../api/schema";
import { Time } from "../format/Time";
import { count, duration } from "../format/numbers";
import { Bar } from "../parts/Bar";
import { ClusterHead } from "../parts/ClusterHead";
import { DataTable, type Column } from "../parts/DataTable";
import { Section } from "../parts/Section";
import { Answered } from "../parts/States";
import { Status } from "../parts/Status";
import { Differences } from "../verification/Differences";
import { VerifyButton } from "../verification/VerifyButton";

const share = (row: Verification) => (100 * row.rows_verified) / Math.max(row.rows_estimated, row.rows_verified, 1);

const COLUMNS: Column<Verification>[] = [
  { title: "Ordered", render: (row) => <Time at={row.ordered_at} />, sortBy: (row) => row.ordered_at },
  { title: "State", render: (row) => <State pass={row} />, sortBy: (row) => row.state },
  { title: "Tables", render: (row) => row.tables.join(", ") || "all" },
  { title: "Rows compared", render: (row) => count(row.rows_verified), sortBy: (row) => row.rows_verified, numeric: true },
  { title: "Rows/s", render: (row) => count(row.rows_per_second), sortBy: (row) => row.rows_per_second, numeric: true },
  { title: "Differences", render: (row) => count(row.differences), sortBy: (row) => row.differences, numeric: true },
  { title: "Repaired", render: (row) => count(row.repaired), sortBy: (row) => row.repaired, numeric: true },
  { title: "Took", render: (row) => duration(row.seconds), sortBy: (row) => row.seconds, numeric: true },
];

/** Where a pass stands, how far it is while it runs, and why it failed. */
function State({ pass }: { pass: Verification }) {
  return (
    <>
      <Status word={pass.state} />{" "}
      {pass.state === "running" && <Bar percent={share(pass)} label="Rows compared" />}
      {pass.problem && <div>{pass.problem}</div>}
    </>
  );
}

export default function VerificationPage() {
  const { id = "" } = useParams();
  const passes = useVerifications(id);
  return (
    <>
      <ClusterHead id={id} />
      <Section title="Passes" extra={<VerifyButton clusterId={id} />}>
        <Answered query={passes} what="the passes">
          {(rows) => (
            <DataTable
              label="Verification passes"
              rows={rows}
              columns={COLUMNS}
              rowKey={(row) => row.id}
              empty="No pass yet. The first begins by itself when everything is copied."
            />
          )}
        </Answered>
      </Section>
      <Differences clusterId={id} />
    </>
  );
}
