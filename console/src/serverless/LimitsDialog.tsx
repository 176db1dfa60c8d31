/** Other limits for a cluster that follows its load. */
import Form from "antd/es/form";
import { useState } from "react";
import { api, ask } from "../api/client";
import { useChoices } from "../api/queries";
import type { Serverless, ServerlessState } from "../api/schema";
import { Dialog } from "../parts/Dialog";
import { ProblemAlert } from "../parts/ProblemAlert";
import { Answered } from "../parts/States";
import { useAction } from "../parts/useAction";
import { LimitFields } from "./LimitFields";

export default function LimitsDialog({ state, onClose }: { state: ServerlessState; onClose: () => void }) {
  const [limits, setLimits] = useState(state.limits);
  const choices = useChoices();
  const change = useAction(
    (body: Serverless) => {
      const params = { path: { cluster_id: state.cluster_id } };
      return ask(api.PATCH("/api/v1/clusters/{cluster_id}/serverless", { params, body }));
    },
    { onDone: onClose },
  );
  return (
    <Dialog title="Change limits" okText="Change limits" width={720} confirmLoading={change.isPending} onOk={() => change.mutate(limits)} onCancel={onClose}>
      <p className="dialog-part">A cluster outside of its new limits is brought inside them next. Memory changes while a node runs; nobody is disconnected.</p>
      <Answered query={choices} what="the node classes">
        {(data) => (
          <Form layout="vertical" component="div">
            <LimitFields limits={limits} choices={data} onChange={setLimits} />
          </Form>
        )}
      </Answered>
      <ProblemAlert error={change.error} />
    </Dialog>
  );
}
