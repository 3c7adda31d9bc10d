// The grid as React sees it: owns the cache and the body, hands on keys and clicks.
import { useCallback, useEffect, useImperativeHandle, useRef, useState, type KeyboardEvent as ReactKey, type PointerEvent as ReactPointer, type Ref } from "react";
import { listen } from "../api/events";
import type { Column, ColumnStates, Table } from "../api/types";
import { note } from "../ui/Dialog";
import type { MenuEntry } from "../ui/Menu";
import { count } from "../ui/time";
import { GridBody, type BodyColumn } from "./body";
import { RowCache, type GridRow, type Look } from "./cache";
import { cellValue } from "./cells";
import { GridFoot, GridHead, type SortOf } from "./Head";
import { moveOf, toTsv, type Range } from "./selection";
import type { GridColumns } from "./useColumns";

const COPY_MOST = 50_000; // cells

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

export function Grid({ table, look, columns, states, rowHeight, sorts, onSort, menuOf, onCell, onRow, onChosen, onState, onShowBad, onRunKey, handle }: {
  table: Table;
  look: Look;
  columns: GridColumns;
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
  const body = useRef<GridBody | null>(null);
  const cache = useRef<RowCache | null>(null);
  const [menuAt, setMenuAt] = useState<{ column: number; rect: DOMRect } | null>(null);
  const latest = useRef({ onChosen, onState });
  latest.current = { onChosen, onState };

  const tellState = useCallback(() => {
    const now = cache.current;
    if (now) latest.current.onState({ total: now.total, counting: now.counting, inexact: now.inexact, error: now.error });
  }, []);

  useEffect(() => {
    if (!frame.current || !canvas.current) return;
    const made = new GridBody({ frame: frame.current, canvas: canvas.current, rowHeight, onFocus: (_spot, _row, column) => {
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

  async function copy(range: Range): Promise<void> {
    const made = body.current;
    const rows = cache.current;
    if (!made || !rows) return;
    const cells = (range.bottom - range.top + 1) * (range.right - range.left + 1);
    if (cells > COPY_MOST) {
      note(`${count(cells)} cells are too many to copy. Up to ${count(COPY_MOST)} go; for more, export the table.`, "err");
      return;
    }
    const lines = (await rows.rowsBetween(range.top, range.bottom)).map((row) => {
      const line: (string | null)[] = [];
      for (let at = range.left; at <= range.right; at++) {
        const place = made.placeOf(made.columnAt(at)?.id ?? -1);
        line.push(place === undefined ? null : cellValue(row.cells[place]));
      }
      return line;
    });
    await navigator.clipboard.writeText(toTsv(lines));
    note(`Copied ${count(cells)} ${cells === 1 ? "cell" : "cells"}.`);
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
    else if (event.key === "Enter" || (event.key === " " && !chord && !event.shiftKey)) openFocus();
    else if (chord && event.key.toLowerCase() === "a") selection.select({ top: 0, left: 0, bottom: made.rowCount - 1, right: made.columnCount - 1 });
    else if (chord && event.key === " ") selection.select({ top: 0, bottom: made.rowCount - 1, left: selection.focus.column, right: selection.focus.column });
    else if (event.shiftKey && event.key === " ") selection.select({ top: selection.focus.row, bottom: selection.focus.row, left: 0, right: made.columnCount - 1 });
    else if (chord && event.key.toLowerCase() === "c") void copy(selection.range());
    else if (event.key === "Escape" && !selection.single) selection.move(selection.focus, false);
    else {
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
    const spot = body.current?.spotOf(event.target);
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
    const spot = body.current?.spotOf(event.target);
    const focus = body.current?.selection.focus;
    if (spot && spot.column >= 0 && focus && (spot.row !== focus.row || spot.column !== focus.column)) body.current?.moveTo(spot, true);
  }

  return (
    <div ref={frame} className="grid" role="grid" tabIndex={0} aria-label={`Table ${table.name}`} aria-rowcount={table.row_count + 1}
      aria-colcount={columns.shown.length + 1} aria-multiselectable="true" data-region="grid"
      onKeyDown={keys} onPointerDown={pointerDown} onPointerMove={pointerMove} onPointerUp={() => (dragging.current = false)}
      onDoubleClick={(event) => body.current?.spotOf(event.target) && openFocus()}>
      <GridHead columns={columns} sorts={sorts} onSort={onSort} menuOf={menuOf} menuAt={menuAt} onMenu={(at) => {
        setMenuAt(at);
        if (!at) frame.current?.focus();
      }} />
      <div ref={canvas} className="g-canvas" role="rowgroup" />
      <GridFoot columns={columns} states={states} rows={table.row_count} onShowBad={onShowBad} />
    </div>
  );
}
