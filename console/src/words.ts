/** The words of the pages: the server's short ones, as a console says them. */

export type Tone = "good" | "busy" | "warning" | "bad" | "idle";

interface Status {
  title: string;
  tone: Tone;
}

const MIGRATION: Record<string, Status> = {
  RDS2POLARDB_CLONING: { title: "Synchronizing Data (full copy)", tone: "busy" },
  PRE_CHECK_FAIL: { title: "Pre-check failed", tone: "bad" },
  RDS2POLARDB_SYNCING: { title: "Synchronizing Data", tone: "good" },
  SWITCHING: { title: "Switching", tone: "busy" },
  POLARDB2RDS_SYNCING: { title: "Synchronizing Data (cluster to source)", tone: "good" },
  ROLLBACK: { title: "Rolling Back", tone: "busy" },
  CLOSING_MIGRATION: { title: "Disable Synchronization", tone: "busy" },
  NO_MIGRATION: { title: "Closed", tone: "idle" },
  AMBIGUOUS: { title: "Ambiguous: a person must decide", tone: "bad" },
};

/** A migration's status as the pages say it. */
export function migrationStatus(status: string): Status {
  return MIGRATION[status] ?? { title: status, tone: "warning" };
}

const TONES: Record<string, Tone> = {
  Running: "good",
  Synchronizing: "good",
  Finished: "idle",
  Released: "idle",
  Initializing: "busy",
  Creating: "busy",
  Deleting: "busy",
  running: "busy",
  waiting: "idle",
  clean: "good",
  passed: "good",
  warnings: "warning",
  Suspending: "warning",
  Held: "warning",
  Open: "good",
  Failed: "bad",
  failed: "bad",
  different: "bad",
  Stopped: "bad",
  DBNodeCreating: "busy",
  DBNodeDeleting: "busy",
  ClassChanging: "busy",
  Rebooting: "busy",
  fresh: "good",
  stale: "warning",
  out: "bad",
  done: "good",
  "given up": "warning",
};

/** The tone of any other status word. */
export function toneOf(status: string): Tone {
  return TONES[status] ?? "idle";
}

/** rw → read and write */
export function mode(word: string): string {
  if (word === "rw") return "read and write";
  return word === "ro" ? "read-only" : word;
}

const OPERATIONS: Record<string, string> = {
  upgrade: "Migrate from RDS",
  give_up: "Give Up Migration",
  switch_over: "Switch Over",
  roll_back: "Roll Back Migration",
  complete: "Complete Migration",
  cancel: "Cancel Migration",
  expire: "Close after 30 days",
  resolve_to_source: "Resolve: the writes are on the source",
  resolve_to_cluster: "Resolve: the writes are on the cluster",
};

/** An operation as its button says it. */
export function operationTitle(operation: string): string {
  return OPERATIONS[operation] ?? operation;
}

const METHODS: Record<string, string> = {
  logical: "Logical migration (data synchronization)",
  physical: "Physical migration (replication)",
};

/** How the data travels. */
export function methodTitle(method: string): string {
  return METHODS[method] ?? method;
}

const PAY_TYPES: Record<string, string> = {
  Prepaid: "Subscription",
  Postpaid: "Pay-As-You-Go",
  Serverless: "Serverless",
};

/** A billing method as the order page says it. */
export function payTypeTitle(payType: string): string {
  return PAY_TYPES[payType] ?? payType;
}
