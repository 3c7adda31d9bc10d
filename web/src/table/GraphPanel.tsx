// Who reads whom: the table's columns as boxes in layers, and the same as a list.
import type { Column, Table } from "../api/types";
import { goQuery } from "../app/router";
import { Panel } from "../ui/Panel";

const BOX = { width: 150, height: 30, gapX: 60, gapY: 12 };

/** A column stands one layer behind the last of those that it reads. */
function layersOf(columns: Column[]): Column[][] {
  const depth = new Map<number, number>();
  const depthOf = (column: Column, seen: Set<number>): number => {
    const known = depth.get(column.id);
    if (known !== undefined) return known;
    if (seen.has(column.id)) return 0;
    seen.add(column.id);
    const reads = column.depends.map((id) => columns.find((one) => one.id === id)).filter((one) => one !== undefined);
    const found = reads.length ? 1 + Math.max(...reads.map((one) => depthOf(one, seen))) : 0;
    depth.set(column.id, found);
    return found;
  };
  const layers: Column[][] = [];
  for (const column of columns) (layers[depthOf(column, new Set())] ??= []).push(column);
  return layers;
}

export function GraphPanel({ table, onClose }: { table: Table; onClose: () => void }) {
  const joined = table.columns.filter((column) => column.depends.length || table.columns.some((one) => one.depends.includes(column.id)));
  const layers = layersOf(joined);
  const places = new Map<number, { x: number; y: number }>();
  layers.forEach((layer, x) => layer.forEach((column, y) => places.set(column.id, { x: 8 + x * (BOX.width + BOX.gapX), y: 8 + y * (BOX.height + BOX.gapY) })));
  const width = 16 + layers.length * BOX.width + Math.max(0, layers.length - 1) * BOX.gapX;
  const height = 16 + (layers.length > 2 ? BOX.height : 0) + Math.max(1, ...layers.map((layer) => layer.length)) * (BOX.height + BOX.gapY);
  const nameOf = (id: number) => table.columns.find((one) => one.id === id)?.name ?? "";
  const readers = (column: Column) => table.columns.filter((one) => one.depends.includes(column.id)).map((one) => one.name);
  return (
    <Panel wide title="Columns, and who reads whom" sub={table.name} onClose={onClose}>
      {!joined.length && <p className="muted">No column reads another one yet.</p>}
      {joined.length > 0 && (
        <div className="graph-box" tabIndex={0} role="region" aria-label="Picture of the columns">
          <svg width={width} height={height} role="img" aria-label={`Columns from left to right as they depend on each other: ${joined.map((column) => column.depends.length ? `${column.name} reads ${column.depends.map(nameOf).join(" and ")}` : column.name).join("; ")}`}>
            {joined.flatMap((column) => column.depends.map((id) => {
              const from = places.get(id);
              const to = places.get(column.id);
              if (!from || !to) return null;
              const [x1, y1, x2, y2] = [from.x + BOX.width, from.y + BOX.height / 2, to.x, to.y + BOX.height / 2];
              const bend = Math.max(20, (x2 - x1) / 2);
              const round = x2 - x1 > BOX.gapX ? 60 : 0; // below the boxes of the layers between
              return <path key={`${id}-${column.id}`} className="graph-edge" d={`M${x1} ${y1} C${x1 + bend} ${y1 + round} ${x2 - bend} ${y2 + round} ${x2} ${y2}`} />;
            }))}
            {joined.map((column) => {
              const at = places.get(column.id);
              return at && (
                <g key={column.id} transform={`translate(${at.x} ${at.y})`}>
                  <rect width={BOX.width} height={BOX.height} rx="4" className={`graph-node ${column.writes ? "writes" : ""}`} />
                  <text x="10" y="19" className="graph-text">{column.writes ? "↑ " : column.kind === "source" ? "" : column.typed ? "✎ " : "ƒ "}{column.name.length > 18 ? `${column.name.slice(0, 17)}…` : column.name}</text>
                </g>
              );
            })}
          </svg>
        </div>
      )}
      <table className="list dense">
        <thead><tr><th scope="col">Column</th><th scope="col">What it is</th><th scope="col">Reads</th><th scope="col">Read by</th></tr></thead>
        <tbody>
          {table.columns.map((column) => (
            <tr key={column.id}>
              <td><button type="button" className="link" onClick={() => goQuery({ panel: `column:${column.id}` })}>{column.name}</button></td>
              <td>{column.kind === "source" ? "from the source" : column.title}{column.writes ? " (writes)" : ""}</td>
              <td>{column.depends.map(nameOf).join(", ")}</td>
              <td>{readers(column).join(", ")}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </Panel>
  );
}
