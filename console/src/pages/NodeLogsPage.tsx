/** What a node's server has written, the newest at the end. */
import { useQuery } from "@tanstack/react-query";
import Input from "antd/es/input";
import Select from "antd/es/select";
import { useEffect, useRef, useState } from "react";
import { useLocation, useParams } from "wouter";
import { api, ask } from "../api/client";
import { useCluster } from "../api/queries";
import { counted } from "../format/numbers";
import { ClusterHead } from "../parts/ClusterHead";
import { Section } from "../parts/Section";
import { Answered, Empty } from "../parts/States";

const POLL_MILLISECONDS = 5000;
const LINES = [100, 1000, 10_000].map((value) => ({ value, label: `the last ${counted(value, "line")}` }));

export default function NodeLogsPage() {
  const { id = "", node = "" } = useParams();
  const [, go] = useLocation();
  const [lines, setLines] = useState(100);
  const [search, setSearch] = useState("");
  const { data: cluster } = useCluster(id);
  const log = useQuery({
    queryKey: ["node-log", id, node, lines],
    queryFn: () =>
      ask(
        api.GET("/api/v1/clusters/{cluster_id}/logs", {
          params: { path: { cluster_id: id }, query: { node_id: node, lines } },
        }),
      ),
    refetchInterval: POLL_MILLISECONDS,
  });
  const nodes = (cluster?.nodes ?? []).map((one) => ({ value: one.id, label: one.id }));
  const isShown = (line: string) => line.toLowerCase().includes(search.toLowerCase());
  return (
    <>
      <ClusterHead id={id} />
      <Section title={`Log of ${node}`}>
        <div className="toolbar">
          <Select aria-label="Node" value={node} options={nodes} onChange={(other) => go(`/clusters/${id}/nodes/${other}/logs`)} style={{ minWidth: 200 }} />
          <Select aria-label="How many lines" value={lines} options={LINES} onChange={setLines} style={{ minWidth: 180 }} />
          <Input aria-label="Only lines with" placeholder="Only lines with" allowClear value={search} onChange={(event) => setSearch(event.target.value)} />
        </div>
        <Answered query={log} what="the log: the node's file is read">
          {(data) => <Lines lines={data.filter(isShown)} name={node} />}
        </Answered>
      </Section>
    </>
  );
}

/** Stays at the end as long as one does not scroll back. */
function Lines({ lines, name }: { lines: string[]; name: string }) {
  const place = useRef<HTMLPreElement>(null);
  const isAtEnd = useRef(true);
  const text = lines.join("\n");
  useEffect(() => {
    if (place.current && isAtEnd.current) place.current.scrollTop = place.current.scrollHeight;
  }, [text]);
  if (lines.length === 0) return <Empty>No line is like that.</Empty>;
  const note = ({ scrollTop, scrollHeight, clientHeight }: HTMLPreElement) => {
    isAtEnd.current = scrollHeight - scrollTop - clientHeight < 4;
  };
  return (
    <pre ref={place} className="log" tabIndex={0} role="log" aria-label={`Log of ${name}`} onScroll={(event) => note(event.currentTarget)}>
      {text}
    </pre>
  );
}
