/** What the pages know of the server; kept while one moves from page to page. */
import { QueryClient } from "@tanstack/react-query";

const STALE_MILLISECONDS = 5000;

export const cache = new QueryClient({
  defaultOptions: {
    queries: { staleTime: STALE_MILLISECONDS, retry: false, networkMode: "always" },
    mutations: { networkMode: "always" },
  },
});

/** Not asked for again by themselves: who is signed in, and prechecks, which work on the source. */
const ASKED_ONCE = ["session", "roles", "precheck"];

/** Ask anew for everything that is shown. */
export function refresh(): void {
  void cache.invalidateQueries({ predicate: ({ queryKey }) => !ASKED_ONCE.includes(String(queryKey[0])) });
}
