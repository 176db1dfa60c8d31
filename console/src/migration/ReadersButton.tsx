/** Moving other readers of the binary log; offered only where there are any, as in the vendor's console. */
import Badge from "antd/es/badge";
import Button from "antd/es/button";
import { lazy, Suspense, useState } from "react";
import { useReaders } from "../api/queries";
import type { Migration } from "../api/schema";

const ReadersDialog = lazy(() => import("./ReadersDialog"));

export function ReadersButton({ migration }: { migration: Migration }) {
  const [open, setOpen] = useState(false);
  const { data } = useReaders(migration);
  if (!data || data.readers.length === 0) return null;
  return (
    <>
      <Badge count={data.left} title={`${data.left} still to be moved`}>
        <Button onClick={() => setOpen(true)}>Source Instance DTS Task Switchover</Button>
      </Badge>
      <Suspense>{open && <ReadersDialog migration={migration} onClose={() => setOpen(false)} />}</Suspense>
    </>
  );
}
