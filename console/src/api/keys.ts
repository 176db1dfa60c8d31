/** Under which keys answers are kept. */
export const keys = {
  overview: ["overview"],
  instances: ["instances"],
  instance: (id: string) => ["instance", id],
  clusters: ["clusters"],
  cluster: (id: string) => ["cluster", id],
  endpoints: ["endpoints"],
  schedules: ["schedules"],
  migrations: ["migrations"],
  migration: (id: string) => ["migration", id],
  timeline: (id: string) => ["timeline", id],
  verifications: (id: string) => ["verifications", id],
  samples: (taskId: string) => ["samples", taskId],
};
