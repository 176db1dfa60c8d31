/** Says on every page that the server does not answer, and since when. */
import { useEffect, useRef } from "react";
import { refresh } from "../api/cache";
import { useLostAt } from "../api/connection";
import { useNow } from "../format/useNow";
import { duration } from "../format/numbers";

export function Banner() {
  const lostAt = useLostAt();
  const wasLost = useRef(false);
  useEffect(() => {
    if (lostAt === null && wasLost.current) refresh();
    wasLost.current = lostAt !== null;
  }, [lostAt]);
  return <div role="status">{lostAt !== null && <Silence since={lostAt} />}</div>;
}

function Silence({ since }: { since: number }) {
  const seconds = Math.max(0, (useNow(1000) - since) / 1000);
  return (
    <div className="banner">
      <strong>The Sterna server does not answer</strong>, for {seconds < 60 ? `${Math.floor(seconds)} s` : duration(seconds)} now. What you
      see is as it was then. Operations under way go on by themselves as soon as the server is back;
      this page connects again by itself.
    </div>
  );
}
