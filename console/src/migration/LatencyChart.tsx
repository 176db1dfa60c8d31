import { useSamples } from "../api/queries";
import type { Migration } from "../api/schema";
import { duration } from "../format/numbers";
import { Chart } from "../parts/Chart";
import { Section } from "../parts/Section";
import { Answered, Empty } from "../parts/States";

/** The replication latency of the last hour, as it is measured. */
export function LatencyChart({ migration }: { migration: Migration }) {
  const samples = useSamples(migration.task_id);
  return (
    <Section title="Replication latency, last hour">
      <Answered query={samples} what="the latency">
        {(rows) => {
          if (rows.length === 0) return <Empty>Nothing was measured in the last hour.</Empty>;
          const points = rows.map((row): [number, number | null] => [Date.parse(row.at), row.lag_seconds]);
          return <Chart label="Replication latency" lines={[{ name: "Latency", points }]} format={duration} />;
        }}
      </Answered>
    </Section>
  );
}
