/** Where it is not known who owns the writes: both sides beside each other, and a decision. */
import { useQuery } from "@tanstack/react-query";
import Alert from "antd/es/alert";
import { useState } from "react";
import { api, ask } from "../api/client";
import type { Resolution, SideProbe } from "../api/schema";
import { Time } from "../format/Time";
import { Dialog } from "../parts/Dialog";
import { Facts } from "../parts/Facts";
import { ProblemAlert } from "../parts/ProblemAlert";
import { Answered } from "../parts/States";
import { useAction } from "../parts/useAction";
import type { DialogProps } from "./Actions";
import { ConfirmName } from "./ConfirmName";

type Word = "source" | "cluster";

export default function ResolveDialog({ migration, onClose }: DialogProps) {
  const [chosen, setChosen] = useState<Word | null>(null);
  const [typed, setTyped] = useState("");
  const path = { cluster_id: migration.cluster_id };
  const resolution = useQuery({
    queryKey: ["resolution", path],
    queryFn: () => ask(api.GET("/api/v1/migrations/{cluster_id}/resolution", { params: { path } })),
  });
  const resolve = useAction(
    (writes_are_on: Word) =>
      ask(
        api.POST("/api/v1/migrations/{cluster_id}/resolve", { params: { path }, body: { writes_are_on } }),
      ),
    { onDone: onClose },
  );
  return (
    <Dialog
      title="Who owns the writes?"
      width={860}
      okText="Put the roles in order"
      okButtonProps={{ danger: true, disabled: !chosen || typed !== migration.cluster_id }}
      confirmLoading={resolve.isPending}
      onOk={() => chosen && resolve.mutate(chosen)}
      onCancel={onClose}
    >
      <Answered query={resolution} what="both sides: they are asked now">
        {(data) => <BothSides resolution={data} chosen={chosen} onChoice={setChosen} />}
      </Answered>
      <ConfirmName name={migration.cluster_id} value={typed} onChange={setTyped} />
      <ProblemAlert error={resolve.error} />
    </Dialog>
  );
}

interface BothSidesProps {
  resolution: Resolution;
  chosen: Word | null;
  onChoice: (word: Word) => void;
}

function BothSides({ resolution, chosen, onChoice }: BothSidesProps) {
  const advice = resolution.recommended
    ? `The ${resolution.recommended} should have the writes.`
    : "Only a person can know: look at the data.";
  return (
    <>
      <Alert
        className="problem"
        type="warning"
        showIcon
        title={resolution.reason}
        description={`${advice} ${resolution.because.join("; ")}`}
      />
      <div className="columns">
        {resolution.sides.map((side) => (
          <label key={side.word} className="choice">
            <input
              type="radio"
              name="side"
              checked={chosen === side.word}
              onChange={() => onChoice(side.word as Word)}
            />{" "}
            <strong>The {side.word} has the writes</strong>
            <Facts facts={factsOf(side)} />
          </label>
        ))}
      </div>
      <p>The side that is not chosen is closed; what only it has is not carried over.</p>
    </>
  );
}

function factsOf(side: SideProbe): [string, React.ReactNode][] {
  const writes = side.read_only === null ? "not known" : side.read_only ? "no" : "yes";
  return [
    ["Server", `${side.id} ${side.address}`],
    ["Answers", side.reachable ? "yes" : side.error],
    ["Takes writes", writes],
    ["Own log is at", side.position],
    ["Newest write", <Time at={side.last_write_at} />],
    ["Sessions", side.sessions.join(", ")],
    ["Endpoints", side.endpoints.join(", ")],
    ["Has applied", side.checkpoint_position],
  ];
}
