/** Start a stopped task again; where it stopped at a DDL statement, say what became of it. */
import { api, ask } from "../api/client";
import type { SyncTask } from "../api/schema";
import { ProblemAlert } from "../parts/ProblemAlert";
import { RoleButton } from "../parts/RoleButton";
import { useAction } from "../parts/useAction";

const DDL_CODES = ["DdlPending", "DdlFailed", "Unrepresentable"];

export function ResumeButton({ task }: { task: SyncTask }) {
  const resume = useAction((statement_applied: boolean | null) =>
    ask(
      api.POST("/api/v1/tasks/{task_id}/resume", {
        params: { path: { task_id: task.id } },
        body: { statement_applied },
      }),
    ),
  );
  if (task.status !== "Failed") return null;
  const choices: [string, boolean | null][] = DDL_CODES.includes(task.error_code)
    ? [
        ["Go on behind the statement", true],
        ["Run the statement again", false],
      ]
    : [["Resume", null]];
  return (
    <div className="actions">
      {choices.map(([title, applied]) => (
        <RoleButton
          key={title}
          needs={["POST", "/api/v1/tasks/{task_id}/resume"]}
          size="small"
          loading={resume.isPending}
          onClick={() => resume.mutate(applied)}
        >
          {title}
        </RoleButton>
      ))}
      <ProblemAlert error={resume.error} />
    </div>
  );
}
