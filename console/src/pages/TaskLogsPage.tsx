/** What a sync task has met: DDL it ran, accounts it could not carry, why it stopped. */
import Checkbox from "antd/es/checkbox";
import Input from "antd/es/input";
import { useState } from "react";
import { useParams } from "wouter";
import { api, ask } from "../api/client";
import { Section } from "../parts/Section";
import { LogView } from "../task/LogView";
import { TaskHead } from "../task/TaskHead";

export default function TaskLogsPage() {
  const { id = "" } = useParams();
  const [search, setSearch] = useState("");
  const [warnings, setWarnings] = useState(false);
  const level = warnings ? "WARN" : "";
  const page = (before: number | undefined) =>
    ask(
      api.GET("/api/v1/tasks/{task_id}/logs", {
        params: {
          path: { task_id: id },
          query: { ...(search ? { search } : {}), ...(level ? { level } : {}), ...(before === undefined ? {} : { before }) },
        },
      }),
    );
  return (
    <>
      <TaskHead id={id} />
      <Section title="Task Logs">
        <div className="toolbar">
          <Input aria-label="Search" placeholder="Search" allowClear value={search} onChange={(event) => setSearch(event.target.value)} />
          <Checkbox checked={warnings} onChange={(event) => setWarnings(event.target.checked)}>
            Only warnings
          </Checkbox>
        </div>
        <LogView label="Task log" name={["log", id, search, level]} ask={page} empty="Nothing was logged." />
      </Section>
    </>
  );
}
