// Which panel the address asks for.
import { lazy, Suspense, type RefObject } from "react";
import type { Connection, Table } from "../api/types";
import type { GridHandle } from "../grid/Grid";
import { Loading } from "../ui/parts";
import type { RunOrder } from "./RunDialog";

const CellPanel = lazy(async () => ({ default: (await import("./CellPanel")).CellPanel }));
const ColumnPanel = lazy(async () => ({ default: (await import("./ColumnPanel")).ColumnPanel }));
const DedupePanel = lazy(async () => ({ default: (await import("./DedupePanel")).DedupePanel }));
const ExportPanel = lazy(async () => ({ default: (await import("./ExportPanel")).ExportPanel }));
const GraphPanel = lazy(async () => ({ default: (await import("./GraphPanel")).GraphPanel }));
const PlanPanel = lazy(async () => ({ default: (await import("./PlanPanel")).PlanPanel }));
const RecipePanel = lazy(async () => ({ default: (await import("./RecipePanel")).RecipePanel }));
const RowPanel = lazy(async () => ({ default: (await import("./RowPanel")).RowPanel }));
const SourcesPanel = lazy(async () => ({ default: (await import("./SourcesPanel")).SourcesPanel }));
const VersionsPanel = lazy(async () => ({ default: (await import("./VersionsPanel")).VersionsPanel }));

function Chosen({ panel, table, connection, grid, onClose, onRun }: {
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
    case "graph": return <GraphPanel table={table} onClose={onClose} />;
    case "recipe": return <RecipePanel table={table} onClose={onClose} />;
    case "dedupe": return <DedupePanel table={table} onClose={onClose} />;
    case "versions": return <VersionsPanel table={table} onClose={onClose} />;
    case "export": return <ExportPanel table={table} onClose={onClose} />;
    default: return null;
  }
}

export function TablePanel(props: Parameters<typeof Chosen>[0]) {
  return props.panel ? <Suspense fallback={<aside className="panel" aria-label="Details"><Loading /></aside>}><Chosen {...props} /></Suspense> : null;
}
