/** Who may come in at an endpoint. It holds at once, for sessions under way too. */
import Alert from "antd/es/alert";
import Input from "antd/es/input";
import { useId, useState } from "react";
import { api, ask } from "../api/client";
import type { Endpoint } from "../api/schema";
import { Dialog } from "../parts/Dialog";
import { ProblemAlert } from "../parts/ProblemAlert";
import { useAction } from "../parts/useAction";
import { fromLines, toLines } from "./networks";
import { nameOf } from "./words";

export default function WhitelistDialog({ endpoint, onClose }: { endpoint: Endpoint; onClose: () => void }) {
  const id = useId();
  const before = endpoint.allowed_networks;
  const [text, setText] = useState(toLines(before));
  const networks = fromLines(text);
  const added = networks.filter((each) => !before.includes(each));
  const removed = before.filter((each) => !networks.includes(each));
  const save = useAction(
    () =>
      ask(
        api.PATCH("/api/v1/endpoints/{endpoint_id}", {
          params: { path: { endpoint_id: endpoint.id } },
          body: { allowed_networks: networks },
        }),
      ),
    { onDone: onClose },
  );
  return (
    <Dialog
      title={`Whitelist of ${nameOf(endpoint)}`}
      okText="Save whitelist"
      okButtonProps={{ danger: removed.length > 0, disabled: added.length + removed.length === 0 }}
      confirmLoading={save.isPending}
      onOk={() => save.mutate(undefined)}
      onCancel={onClose}
    >
      <div className="dialog-part">
        <label htmlFor={id}>Networks that may come in, one a line</label>
        <Input.TextArea id={id} rows={6} value={text} onChange={(event) => setText(event.target.value)} autoFocus />
        <div className="faint">Such as 10.0.0.0/8, 192.168.1.7 or fd00::/8.</div>
      </div>
      {networks.length === 0 && <Alert className="problem" type="error" showIcon title="An empty whitelist lets nobody in." />}
      {removed.length > 0 && (
        <Alert
          className="problem"
          type="warning"
          showIcon
          title="Sessions of clients that the list no longer names are cut at once."
          description={`No longer named: ${removed.join(", ")}`}
        />
      )}
      {added.length > 0 && <p className="dialog-part">New: {added.join(", ")}</p>}
      <ProblemAlert error={save.error} />
    </Dialog>
  );
}
