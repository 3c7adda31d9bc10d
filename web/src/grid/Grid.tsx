// The grid as React sees it: owns the cache and the body, hands on keys and clicks.
import { useCallback, useEffect, useImperativeHandle, useRef, useState, type KeyboardEvent as ReactKey, type PointerEvent as ReactPointer, type Ref } from "react";
import { flushSync } from "react-dom";
import { changedUnheard, listen } from "../api/events";
import type { Column, ColumnStates, Table } from "../api/types";
import { note } from "../ui/Dialog";
import type { MenuEntry } from "../ui/Menu";
import { count, plural } from "../ui/time";
import { GridBody, type BodyColumn } from "./body";
import { RowCache, type GridRow, type Look } from "./cache";
import { cellValue } from "./cells";
import { GridFoot, GridHead, type SortOf } from "./Head";
import { CellEditor, type Editing } from "./CellEditor";
import { Edits, type CellChange } from "./edits";
import { PasteLine, type Paste } from "./PasteLine";
import { fromTsv, moveOf, toTsv, type Range } from "./selection";
import type { GridColumns } from "./useColumns";

const COPY_MOST = 50_000; // cells
const PASTE_MOST = 20_000;

export interface GridState {
  total: number | null;
  counting: boolean;
  inexact: boolean;
  error: unknown;
}
export interface Chosen {
  rows: number;
  columns: number;
  column: BodyColumn | undefined;
}
export interface GridHandle {
  focus: () => void;
  chosenIds: () => Promise<number[]>;
  firstIds: (most: number) => number[];
  rowById: (id: number) => GridRow | undefined;
}

/** What may be typed: the column's choices; of a checkbox both its values. */
function choicesOf(column: Column | undefined): string[] {
  if (column?.type === "checkbox") return ["true", "false"];
  const choices = (column?.config as { choices?: unknown } | null)?.choices;
  return Array.isArray(choices) ? choices.map(String) : typeof choices === "string" ? [choices] : [];
}

