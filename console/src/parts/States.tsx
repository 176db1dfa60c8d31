/** What stands where data would be: nothing yet, nothing at all, or an error. */
import Button from "antd/es/button";
import Spin from "antd/es/spin";
import type { UseQueryResult } from "@tanstack/react-query";
import type { ReactNode } from "react";
import { Link } from "wouter";
import { ProblemAlert } from "./ProblemAlert";

/** Shown while data is on its way. */
export function Loading({ what }: { what: string }) {
  return (
    <div className="state" role="status">
      <Spin />
      <p className="faint">Loading {what} …</p>
    </div>
  );
}

/** Shown where there is nothing, with what one can do about it. */
export function Empty({ children, action }: { children: ReactNode; action?: ReactNode }) {
  return (
    <div className="state">
      <p className="faint">{children}</p>
      {action}
    </div>
  );
}

/** Shown where asking failed. */
export function Failed({ error, again }: { error: Error | null; again: () => void }) {
  return (
    <div className="state">
      <ProblemAlert error={error} />
      <Button onClick={again}>Try again</Button>
    </div>
  );
}

/** Shown for an address without a page. */
export function NotFound() {
  return (
    <div className="state">
      <h1>There is no such page.</h1>
      <Link href="/">Go to the overview</Link>
    </div>
  );
}

interface AnsweredProps<Data> {
  query: UseQueryResult<Data>;
  what: string;
  children: (data: Data) => ReactNode;
}

/** The data of a query once it is there; what is there stays while the server is silent. */
export function Answered<Data>({ query, what, children }: AnsweredProps<Data>) {
  if (query.data !== undefined) return <>{children(query.data)}</>;
  if (query.isPending) return <Loading what={what} />;
  return <Failed error={query.error} again={() => void query.refetch()} />;
}
