/** Who may do what: asked of the server, not known by the pages. */
import { useQuery } from "@tanstack/react-query";
import { api, ask } from "./client";
import type { paths } from "./schema";
import { SESSION_KEY } from "./session";

const RANK = ["viewer", "operator", "admin"];

/** Something a button asks for: a method and a path of the API. */
export type Need = ["GET" | "POST" | "PATCH" | "DELETE", keyof paths];

/** Who is signed in, and whether somebody is. */
export const useSession = () =>
  useQuery({
    queryKey: SESSION_KEY,
    queryFn: () => ask(api.GET("/api/v1/session")),
    staleTime: Infinity,
  });

/** The role that is missing for this, or "" when the viewer may do it. */
export function useMissingRole([method, path]: Need): string {
  const { data: session } = useSession();
  const { data: roles = [] } = useQuery({
    queryKey: ["roles"],
    queryFn: () => ask(api.GET("/api/v1/roles")),
    staleTime: Infinity,
  });
  const needed = roles.find((one) => one.method === method && one.path === path)?.role ?? "viewer";
  return RANK.indexOf(session?.role ?? "") >= RANK.indexOf(needed) ? "" : needed;
}
