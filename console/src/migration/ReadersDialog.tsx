/** Who else reads the source's binary log, and how each goes on at the cluster's; or back. */
import Alert from "antd/es/alert";
import { useReaders } from "../api/queries";
import type { LogReader, LogReaders, Migration } from "../api/schema";
import { Ago, Time } from "../format/Time";
import { Dialog } from "../parts/Dialog";
import { Facts } from "../parts/Facts";
import { Answered } from "../parts/States";
import { Status } from "../parts/Status";
import type { Tone } from "../words";
import { MoveReader } from "./MoveReader";

interface ReadersDialogProps {
  migration: Migration;
  onClose: () => void;
}

export default function ReadersDialog({ migration, onClose }: ReadersDialogProps) {
  const readers = useReaders(migration);
  return (
    <Dialog title="Switch Over Business DTS Task Endpoint" width={860} onCancel={onClose} footer={null}>
      <Answered query={readers} what="the readers: both servers are asked">
        {(data) => (
          <>
            <Summary found={data} />
            {data.readers.map((reader) => (
              <Reader key={reader.name} reader={reader} found={data} migration={migration} />
            ))}
          </>
        )}
      </Answered>
    </Dialog>
  );
}

function Summary({ found }: { found: LogReaders }) {
  const forward = found.belong_to === "cluster";
  const type = found.left > 0 ? "warning" : forward ? "success" : "info";
  return (
    <>
      <p className="dialog-part">
        <strong>{forward ? "Forward switchover" : "Switchover rollback"}:</strong> the writes are on the{" "}
        {found.belong_to}, so whoever else reads a binary log belongs on the {found.belong_to}'s. The
        migration's own task is not among them; it moves by itself.
      </p>
      <Alert className="problem" type={type} showIcon title={found.sentence} />
    </>
  );
}

interface ReaderProps {
  reader: LogReader;
  found: LogReaders;
  migration: Migration;
}

function Reader({ reader, found, migration }: ReaderProps) {
  const [word, tone] = stateOf(reader, found);
  return (
    <section className="reader" aria-label={reader.name}>
      <div className="card-head">
        <h3>
          <code>{reader.name}</code>
        </h3>
        <Status word={word} tone={tone} />
      </div>
      <Facts
        facts={[
          ["Reads now", reads(reader)],
          ["Has been sent", reader.reads.length === 0 ? "–" : reader.caught_up ? "all there is" : "not all yet"],
          ["Last seen", <Ago at={reader.seen_at} />],
          ["Marked as moved", <Time at={reader.moved_at} />],
          ["Went on at", reader.position && <code>{reader.position}</code>],
        ]}
      />
      {reader.is_left && <MoveReader reader={reader} found={found} migration={migration} />}
    </section>
  );
}

function stateOf(reader: LogReader, found: LogReaders): [string, Tone] {
  if (reader.is_left) {
    return reader.moved_at && reader.reads.length > 0 ? ["Marked as moved, but still where it was", "bad"] : ["Still to be moved", "warning"];
  }
  if (reader.reads.includes(found.belong_to)) return [`On the ${found.belong_to}`, "good"];
  return [reader.moved_at ? "Moved" : "Where it belongs", reader.moved_at ? "good" : "idle"];
}

function reads(reader: LogReader): string {
  if (reader.reads.length === 0) return "no log";
  const times = reader.connections > 1 ? `, ${reader.connections} connections` : "";
  return `the log of the ${reader.reads.join(" and the ")}${times}`;
}
