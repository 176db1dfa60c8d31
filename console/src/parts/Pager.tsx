/** Which rows of many are shown, and the way to the others. */
import Button from "antd/es/button";
import { count } from "../format/numbers";

interface PagerProps {
  offset: number;
  size: number;
  total: number;
  onChange: (offset: number) => void;
}

export function Pager({ offset, size, total, onChange }: PagerProps) {
  if (total <= size) return null;
  const last = Math.floor((total - 1) / size) * size;
  const to = (title: string, place: number) => (
    <Button size="small" disabled={place === offset || place < 0 || place > last} onClick={() => onChange(place)}>
      {title}
    </Button>
  );
  return (
    <nav className="toolbar pager" aria-label="Pages of the table">
      {to("First", 0)}
      {to("Previous", offset - size)}
      <span>
        {count(offset + 1)} to {count(Math.min(offset + size, total))} of {count(total)}
      </span>
      {to("Next", offset + size)}
      {to("Last", last)}
    </nav>
  );
}
