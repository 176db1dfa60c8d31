/** The head of all pages of a sync task. */
import { useTask } from "../api/queries";
import { PageHead } from "../parts/PageHead";
import { Status } from "../parts/Status";
import { Tabs } from "../parts/Tabs";

export function TaskHead({ id }: { id: string }) {
  const { data } = useTask(id);
  return (
    <>
      <PageHead
        title={data?.name || id}
        above={[["Sync tasks", "/tasks"]]}
        badge={data && <Status word={data.status} />}
      />
      <Tabs
        label="Sync task"
        tabs={[
          ["Synchronization Details", `/tasks/${id}`],
          ["Performance Monitoring", `/tasks/${id}/monitoring`],
          ["Task Logs", `/tasks/${id}/logs`],
          ["Object Modification History", `/tasks/${id}/objects`],
        ]}
      />
    </>
  );
}
