/** Whether the server answers; a banner on every page shows it, and pages keep what they had. */
import { useSyncExternalStore } from "react";

const RETRY_MILLISECONDS = 2000;

let lostAt: number | null = null;
let retry: number | undefined;
const listeners = new Set<() => void>();

function change(value: number | null): void {
  lostAt = value;
  for (const listener of listeners) listener();
}

/** Note an answer, whatever it says. */
export function connectionUp(): void {
  if (lostAt === null) return;
  window.clearInterval(retry);
  change(null);
}

/** Note a request without an answer, and knock until somebody opens. */
export function connectionLost(): void {
  if (lostAt !== null) return;
  retry = window.setInterval(() => void knock(), RETRY_MILLISECONDS);
  change(Date.now());
}

async function knock(): Promise<void> {
  try {
    await fetch("/api/v1/openapi.json", { method: "HEAD", cache: "no-store" });
  } catch {
    return;
  }
  connectionUp();
}

function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

/** Resolves when the server answers again, at once if it does now. */
export function connectionBack(): Promise<void> {
  connectionLost();
  return new Promise((resolve) => {
    const leave = subscribe(() => {
      if (lostAt !== null) return;
      leave();
      resolve();
    });
    void knock();
  });
}

/** Since when the server has been silent, in milliseconds since 1970; null while it answers. */
export function useLostAt(): number | null {
  return useSyncExternalStore(subscribe, () => lostAt);
}
