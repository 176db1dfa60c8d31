/** How far something is. */
import { percent as inWords } from "../format/numbers";

export function Bar({ percent, label }: { percent: number; label: string }) {
  const part = Math.min(100, Math.max(0, percent));
  return (
    <span className="bar">
      <progress value={part} max={100} aria-label={label} />
      <span>{inWords(part)}</span>
    </span>
  );
}
