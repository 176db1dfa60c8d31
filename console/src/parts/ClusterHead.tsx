/** The head of all pages of a cluster. */
import { useCluster } from "../api/queries";
import { PageHead } from "./PageHead";
import { Status } from "./Status";
import { Tabs } from "./Tabs";

export function ClusterHead({ id }: { id: string }) {
  const { data } = useCluster(id);
  const title = data?.description || id;
  return (
    <>
      <PageHead
        title={title}
        above={[["Clusters", "/clusters"]]}
        badge={data && <Status word={data.status} />}
      />
      <Tabs
        label="Cluster"
        tabs={[
          ["Basic Information", `/clusters/${id}`],
          ["Timeline", `/clusters/${id}/timeline`],
          ["Nodes", `/clusters/${id}/nodes`],
          ["Endpoints", `/clusters/${id}/endpoints`],
          ["Accounts and Objects", `/clusters/${id}/inherited`],
          ["Verification", `/clusters/${id}/verification`],
          ["Parameters", `/clusters/${id}/parameters`],
        ]}
      />
    </>
  );
}
