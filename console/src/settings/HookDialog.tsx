/** A program on the server's machine, or an address on the network, to be told what happens. */
import Checkbox from "antd/es/checkbox";
import Form from "antd/es/form";
import Input from "antd/es/input";
import InputNumber from "antd/es/input-number";
import Select from "antd/es/select";
import { api, ask } from "../api/client";
import type { NewHook } from "../api/schema";
import { Dialog } from "../parts/Dialog";
import { ProblemAlert } from "../parts/ProblemAlert";
import { useAction } from "../parts/useAction";

type Event = NonNullable<NewHook["events"]>[number];

const EVENTS: { value: Event; label: string }[] = [
  { value: "before", label: "before: an operation begins; a program can refuse it" },
  { value: "after", label: "after: it has finished" },
  { value: "failed", label: "failed: it has not, or it is not known who owns the writes" },
  { value: "warning", label: "warning: a date comes near, a sync task has stopped" },
];

const KINDS = [
  { value: "program", label: "a program in STERNA_HOME/hooks of the server" },
  { value: "address", label: "an address that gets a POST request" },
];

/** `words`: the program and its arguments, one a line; `headers`: NAME: VALUE, one a line. */
interface Draft {
  kind: "program" | "address";
  events: Event[];
  words: string;
  url: string;
  headers: string;
  timeout_seconds: number;
}

const FIRST: Draft = { kind: "program", events: ["after", "failed", "warning"], words: "", url: "", headers: "", timeout_seconds: 10 };

function linesOf(text: string): string[] {
  return text.split("\n").filter((line) => line.trim() !== "");
}

function headersOf(text: string): Record<string, string> {
  return Object.fromEntries(
    linesOf(text).map((line) => {
      const colon = line.indexOf(":");
      return [line.slice(0, colon).trim(), line.slice(colon + 1).trim()];
    }),
  );
}

function bodyOf({ kind, events, words, url, headers, timeout_seconds }: Draft): NewHook {
  const told = kind === "program" ? { command: linesOf(words), url: "" } : { command: [], url, headers: headersOf(headers) };
  return { events, timeout_seconds, ...told };
}

export default function HookDialog({ onClose }: { onClose: () => void }) {
  const [form] = Form.useForm<Draft>();
  const kind = Form.useWatch("kind", form) ?? FIRST.kind;
  const add = useAction((draft: Draft) => ask(api.POST("/api/v1/hooks", { body: bodyOf({ ...FIRST, ...draft }) })), {
    onDone: onClose,
  });
  return (
    <Dialog title="Add hook" okText="Add" confirmLoading={add.isPending} onOk={() => form.submit()} onCancel={onClose}>
      <Form form={form} layout="vertical" initialValues={FIRST} onFinish={add.mutate}>
        <Form.Item name="kind" label="Tell">
          <Select options={KINDS} />
        </Form.Item>
        {kind === "program" ? (
          <Form.Item name="words" label="Program and arguments" extra="One a line. It is started without a shell, the document on its standard input." rules={[{ required: true, message: "Name the program." }]}>
            <Input.TextArea rows={3} placeholder={"page\n--team\ndb"} />
          </Form.Item>
        ) : (
          <AddressFields />
        )}
        <Form.Item name="events" label="Of" rules={[{ required: true, message: "Choose one at least." }]}>
          <Checkbox.Group options={EVENTS} className="stacked" />
        </Form.Item>
        <Form.Item name="timeout_seconds" label="It may take">
          <InputNumber min={1} max={60} suffix="s" />
        </Form.Item>
      </Form>
      <ProblemAlert error={add.error} />
    </Dialog>
  );
}

function AddressFields() {
  return (
    <>
      <Form.Item name="url" label="Address" extra="Only its scheme and host are shown later." rules={[{ required: true, message: "http:// or https://" }]}>
        <Input autoComplete="off" placeholder="https://chat.example.org/hook" />
      </Form.Item>
      <Form.Item name="headers" label="Headers" extra="NAME: VALUE, one a line. Values are kept encrypted and never shown." rules={[{ pattern: /^(\s*[^:\n]+:[^\n]*\n?)*\s*$/, message: "NAME: VALUE, one a line." }]}>
        <Input.TextArea rows={2} autoComplete="off" />
      </Form.Item>
    </>
  );
}
