// The menu of a column's head: change, run, arrange, take away; in that order.
import { isComputed, type Column, type Table, type TableStates } from "../api/types";
import { goQuery } from "../app/router";
import type { SortOf } from "../grid/Head";
import type { GridColumns } from "../grid/useColumns";
import { attempt } from "../ui/Dialog";
import type { MenuEntry } from "../ui/Menu";
import { count, plural } from "../ui/time";
import type { RunOrder } from "./RunDialog";

export interface ColumnMenuOf {
  table: Table;
  column: Column;
  columns: GridColumns;
  states: TableStates | undefined;
  chosenRows: number;
  runner: string | null;
  builder: string | null;
  onRun: (order: RunOrder) => void;
  onRunChosen: () => void;
  onSort: (sorts: SortOf[]) => void;
  onDelete: (column: Column) => void;
}

function runEntries({ table, column, states, runner, onRun }: ColumnMenuOf): MenuEntry[] {
  const all = states?.columns.find((one) => one.column_id === column.id)?.states ?? {};
  const due = all["due"] ?? 0;
  const empty = (all["empty"] ?? 0) + (all["no result"] ?? 0);
  const failed = (all["error"] ?? 0) + (all["retrying"] ?? 0);
  const refused = all["refused"] ?? 0;
  const name = column.name;
  return [
    { label: `Run ${count(due)} out of date`, bar: runner ?? (due ? null : "Nothing is out of date."), run: () => onRun({ column: name, rows: "due", label: `${plural(due, "row")} that wait` }) },
    { label: `Run ${count(empty)} empty`, bar: runner ?? (empty ? null : "No cell is empty."), run: () => onRun({ column: name, rows: "empty", label: plural(empty, "empty cell") }) },
    { label: `Run ${count(failed)} failed`, bar: runner ?? (failed ? null : "Nothing failed."), run: () => onRun({ column: name, rows: "errors", label: `${plural(failed, "row")} that failed` }) },
    { label: `Run ${count(refused)} refused`, bar: runner ?? (refused ? null : "Nothing was refused."), run: () => onRun({ column: name, rows: "refused", label: `${plural(refused, "row")} that were refused` }) },
    { label: "Try the first 10 rows", bar: runner, run: () => onRun({ column: name, rows: due ? "due" : "empty", first: 10, label: "the first 10 rows" }) },
    { label: `Run again for all ${count(table.row_count)}…`, bar: runner, run: () => onRun({ column: name, rows: "all", label: `all ${plural(table.row_count, "row")}, again` }) },
    "line",
  ];
}

export function columnMenu(of: ColumnMenuOf): MenuEntry[] {
  const { column, columns, builder, onSort, onDelete } = of;
  const computed = isComputed(column);
  const ours = computed || column.typed;
  const header = columns.headers.find((one) => one.column.id === String(column.id));
  const pinned = header?.column.getIsPinned() === "start";
  const width = header?.column.getSize() ?? 160;
  return [
    ...(ours ? [
      { label: "Edit column…", bar: builder, run: () => goQuery({ panel: `column:${column.id}` }) },
    ] : [{ label: "What it is…", run: () => goQuery({ panel: `column:${column.id}` }) }]),
    { label: "Copy column name", run: () => attempt(navigator.clipboard.writeText(column.name), "Copied.") },
    "line",
    ...(computed ? runEntries(of) : []),
    { label: "Sort up", run: () => onSort([{ name: column.name, descending: false }]) },
    { label: "Sort down", run: () => onSort([{ name: column.name, descending: true }]) },
    { label: "Show empty cells", run: () => goQuery({ filter: JSON.stringify({ all: [{ column: column.name, is: "empty" }] }) }) },
    ...(computed ? [{ label: "Show failed cells", run: () => goQuery({ filter: JSON.stringify({ all: [{ column: column.name, state: ["error", "refused", "in doubt"] }] }) }) }] : []),
    "line",
    { label: pinned ? "Unpin" : "Pin to the left", run: () => header?.column.pin(pinned ? false : "start") },
    { label: "Wider", run: () => columns.setWidth(column.id, width + 60) },
    { label: "Narrower", run: () => columns.setWidth(column.id, width - 60) },
    { label: "Move left", run: () => move(of, -1) },
    { label: "Move right", run: () => move(of, 1) },
    { label: "Hide", run: () => columns.setHidden(column.id, true) },
    ...(ours ? ["line" as const, { label: "Delete column…", danger: true, bar: builder, run: () => onDelete(column) }] : []),
  ];
}

function move({ column, columns }: ColumnMenuOf, step: number): void {
  const ids = columns.headers.map((header) => header.column.id);
  const at = ids.indexOf(String(column.id));
  const target = step < 0 ? ids[at - 1] : ids[at + 2];
  if (target) columns.moveBefore(String(column.id), target);
  else if (step > 0 && ids[at + 1]) columns.moveBefore(ids[at + 1] ?? "", String(column.id));
}
