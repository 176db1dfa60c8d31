/** What the pages know of the server; kept while one moves from page to page. */
import { QueryClient } from "@tanstack/react-query";

const STALE_MILLISECONDS = 5000;

export const cache = new QueryClient({
  defaultOptions: {
    queries: { staleTime: STALE_MILLISECONDS, retry: false, networkMode: "always" },
    mutations: { networkMode: "always" },
  },
});
