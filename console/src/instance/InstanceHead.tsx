/** The head of all pages of an instance. */
import { lazy, Suspense, useState } from "react";
import { useInstance } from "../api/queries";
import type { Instance } from "../api/schema";
import { PageHead } from "../parts/PageHead";
import { RoleButton, RoleLink } from "../parts/RoleButton";
import { Status } from "../parts/Status";
import { Tabs } from "../parts/Tabs";

const ReleaseDialog = lazy(() => import("./ReleaseDialog"));

export function InstanceHead({ id }: { id: string }) {
  const { data } = useInstance(id);
  return (
    <>
      <PageHead
        title={data?.description || id}
        above={[["Instances", "/instances"]]}
        badge={data && <Status word={data.status} />}
        actions={data && data.status !== "Released" && <Actions instance={data} />}
      />
      <Tabs
        label="Instance"
        tabs={[
          ["Basic Information", `/instances/${id}`],
          ["Endpoints and Whitelists", `/instances/${id}/endpoints`],
        ]}
      />
    </>
  );
}

function Actions({ instance }: { instance: Instance }) {
  const [releasing, setReleasing] = useState(false);
  return (
    <>
      <RoleLink needs={["POST", "/api/v1/migrations"]} href={`/clusters/new?instance=${instance.id}`}>
        Migrate from RDS
      </RoleLink>
      <RoleButton needs={["POST", "/api/v1/instances/{instance_id}/release"]} danger onClick={() => setReleasing(true)}>
        Release
      </RoleButton>
      <Suspense>
        {releasing && <ReleaseDialog id={instance.id} onClose={() => setReleasing(false)} />}
      </Suspense>
    </>
  );
}
