/** How far something is; in percent where no other `text` says it. */
import { percent as inWords } from "../format/numbers";

export function Bar({ percent, label, text }: { percent: number; label: string; text?: string }) {
  const part = Math.min(100, Math.max(0, percent));
  return (
    <span className="bar">
      <progress value={part} max={100} aria-label={label} />
      <span>{text ?? inWords(part)}</span>
    </span>
  );
}
