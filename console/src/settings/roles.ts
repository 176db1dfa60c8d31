/** The roles, each with all of the one before it. */
export type Role = "viewer" | "operator" | "admin";

export const ROLES: { value: Role; label: string }[] = [
  { value: "viewer", label: "viewer: looks" },
  { value: "operator", label: "operator: migrates and switches" },
  { value: "admin", label: "admin: instances, users, tokens too" },
];
