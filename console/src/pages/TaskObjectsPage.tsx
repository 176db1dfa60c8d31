/** Synchronization object modification history: DDL that was carried, databases that came. */
import { useParams } from "wouter";
import { api, ask } from "../api/client";
import { Section } from "../parts/Section";
import { LogView } from "../task/LogView";
import { TaskHead } from "../task/TaskHead";

export default function TaskObjectsPage() {
  const { id = "" } = useParams();
  const page = (before: number | undefined) =>
    ask(
      api.GET("/api/v1/tasks/{task_id}/objects", {
        params: { path: { task_id: id }, query: before === undefined ? {} : { before } },
      }),
    );
  return (
    <>
      <TaskHead id={id} />
      <Section title="Synchronization Object Modification History">
        <LogView
          label="Object modifications"
          name={["objects", id]}
          ask={page}
          empty="No object was changed since the task began. New databases and DDL are picked up by themselves."
        />
      </Section>
    </>
  );
}
