/** How one reader is moved: how far it has read, where it goes on, and that it was done. */
import { useQuery } from "@tanstack/react-query";
import Input from "antd/es/input";
import Button from "antd/es/button";
import { useId, useState } from "react";
import { api, ask } from "../api/client";
import type { LogReader, LogReaders, Migration, PositionPair } from "../api/schema";
import { Time } from "../format/Time";
import { Copy } from "../parts/Copy";
import { ProblemAlert } from "../parts/ProblemAlert";
import { RoleButton } from "../parts/RoleButton";
import { useAction } from "../parts/useAction";

interface MoveReaderProps {
  reader: LogReader;
  found: LogReaders;
  migration: Migration;
}

type Side = "source" | "cluster";

export function MoveReader({ reader, found, migration }: MoveReaderProps) {
  const id = useId();
  const [typed, setTyped] = useState("");
  const [at, setAt] = useState("");
  const path = { cluster_id: migration.cluster_id };
  const from: Side = found.belong_to === "cluster" ? "source" : "cluster";
  const pair = useQuery({
    queryKey: ["pair", path, at, from],
    queryFn: () =>
      ask(api.GET("/api/v1/migrations/{cluster_id}/positions", { params: { path, query: { at, of: from } } })),
    enabled: at !== "",
    staleTime: Infinity,
  });
  const move = useAction(() =>
    ask(
      api.POST("/api/v1/migrations/{cluster_id}/readers/move", {
        params: { path },
        body: { name: reader.name, at: at || null },
      }),
    ),
  );
  const shown = at ? pair.data?.[0] : (found.newest ?? undefined);
  return (
    <ol className="moves">
      <li>Let it read the {from}'s log to its end, then stop it.</li>
      <li>
        <label htmlFor={id}>How far has it read? FILE:OFFSET, or its GTIDs.</label>
        <form
          className="toolbar"
          onSubmit={(event) => {
            event.preventDefault();
            setAt(typed.trim());
          }}
        >
          <Input id={id} value={typed} placeholder={shown ? here(shown, from) : "mysql-bin.000003:1234"} onChange={(event) => setTyped(event.target.value)} />
          <Button htmlType="submit" loading={pair.isFetching}>
            Find the pair
          </Button>
        </form>
        <ProblemAlert error={pair.error} />
      </li>
      <li>
        Point it at the {found.belong_to}:{" "}
        {shown ? <Pair pair={shown} side={found.belong_to} chosen={at !== ""} /> : <span className="faint">no pair of positions is known yet</span>}
      </li>
      <li>
        <RoleButton needs={["POST", "/api/v1/migrations/{cluster_id}/readers/move"]} loading={move.isPending} onClick={() => move.mutate(undefined)}>
          Mark as moved
        </RoleButton>
        <ProblemAlert error={move.error} />
      </li>
    </ol>
  );
}

function here(pair: PositionPair, side: string): string {
  return side === "source" ? pair.source_position : pair.cluster_position;
}

interface PairProps {
  pair: PositionPair;
  side: string;
  chosen: boolean;
}

function Pair({ pair, side, chosen }: PairProps) {
  const position = here(pair, side);
  const gtids = side === "source" ? pair.source_gtids : pair.cluster_gtids;
  const other = here(pair, side === "source" ? "cluster" : "source");
  return (
    <div className="pair-found">
      <Place text={position} />
      {gtids && <Place text={gtids} />}
      <small>
        {chosen ? "The newest pair that does not lie behind it" : "The newest pair; right for who has read up to"} <code>{other}</code>
        , taken <Time at={pair.at} />. What lies between is read twice, nothing is missed.
      </small>
    </div>
  );
}

function Place({ text }: { text: string }) {
  return (
    <div>
      <code>{text}</code> <Copy text={text} />
    </div>
  );
}
