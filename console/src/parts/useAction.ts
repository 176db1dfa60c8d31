/** Something the viewer asks for: under way, done, or refused. */
import { useMutation } from "@tanstack/react-query";
import { refresh } from "../api/cache";

interface Options<Result> {
  onDone?: (result: Result) => void;
}

/** A mutation; when it is done everything shown is asked for anew. */
export function useAction<Given, Result>(
  ask: (given: Given) => Promise<Result>,
  { onDone }: Options<Result> = {},
) {
  return useMutation({
    mutationFn: ask,
    onSuccess: (result) => {
      onDone?.(result);
      refresh();
    },
  });
}
