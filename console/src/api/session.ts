/** Who is signed in. The CSRF token stays in memory: nothing is kept in the browser's storage. */
import { cache } from "./cache";
import type { Session } from "./schema";

export const SESSION_KEY = ["session"];
const IDLE_MILLISECONDS = 60_000;

let usedAt = Date.now();
for (const event of ["pointerdown", "keydown", "wheel"]) {
  window.addEventListener(event, () => (usedAt = Date.now()), { passive: true });
}

function session(): Session | undefined {
  return cache.getQueryData<Session>(SESSION_KEY);
}

/** What every request carries. Pages that only refresh by themselves do not count as use. */
export function sessionHeaders(method: string): [string, string][] {
  const headers: [string, string][] = [];
  const token = session()?.csrf_token;
  if (method !== "GET" && token) headers.push(["X-CSRF-Token", token]);
  if (Date.now() - usedAt > IDLE_MILLISECONDS) headers.push(["X-Background", "1"]);
  return headers;
}

/** Show the login; the address stays, so one comes back to the same page. */
export function sessionEnded(): void {
  const known = session();
  if (known?.signed_in) cache.setQueryData<Session>(SESSION_KEY, { ...known, signed_in: false });
}
