/** Usage as lines for a spreadsheet, the same as the command line prints. */
import type { Usage } from "../api/schema";

const COLUMNS = ["cluster_id", "node_class", "pay_type", "node_hours", "storage_gb_hours", "assumed_node_hours"] as const;

export function asCsv(rows: Usage[]): string {
  const lines = rows.map((row) => COLUMNS.map((name) => quoted(String(row[name]))).join(","));
  return [COLUMNS.join(","), ...lines, ""].join("\n");
}

function quoted(text: string): string {
  return /[",\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

/** Hands a text to the browser as a file. */
export function download(name: string, text: string): void {
  const url = URL.createObjectURL(new Blob([text], { type: "text/csv" }));
  const link = document.createElement("a");
  link.href = url;
  link.download = name;
  link.click();
  URL.revokeObjectURL(url);
}
