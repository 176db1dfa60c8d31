/** The addresses of an instance: made, altered, closed, and who may come in. */
import { useParams } from "wouter";
import { useInstance } from "../api/queries";
import { EndpointSection } from "../endpoint/EndpointSection";
import { ExchangedPairs } from "../endpoint/ExchangedPairs";
import { ReadOnlyInstances } from "../endpoint/ReadOnlyInstances";
import { InstanceHead } from "../instance/InstanceHead";
import { Answered } from "../parts/States";

export default function InstanceEndpointsPage() {
  const { id = "" } = useParams();
  const instance = useInstance(id);
  return (
    <>
      <InstanceHead id={id} />
      <Answered query={instance} what="the instance">
        {() => (
          <>
            <EndpointSection ownerId={id} />
            <ExchangedPairs ownerId={id} />
            <ReadOnlyInstances instanceId={id} />
          </>
        )}
      </Answered>
    </>
  );
}
