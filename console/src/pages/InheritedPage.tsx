/** Accounts, grants and objects of both sides, compared while one looks. */
import { useQuery } from "@tanstack/react-query";
import Alert from "antd/es/alert";
import Button from "antd/es/button";
import { useParams } from "wouter";
import { api, ask } from "../api/client";
import type { InheritedState } from "../api/schema";
import { count, counted } from "../format/numbers";
import { ClusterHead } from "../parts/ClusterHead";
import { Facts, type Fact } from "../parts/Facts";
import { Section } from "../parts/Section";
import { Answered } from "../parts/States";

export default function InheritedPage() {
  const { id = "" } = useParams();
  const state = useQuery({
    queryKey: ["inherited", id],
    queryFn: () => ask(api.GET("/api/v1/clusters/{cluster_id}/inherited", { params: { path: { cluster_id: id } } })),
  });
  const again = (
    <Button loading={state.isFetching} onClick={() => void state.refetch()}>
      Compare again
    </Button>
  );
  return (
    <>
      <ClusterHead id={id} />
      <Section title="What the cluster has inherited" extra={again}>
        <Answered query={state} what="accounts and objects: both servers are asked">
          {(data) => <Compared state={data} />}
        </Answered>
      </Section>
    </>
  );
}

function Compared({ state }: { state: InheritedState }) {
  const kinds = Object.entries(state.objects).map(([kind, number]): Fact => [capital(kind), count(number)]);
  return (
    <>
      <div className="dialog-part">
        <Facts facts={[["Accounts carried", count(state.accounts)], ...kinds]} />
      </div>
      <Differences title="Accounts and grants" sentences={state.account_differences ?? []} />
      <Differences title="Views, routines, triggers and events" sentences={state.object_differences ?? []} />
    </>
  );
}

function Differences({ title, sentences }: { title: string; sentences: string[] }) {
  if (sentences.length === 0) {
    return <Alert className="problem" type="success" showIcon title={`${title}: the same on both sides.`} />;
  }
  return (
    <Alert
      className="problem"
      type="warning"
      showIcon
      title={`${title}: ${counted(sentences.length, "difference")}`}
      description={
        <ul className="sentences">
          {sentences.map((sentence) => (
            <li key={sentence}>{sentence}</li>
          ))}
        </ul>
      }
    />
  );
}

function capital(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}
