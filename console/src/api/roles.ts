/** Who may do what: asked of the server, not known by the pages. */
import { useQuery } from "@tanstack/react-query";
import { api, ask } from "./client";
import { SESSION_KEY } from "./session";

const RANK = ["viewer", "operator", "admin"];

/** Who is signed in, and whether somebody is. */
export const useSession = () =>
  useQuery({
    queryKey: SESSION_KEY,
    queryFn: () => ask(api.GET("/api/v1/session")),
    staleTime: Infinity,
  });

/** Whether the viewer has this role, or more. */
export function useHasRole(role: string): boolean {
  const { data } = useSession();
  return RANK.indexOf(data?.role ?? "") >= RANK.indexOf(role);
}
