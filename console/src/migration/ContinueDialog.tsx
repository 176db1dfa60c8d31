/** After a failed precheck: go on, with the cause removed or accepted. */
import { useQuery } from "@tanstack/react-query";
import Checkbox from "antd/es/checkbox";
import { useState } from "react";
import { api, ask } from "../api/client";
import type { Evaluation } from "../api/schema";
import { useCluster } from "../api/queries";
import { Findings } from "../evaluation/Findings";
import { Dialog } from "../parts/Dialog";
import { ProblemAlert } from "../parts/ProblemAlert";
import { Answered } from "../parts/States";
import { useAction } from "../parts/useAction";
import type { DialogProps } from "./Actions";

export default function ContinueDialog({ migration, onClose }: DialogProps) {
  const [ignored, setIgnored] = useState<string[]>([]);
  const cluster = useCluster(migration.cluster_id);
  const version = cluster.data?.version ?? "";
  const instance_id = migration.instance_id;
  const evaluation = useQuery({
    queryKey: ["precheck", instance_id, version],
    queryFn: () =>
      ask(
        api.POST("/api/v1/instances/{instance_id}/evaluations", {
          params: { path: { instance_id } },
          body: { target_version: version, sample_seconds: 0 },
        }),
      ),
    enabled: version !== "",
    staleTime: 0,
  });
  const go = useAction(
    () =>
      ask(
        api.POST("/api/v1/migrations/{cluster_id}/continue", {
          params: { path: { cluster_id: migration.cluster_id } },
          body: { ignore: ignored },
        }),
      ),
    { onDone: onClose },
  );
  return (
    <Dialog
      title="Continue Migration"
      width={760}
      okText="Continue Migration"
      confirmLoading={go.isPending}
      onOk={() => go.mutate(undefined)}
      onCancel={onClose}
    >
      <p className="dialog-part">Why it stopped: {migration.comment}</p>
      <Answered query={evaluation} what="the prechecks: the source is asked again">
        {(report) => (
          <>
            <Ignorable report={report} value={ignored} onChange={setIgnored} />
            <Findings
              instanceId={instance_id}
              findings={report.findings}
              onFixed={() => void evaluation.refetch()}
            />
          </>
        )}
      </Answered>
      <ProblemAlert error={go.error} />
    </Dialog>
  );
}

interface IgnorableProps {
  report: Evaluation;
  value: string[];
  onChange: (value: string[]) => void;
}

function Ignorable({ report, value, onChange }: IgnorableProps) {
  const errors = report.findings.filter((one) => one.severity === "error" && one.ignorable);
  const names = [...new Set(errors.map((one) => one.check))];
  if (names.length === 0) return null;
  return (
    <div className="dialog-part">
      <h3>Accept what these prechecks found</h3>
      <Checkbox.Group options={names} value={value} onChange={onChange} />
    </div>
  );
}
