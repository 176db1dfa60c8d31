/** The addresses of a cluster: made, altered, closed, and who may come in. */
import { useParams } from "wouter";
import { useCluster } from "../api/queries";
import { EndpointSection } from "../endpoint/EndpointSection";
import { ExchangedPairs } from "../endpoint/ExchangedPairs";
import { ClusterHead } from "../parts/ClusterHead";
import { Answered } from "../parts/States";

export default function ClusterEndpointsPage() {
  const { id = "" } = useParams();
  const cluster = useCluster(id);
  return (
    <>
      <ClusterHead id={id} />
      <Answered query={cluster} what="the cluster">
        {() => (
          <>
            <EndpointSection ownerId={id} />
            <ExchangedPairs ownerId={id} />
          </>
        )}
      </Answered>
    </>
  );
}
