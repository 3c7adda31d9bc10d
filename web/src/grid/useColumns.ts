// Which columns are shown, in what order, how wide, which are pinned: TanStack Table's
// state, kept in this browser for each table.
import {
  columnOrderingFeature, columnPinningFeature, columnResizingFeature, columnSizingFeature, columnVisibilityFeature,
  tableFeatures, useTable,
  type ColumnDef, type ColumnOrderState, type ColumnPinningState, type ColumnSizingState, type ColumnVisibilityState,
} from "@tanstack/react-table";
import { useEffect, useMemo, useState } from "react";
import type { Column, Table } from "../api/types";
import { isNumeric } from "./cells";
import type { BodyColumn } from "./body";

const features = tableFeatures({ columnOrderingFeature, columnPinningFeature, columnResizingFeature, columnSizingFeature, columnVisibilityFeature });
type Features = typeof features;
const NO_ROWS: never[] = [];

interface Kept {
  order: ColumnOrderState;
  sizing: ColumnSizingState;
  pinning: ColumnPinningState;
  visibility: ColumnVisibilityState;
}

function usualWidth(column: Column): number {
  if (isNumeric(column.type) || column.type === "checkbox") return Math.max(120, Math.min(200, column.name.length * 8 + 60));
  if (column.type === "date") return 120;
  if (column.kind !== "source") return 220;
  if (column.name === "Name") return 220;
  if (column.source_field === "Id") return 170;
  return Math.max(160, Math.min(240, column.name.length * 9 + 60));
}

function usual(columns: Column[]): Kept {
  const first = columns.find((column) => column.name === "Name") ?? columns[0];
  return { order: [], sizing: {}, visibility: {}, pinning: { start: first ? [String(first.id)] : [], end: [] } };
}
function read(key: string, columns: Column[]): Kept {
  try {
    const text = window.localStorage.getItem(key);
    if (text) return { ...usual(columns), ...(JSON.parse(text) as Partial<Kept>) };
  } catch {
    // kept by another version: begin anew
  }
  return usual(columns);
}

export function useGridColumns(table: Table) {
  const key = `argil.columns.${table.id}`;
  const [order, setOrder] = useState<ColumnOrderState>(() => read(key, table.columns).order);
  const [sizing, setSizing] = useState<ColumnSizingState>(() => read(key, table.columns).sizing);
  const [pinning, setPinning] = useState<ColumnPinningState>(() => read(key, table.columns).pinning);
  const [visibility, setVisibility] = useState<ColumnVisibilityState>(() => read(key, table.columns).visibility);
  useEffect(() => {
    window.localStorage.setItem(key, JSON.stringify({ order, sizing, pinning, visibility }));
  }, [key, order, sizing, pinning, visibility]);

  const byId = useMemo(() => new Map(table.columns.map((column) => [String(column.id), column])), [table.columns]);
  const definitions = useMemo<ColumnDef<Features, never>[]>(
    () => table.columns.map((column) => ({ id: String(column.id), header: column.name, size: usualWidth(column), minSize: 60, maxSize: 900 })),
    [table.columns],
  );
  const model = useTable({
    features,
    columns: definitions,
    data: NO_ROWS,
    columnResizeMode: "onChange",
    state: { columnOrder: order, columnSizing: sizing, columnPinning: pinning, columnVisibility: visibility },
    onColumnOrderChange: setOrder,
    onColumnSizingChange: setSizing,
    onColumnPinningChange: setPinning,
    onColumnVisibilityChange: setVisibility,
  });

  const headers = [...model.getStartLeafHeaders(), ...model.getCenterLeafHeaders()];
  const shape = headers.map((header) => `${header.column.id}:${header.column.getSize()}:${header.column.getIsPinned()}`).join(" ");
  const shown = useMemo<BodyColumn[]>(
    () => headers.map((header) => ({
      id: Number(header.column.id),
      name: byId.get(header.column.id)?.name ?? "",
      type: byId.get(header.column.id)?.type ?? "text",
      typed: byId.get(header.column.id)?.typed ?? false,
      mono: /(^|\.)\w*Id$/.test(byId.get(header.column.id)?.source_field ?? ""),
      width: header.column.getSize(),
      pinned: header.column.getIsPinned() === "start",
      start: header.column.getStart(header.column.getIsPinned() === "start" ? "start" : "center"),
    })),
    // eslint-disable-next-line react-hooks/exhaustive-deps -- shape says all that headers do
    [shape, byId],
  );

  function moveBefore(moved: string, target: string): void {
    const ids = (order.length ? order : table.columns.map((column) => String(column.id))).filter((id) => id !== moved);
    for (const column of table.columns) if (!ids.includes(String(column.id)) && String(column.id) !== moved) ids.push(String(column.id));
    ids.splice(Math.max(0, ids.indexOf(target)), 0, moved);
    setOrder(ids);
  }
  return {
    model,
    headers,
    shown,
    columnOf: (id: string) => byId.get(id),
    moveBefore,
    hidden: table.columns.filter((column) => visibility[String(column.id)] === false),
    showAll: () => setVisibility({}),
    setHidden: (id: number, hide: boolean) => setVisibility((now) => ({ ...now, [String(id)]: !hide })),
    setWidth: (id: number, width: number) => setSizing((now) => ({ ...now, [String(id)]: Math.max(60, Math.min(900, width)) })),
  };
}
export type GridColumns = ReturnType<typeof useGridColumns>;