export function Grid({ table, look, columns, typist, states, rowHeight, sorts, onSort, menuOf, onCell, onRow, onChosen, onState, onShowBad, onRunKey, handle }: {
  table: Table;
  look: Look;
  columns: GridColumns;
  /** Why this person cannot type here, or null. */
  typist: string | null;
  states: ColumnStates[];
  rowHeight: number;
  sorts: SortOf[];
  onSort: (column: Column) => void;
  menuOf: (column: Column) => MenuEntry[];
  onCell: (rowId: number, columnId: number) => void;
  onRow: (rowId: number) => void;
  onChosen: (chosen: Chosen) => void;
  onState: (state: GridState) => void;
  onShowBad: (column: Column) => void;
  onRunKey: () => void;
  handle: Ref<GridHandle>;
}) {
  const frame = useRef<HTMLDivElement>(null);
  const canvas = useRef<HTMLDivElement>(null);
  const motion = useRef<HTMLDivElement>(null);
  const body = useRef<GridBody | null>(null);
  const cache = useRef<RowCache | null>(null);
  const [menuAt, setMenuAt] = useState<{ column: number; rect: DOMRect } | null>(null);
  const [editing, setEditing] = useState<Editing | null>(null);
  const [pasting, setPasting] = useState<Paste | null>(null);
  const [unsaved, setUnsaved] = useState(0);
  const edits = useRef<Edits | null>(null);
  const latest = useRef({ onChosen, onState });
  latest.current = { onChosen, onState };
  const toldState = useRef<GridState | null>(null);

  // blocks and changes come many times a second; what is drawn around the grid follows news alone
  const tellState = useCallback(() => {
    const now = cache.current;
    if (!now) return;
    const { total, counting, inexact, error } = now;
    const was = toldState.current;
    if (was && was.total === total && was.counting === counting && was.inexact === inexact && was.error === error) return;
    toldState.current = { total, counting, inexact, error };
    latest.current.onState(toldState.current);
  }, []);

  useEffect(() => {
    if (!frame.current || !canvas.current || !motion.current) return;
    const made = new GridBody({ frame: frame.current, canvas: canvas.current, motion: motion.current, rowHeight, onFocus: (_spot, _row, column) => {
      const range = made.selection.range();
      latest.current.onChosen({ rows: range.bottom - range.top + 1, columns: range.right - range.left + 1, column });
    } });
    body.current = made;
    return () => {
      made.close();
      body.current = null;
    };
    // the body lives as long as the grid; heights and columns are told to it below
    // eslint-disable-next-line react-hooks/exhaustive-deps
  }, []);
  useEffect(() => void body.current?.setRowHeight(rowHeight), [rowHeight]);
  useEffect(() => void body.current?.setColumns(columns.shown), [columns.shown]);

  const columnIds = table.columns.map((column) => column.id).join(",");
  const { table: name, view, filter, search, sort } = look;
  useEffect(() => {
    const made = new RowCache({ table: name, view, filter, search, sort }, (change) => {
      if (change.kind === "rows") body.current?.rowsChanged(change.ids);
      else if (change.kind === "blocks") body.current?.blocksCame();
      else if (change.kind === "total") body.current?.setTotal();
      tellState();
    });
    cache.current = made;
    body.current?.setCache(made);
    tellState();
    return () => made.close();
  }, [name, view, filter, search, sort, columnIds, tellState]);

  useEffect(() => {
    if (!cache.current?.filtered) cache.current?.setTotal(table.row_count);
  }, [table.row_count]);
  useEffect(() => {
    if (changedUnheard(table.id)) cache.current?.allStale();
    const end = [
      listen("rows", (event) => {
        if (event.table_id !== table.id) return;
        if (event.many) cache.current?.allStale();
        else cache.current?.rowsChanged(event.rows);
      }),
      listen("reset", () => cache.current?.allStale()),
    ];
    return () => end.forEach((one) => one());
  }, [table.id]);

  useEffect(() => {
    edits.current = new Edits(table.name, {
      now: (row, column) => {
        const cell = cache.current?.cellOf(row, column);
        return cell === undefined ? undefined : cellValue(cell);
      },
      type: (row, column, value) => cache.current?.type(row, column, value),
      typeEnds: (row, column, value) => cache.current?.typeEnds(row, column, value),
    }, setUnsaved);
  }, [table.name]);
  useEffect(() => listen("hello", () => {
    cache.current?.again();
    void edits.current?.flush();
  }), []);
  useEffect(() => {
    if (!unsaved) return;
    const stay = (event: BeforeUnloadEvent) => event.preventDefault();
    window.addEventListener("beforeunload", stay);
    return () => window.removeEventListener("beforeunload", stay);
  }, [unsaved]);

  useImperativeHandle(handle, () => ({
    focus: () => frame.current?.focus(),
    chosenIds: async () => {
      const range = body.current?.selection.range();
      if (!range || !cache.current) return [];
      return (await cache.current.rowsBetween(range.top, range.bottom)).map((row) => row.id);
    },
    firstIds: (most) => {
      const ids: number[] = [];
      const from = body.current?.selection.focus.row ?? 0;
      for (let at = from; ids.length < most && at < from + 200; at++) {
        const row = cache.current?.rowAt(at);
        if (!row) break;
        ids.push(row.id);
      }
      return ids;
    },
    rowById: (id) => cache.current?.rowById(id),
  }));

  /** Whether it is on the clipboard now. */
  async function copy(range: Range): Promise<boolean> {
    const made = body.current;
    const rows = cache.current;
    if (!made || !rows) return false;
    const cells = (range.bottom - range.top + 1) * (range.right - range.left + 1);
    if (cells > COPY_MOST) {
      note(`${count(cells)} cells are too many to copy. Up to ${count(COPY_MOST)} go; for more, export the table.`, "err");
      return false;
    }
    const lines = (await rows.rowsBetween(range.top, range.bottom)).map((row) => {
      const line: (string | null)[] = [];
      for (let at = range.left; at <= range.right; at++) {
        const place = made.placeOf(made.columnAt(at)?.id ?? -1);
        line.push(place === undefined ? null : cellValue(row.cells[place]));
      }
      return line;
    });
    try {
      await navigator.clipboard.writeText(toTsv(lines));
    } catch {
      note("The browser does not let this page write to the clipboard.", "err");
      return false;
    }
    note(`Copied ${count(cells)} ${cells === 1 ? "cell" : "cells"}.`);
    return true;
  }

  async function cut(range: Range): Promise<void> {
    if (await copy(range)) await clear(range);
  }

  /** Rows and columns of a range that people may type into, as they are now. */
  async function typedCells(range: Range): Promise<{ changes: CellChange[]; locked: number }> {
    const made = body.current;
    const rows = await cache.current?.rowsBetween(range.top, range.bottom) ?? [];
    const changes: CellChange[] = [];
    let locked = 0;
    for (const row of rows)
      for (let at = range.left; at <= range.right; at++) {
        const column = made?.columnAt(at);
        const place = column && made?.placeOf(column.id);
        if (!column?.typed || place === undefined) locked++;
        else changes.push({ rowId: row.id, columnId: column.id, old: cellValue(row.cells[place]), value: null });
      }
    return { changes, locked };
  }

  function mayType(): boolean {
    if (!typist) return true;
    note(typist, "err");
    return false;
  }

  async function clear(range: Range): Promise<void> {
    if ((range.bottom - range.top + 1) * (range.right - range.left + 1) > PASTE_MOST) return note(`Up to ${count(PASTE_MOST)} cells can be emptied at once.`, "err");
    const { changes, locked } = await typedCells(range);
    if (!changes.length) note(locked > 1 ? "None of these cells is typed by people." : "This cell is not typed by people.", "err");
    else if (mayType()) await edits.current?.make(changes);
  }

  /** The text of a spreadsheet, from the range's corner on; one cell fills the whole range. */
  async function paste(text: string): Promise<void> {
    const made = body.current;
    if (!made || !mayType()) return;
    const range = made.selection.range();
    const lines = fromTsv(text);
    const width = Math.max(...lines.map((line) => line.length));
    const one = lines.length === 1 && width === 1;
    const target: Range = one ? range : {
      top: range.top, left: range.left,
      bottom: Math.min(made.rowCount - 1, range.top + lines.length - 1), right: Math.min(made.columnCount - 1, range.left + width - 1),
    };
    if ((target.bottom - target.top + 1) * (target.right - target.left + 1) > PASTE_MOST) return note(`Up to ${count(PASTE_MOST)} cells can be pasted at once; import a file for more.`, "err");
    const rows = await cache.current?.rowsBetween(target.top, target.bottom) ?? [];
    const changes: CellChange[] = [];
    let locked = 0;
    for (const row of rows)
      for (let at = target.left; at <= target.right; at++) {
        const column = made.columnAt(at);
        const place = column && made.placeOf(column.id);
        const value = one ? lines[0]?.[0] : lines[row.index - target.top]?.[at - target.left];
        if (value === undefined) continue;
        if (!column?.typed || place === undefined) locked++;
        else changes.push({ rowId: row.id, columnId: column.id, old: cellValue(row.cells[place]), value: value === "" ? null : value });
      }
    const outside = one ? 0 : lines.length * width - (target.bottom - target.top + 1) * (target.right - target.left + 1);
    if (!changes.length) return note(locked > 1 ? "None of these cells is typed by people." : "This cell is not typed by people.", "err");
    if (changes.length === 1 && !locked && !outside) return void edits.current?.make(changes);
    const checked = await edits.current?.check(changes);
    setPasting({ changes, rows: lines.length, columns: width, unfit: checked?.unfit ?? [], locked, outside });
  }

  function openEditor(text: string | null): boolean {
    const made = body.current;
    const focus = made?.selection.focus;
    const row = focus && cache.current?.rowAt(focus.row);
    const column = focus && made?.columnAt(focus.column);
    if (!made || !row || !column?.typed) return false;
    if (!mayType()) return true;
    made.moveTo(focus, false);
    made.paintNow();
    const box = document.getElementById("grid-focus")?.getBoundingClientRect();
    const around = frame.current?.parentElement?.getBoundingClientRect();
    if (!box || !around) return true;
    const old = cellValue(row.cells[made.placeOf(column.id) ?? -1]);
    // at once: the next letter that is typed must find the box
    flushSync(() => setEditing({
      rowId: row.id, columnId: column.id, old, text: text ?? old ?? "", label: `${column.name}, row ${focus.row + 1}`, choices: choicesOf(columns.columnOf(String(column.id))),
      at: { left: box.left - around.left, top: box.top - around.top, width: box.width, height: box.height },
    }));
    return true;
  }
  function endEditor(value: string | null, move: "down" | "right" | "left" | "up" | null): void {
    const was = editing;
    const made = body.current;
    setEditing(null);
    frame.current?.focus({ preventScroll: true });
    if (was && value !== null) void edits.current?.make([{ rowId: was.rowId, columnId: was.columnId, old: was.old, value: value === "" ? null : value }]);
    if (!made || !move) return;
    const { focus } = made.selection;
    const to = { down: [1, 0], up: [-1, 0], right: [0, 1], left: [0, -1] }[move];
    made.moveTo({ row: Math.max(0, Math.min(made.rowCount - 1, focus.row + (to[0] ?? 0))), column: Math.max(0, Math.min(made.columnCount - 1, focus.column + (to[1] ?? 0))) }, false);
  }

  function openFocus(): void {
    const made = body.current;
    const focus = made?.selection.focus;
    const row = focus && cache.current?.rowAt(focus.row);
    const column = focus && made?.columnAt(focus.column);
    if (row && column) onCell(row.id, column.id);
  }

  function keys(event: ReactKey): void {
    const made = body.current;
    if (!made || event.target !== frame.current) return;
    const { selection } = made;
    const chord = event.ctrlKey || event.metaKey;
    if (event.altKey && event.key === "ArrowDown") {
      const column = made.columnAt(selection.focus.column);
      const head = frame.current?.querySelector(`[data-column="${column?.id ?? ""}"]`);
      if (column && head) setMenuAt({ column: column.id, rect: head.getBoundingClientRect() });
    } else if (chord && event.key === "Enter") onRunKey();
    else if (chord && event.key.toLowerCase() === "z") void (event.shiftKey ? edits.current?.redo() : edits.current?.undo());
    else if (chord && event.key.toLowerCase() === "y") void edits.current?.redo();
    else if (event.key === "F2") {
      if (!openEditor(null)) note("This cell is not typed by people: what it holds comes from the source or from its column.", "err");
    } else if (event.key === "Enter") {
      if (!openEditor(null)) openFocus();
    } else if (event.key === " " && !chord && !event.shiftKey) openFocus();
    else if (event.key === "Delete" || event.key === "Backspace") void clear(selection.range());
    else if (chord && event.key.toLowerCase() === "x") void cut(selection.range());
    else if (!chord && !event.altKey && event.key.length === 1 && event.key !== "?" && openEditor(event.key)) {
      // the key is the first letter of what is typed
    }
    else if (chord && event.key.toLowerCase() === "a") selection.select({ top: 0, left: 0, bottom: made.rowCount - 1, right: made.columnCount - 1 });
    else if (chord && event.key === " ") selection.select({ top: 0, bottom: made.rowCount - 1, left: selection.focus.column, right: selection.focus.column });
    else if (event.shiftKey && event.key === " ") selection.select({ top: selection.focus.row, bottom: selection.focus.row, left: 0, right: made.columnCount - 1 });
    else if (chord && event.key.toLowerCase() === "c") void copy(selection.range());
    else if (event.key === "Escape" && !selection.single) selection.move(selection.focus, false);
    else {
      const tab = event.key === "Tab" && (event.shiftKey ? -1 : 1);
      if (tab && selection.focus.column + tab >= 0 && selection.focus.column + tab < made.columnCount) {
        event.preventDefault();
        made.moveTo({ row: selection.focus.row, column: selection.focus.column + tab }, false);
        return;
      }
      const to = moveOf(event.nativeEvent, selection.focus, { rows: made.rowCount, columns: made.columnCount, page: made.pageRows });
      if (!to) return;
      event.preventDefault();
      made.moveTo(to, event.shiftKey);
      return;
    }
    event.preventDefault();
    made.selectionChanged();
  }

  const dragging = useRef(false);
  function pointerDown(event: ReactPointer): void {
    const spot = body.current?.spotOf(event);
    if (!spot || event.button !== 0) return;
    frame.current?.focus({ preventScroll: true });
    if (spot.column < 0) {
      const row = cache.current?.rowAt(spot.row);
      if (row) onRow(row.id);
      return;
    }
    body.current?.moveTo(spot, event.shiftKey);
    dragging.current = true;
  }
  function pointerMove(event: ReactPointer): void {
    if (!dragging.current || !(event.buttons & 1)) return;
    const spot = body.current?.spotOf(event);
    const focus = body.current?.selection.focus;
    if (spot && spot.column >= 0 && focus && (spot.row !== focus.row || spot.column !== focus.column)) body.current?.moveTo(spot, true);
  }

  return (
    <>
    <div ref={frame} className="grid" role="grid" tabIndex={0} aria-label={`Table ${table.name}`} aria-rowcount={table.row_count + 1}
      aria-colcount={columns.shown.length + 1} aria-multiselectable="true" data-region="grid"
      onKeyDown={keys} onScroll={() => editing && (document.activeElement as HTMLElement | null)?.blur()} onPaste={(event) => {
        if (event.target !== frame.current) return;
        event.preventDefault();
        void paste(event.clipboardData.getData("text/plain"));
      }} onPointerDown={pointerDown} onPointerMove={pointerMove} onPointerUp={() => (dragging.current = false)}
      onDoubleClick={(event) => body.current?.spotOf(event) && (openEditor(null) || openFocus())}>
      <GridHead columns={columns} sorts={sorts} onSort={onSort} menuOf={menuOf} menuAt={menuAt} onMenu={(at) => {
        setMenuAt(at);
        if (!at) frame.current?.focus();
      }} />
      <div ref={canvas} className="g-canvas" role="rowgroup" />
      <GridFoot columns={columns} states={states} rows={table.row_count} onShowBad={onShowBad} />
    </div>
    <div ref={motion} className="g-motion" aria-hidden="true" hidden />
    {editing && <CellEditor editing={editing} onEnd={endEditor} />}
    {pasting && <PasteLine paste={pasting} onEnd={(go) => {
      if (go) void edits.current?.make(pasting.changes);
      setPasting(null);
      frame.current?.focus({ preventScroll: true });
    }} />}
    {unsaved > 0 && <div className="paste-line" role="status"><span>{plural(unsaved, "change is", "changes are")} not saved yet: Argil cannot be reached. They are saved when it is back.</span></div>}
    </>
  );
}
