/** A table that sorts, and draws only the rows one sees once there are many. */
import { useVirtualizer } from "@tanstack/react-virtual";
import { useMemo, useRef, useState, type ReactNode } from "react";
import { Empty } from "./States";

const VIRTUAL_FROM = 200;
const ROW_PIXELS = 41;

type Sortable = string | number | null;

export interface Column<Row> {
  title: string;
  render: (row: Row) => ReactNode;
  /** What the column is sorted by; without it, or the next, the column does not sort. */
  sortBy?: (row: Row) => Sortable;
  /** What the server calls this order, where it is the server that sorts. */
  sortAs?: string;
  numeric?: boolean;
}

/** An order the server makes; the rows are shown as they come. */
export interface ServerOrder {
  by: string;
  descending: boolean;
  onChange: (by: string, descending: boolean) => void;
}

interface DataTableProps<Row> {
  label: string;
  rows: Row[];
  columns: Column<Row>[];
  rowKey: (row: Row) => string;
  empty: ReactNode;
  sorted?: ServerOrder;
}

interface Order {
  column: number;
  descending: boolean;
}

export function DataTable<Row>({ label, rows, columns, rowKey, empty, sorted: served }: DataTableProps<Row>) {
  const [chosen, setChosen] = useState<Order | null>(null);
  const place = served ? columns.findIndex((column) => column.sortAs === served.by) : -1;
  const order = served ? { column: place, descending: served.descending } : chosen;
  const setOrder = ({ column, descending }: Order) =>
    served ? served.onChange(columns[column]?.sortAs ?? "", descending) : setChosen({ column, descending });
  const sorted = useMemo(() => (served ? rows : sort(rows, columns, chosen)), [rows, columns, chosen, served]);
  if (rows.length === 0) return <Empty>{empty}</Empty>;
  const Body = rows.length < VIRTUAL_FROM ? PlainBody : VirtualBody;
  return (
    <Body label={label} rows={sorted} columns={columns} rowKey={rowKey}>
      <thead>
        <tr>
          {columns.map((column, place) => (
            <Heading key={column.title} column={column} place={place} order={order} onOrder={setOrder} />
          ))}
        </tr>
      </thead>
    </Body>
  );
}

interface HeadingProps<Row> {
  column: Column<Row>;
  place: number;
  order: Order | null;
  onOrder: (order: Order) => void;
}

function Heading<Row>({ column, place, order, onOrder }: HeadingProps<Row>) {
  const mine = order?.column === place ? order : null;
  const descending = mine ? !mine.descending : false;
  const way = mine?.descending ? "descending" : "ascending";
  return (
    <th className={column.numeric ? "numeric" : ""} aria-sort={mine ? way : undefined} scope="col">
      {column.sortBy || column.sortAs ? (
        <button type="button" onClick={() => onOrder({ column: place, descending })}>
          {column.title}
          <span aria-hidden="true">{mine ? (mine.descending ? " ▾" : " ▴") : " ⇅"}</span>
        </button>
      ) : (
        column.title
      )}
    </th>
  );
}

interface BodyProps<Row> {
  label: string;
  rows: Row[];
  columns: Column<Row>[];
  rowKey: (row: Row) => string;
  children: ReactNode;
}

function PlainBody<Row>({ label, rows, columns, rowKey, children }: BodyProps<Row>) {
  return (
    <div className="table-scroll" tabIndex={0} role="group" aria-label={label}>
      <table aria-label={label}>
        {children}
        <tbody>
          {rows.map((row) => (
            <TableRow key={rowKey(row)} row={row} columns={columns} />
          ))}
        </tbody>
      </table>
    </div>
  );
}

function VirtualBody<Row>({ label, rows, columns, rowKey, children }: BodyProps<Row>) {
  const scroll = useRef<HTMLDivElement>(null);
  const virtual = useVirtualizer({
    count: rows.length,
    getScrollElement: () => scroll.current,
    estimateSize: () => ROW_PIXELS,
    overscan: 12,
  });
  const shown = virtual.getVirtualItems();
  const above = shown[0]?.start ?? 0;
  const below = virtual.getTotalSize() - (shown.at(-1)?.end ?? 0);
  return (
    <div className="table-scroll tall" ref={scroll} tabIndex={0} role="group" aria-label={label}>
      <table aria-label={label} aria-rowcount={rows.length}>
        {children}
        <tbody>
          <tr aria-hidden="true" style={{ height: above }} />
          {shown.map(({ index }) => {
            const row = rows[index];
            return row && <TableRow key={rowKey(row)} row={row} columns={columns} single />;
          })}
          <tr aria-hidden="true" style={{ height: below }} />
        </tbody>
      </table>
    </div>
  );
}

interface TableRowProps<Row> {
  row: Row;
  columns: Column<Row>[];
  single?: boolean;
}

function TableRow<Row>({ row, columns, single = false }: TableRowProps<Row>) {
  return (
    <tr className={single ? "single" : ""}>
      {columns.map((column) => (
        <td key={column.title} className={column.numeric ? "numeric" : ""}>
          {column.render(row)}
        </td>
      ))}
    </tr>
  );
}

function sort<Row>(rows: Row[], columns: Column<Row>[], order: Order | null): Row[] {
  const by = order && columns[order.column]?.sortBy;
  if (!order || !by) return rows;
  const sign = order.descending ? -1 : 1;
  return rows.toSorted((one, other) => sign * compare(by(one), by(other)));
}

/** Numbers by size, words by the alphabet, what is not known last. */
function compare(one: Sortable, other: Sortable): number {
  if (one === null || other === null) return Number(one === null) - Number(other === null);
  if (typeof one === "number" && typeof other === "number") return one - other;
  return String(one).localeCompare(String(other), "en", { numeric: true });
}
