// Which panel the address asks for.
import type { RefObject } from "react";
import type { Connection, Table } from "../api/types";
import type { GridHandle } from "../grid/Grid";
import { CellPanel } from "./CellPanel";
import { ColumnPanel } from "./ColumnPanel";
import { ExportPanel } from "./ExportPanel";
import { PlanPanel } from "./PlanPanel";
import { RecipePanel } from "./RecipePanel";
import { RowPanel } from "./RowPanel";
import type { RunOrder } from "./RunDialog";
import { SourcesPanel } from "./SourcesPanel";

export function TablePanel({ panel, table, connection, grid, onClose, onRun }: {
  panel: string | null;
  table: Table;
  connection: Connection | undefined;
  grid: RefObject<GridHandle | null>;
  onClose: () => void;
  onRun: (order: RunOrder) => void;
}) {
  const [kind, one = "", two = ""] = (panel ?? "").split(":");
  const id = Number(one);
  switch (kind) {
    case "cell": return <CellPanel key={panel} table={table} rowId={id} columnId={Number(two)} rowKey={grid.current?.rowById(id)?.key ?? `Row ${id}`} onClose={onClose} onRun={onRun} />;
    case "row": return <RowPanel key={panel} table={table} rowId={id} connection={connection} onClose={onClose} onRun={onRun} />;
    case "column": return <ColumnPanel key={panel} table={table} columnId={one === "new" ? null : id} sampleIds={() => grid.current?.firstIds(5) ?? []} onClose={onClose} onRun={onRun} />;
    case "plan": return <PlanPanel key={panel} runId={id} connection={connection} onClose={onClose} />;
    case "sources": return <SourcesPanel table={table} onClose={onClose} />;
    case "recipe": return <RecipePanel table={table} onClose={onClose} />;
    case "export": return <ExportPanel table={table} onClose={onClose} />;
    default: return null;
  }
}
