/** Put right what a precheck found: the SQL is shown first, and the next report says what was run. */
import { useQuery } from "@tanstack/react-query";
import Button from "antd/es/button";
import { useState } from "react";
import { api, ask } from "../api/client";
import type { Evaluation } from "../api/schema";
import { Dialog } from "../parts/Dialog";
import { ProblemAlert } from "../parts/ProblemAlert";
import { RoleButton } from "../parts/RoleButton";
import { Answered, Empty } from "../parts/States";
import { useAction } from "../parts/useAction";

export interface FixProps {
  instanceId: string;
  check: string;
  onFixed: (report: Evaluation) => void;
}

export function FixButton(props: FixProps) {
  const [isOpen, setOpen] = useState(false);
  return (
    <>
      <RoleButton
        needs={["POST", "/api/v1/instances/{instance_id}/fixes"]}
        size="small"
        onClick={() => setOpen(true)}
      >
        Fix it
      </RoleButton>
      {isOpen && <FixDialog {...props} onClose={() => setOpen(false)} />}
    </>
  );
}

function FixDialog({ instanceId, check, onFixed, onClose }: FixProps & { onClose: () => void }) {
  const path = { instance_id: instanceId };
  const planned = useQuery({
    queryKey: ["fixes", instanceId, check],
    queryFn: () =>
      ask(api.GET("/api/v1/instances/{instance_id}/fixes", { params: { path, query: { check } } })),
    staleTime: 0,
  });
  const fix = useAction(
    () => ask(api.POST("/api/v1/instances/{instance_id}/fixes", { params: { path }, body: { check } })),
    {
      onDone: (report) => {
        onClose();
        onFixed(report);
      },
    },
  );
  return (
    <Dialog
      title={`Fix ${check} on ${instanceId}`}
      onCancel={onClose}
      footer={[
        <Button key="close" onClick={onClose}>
          Close
        </Button>,
        <Button
          key="run"
          type="primary"
          loading={fix.isPending}
          disabled={!planned.data?.length}
          onClick={() => fix.mutate(undefined)}
        >
          Run it on the source
        </Button>,
      ]}
    >
      <Answered query={planned} what="what would be run">
        {(findings) =>
          findings.length === 0 ? (
            <Empty>There is nothing left to put right.</Empty>
          ) : (
            <div className="finding">
              <pre>{findings.map((finding) => finding.fix).join("\n")}</pre>
            </div>
          )
        }
      </Answered>
      <ProblemAlert error={fix.error} />
    </Dialog>
  );
}
