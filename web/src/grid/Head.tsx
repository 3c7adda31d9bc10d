// The grid's first line: names, sorts, widths, the column menu; and its last: how far
// each column is.
import { useState } from "react";
import { isComputed, type Column, type ColumnStates } from "../api/types";
import { Icon } from "../ui/icons";
import { MenuList, type MenuEntry } from "../ui/Menu";
import { count } from "../ui/time";
import { NUMBER_WIDTH } from "./body";
import { isNumeric } from "./cells";
import type { GridColumns } from "./useColumns";

export interface SortOf {
  name: string;
  descending: boolean;
}

export function kindIcon(column: Column): string {
  if (column.typed) return "edit";
  if (column.kind === "source") return "cloud";
  if (column.writes) return "up";
  if (column.kind === "formula") return "code";
  if (column.kind === "http") return "link";
  return "search";
}

interface Placed {
  id: string;
  width: number;
  left: number | null;
}
function placesOf(columns: GridColumns): Placed[] {
  let left = NUMBER_WIDTH;
  return columns.headers.map((header) => {
    const width = header.column.getSize();
    const pinned = header.column.getIsPinned() === "start";
    const place = { id: header.column.id, width, left: pinned ? left : null };
    if (pinned) left += width;
    return place;
  });
}

export function GridHead({ columns, sorts, onSort, menuOf, menuAt, onMenu }: {
  columns: GridColumns;
  sorts: SortOf[];
  onSort: (column: Column) => void;
  menuOf: (column: Column) => MenuEntry[];
  menuAt: { column: number; rect: DOMRect } | null;
  onMenu: (at: { column: number; rect: DOMRect } | null) => void;
}) {
  const [dragged, setDragged] = useState<string | null>(null);
  const places = placesOf(columns);
  const open = menuAt && columns.columnOf(String(menuAt.column));
  return (
    <div className="g-head" role="rowgroup">
      <div className="g-row" role="row" aria-rowindex={1}>
        <div className="g-cell g-number" role="columnheader" aria-label="Row number">#</div>
        {columns.headers.map((header, at) => {
          const column = columns.columnOf(header.column.id);
          const place = places[at];
          if (!column || !place) return null;
          const sort = sorts.find((one) => one.name === column.name);
          return (
            <div key={place.id} role="columnheader" aria-colindex={at + 2} data-column={column.id}
              aria-sort={sort ? (sort.descending ? "descending" : "ascending") : "none"}
              className={`g-cell g-name ${place.left !== null ? "pinned" : ""} ${isNumeric(column.type) ? "numeric" : ""}`}
              style={{ width: place.width, ...(place.left !== null ? { left: place.left } : {}) }}
              draggable onDragStart={() => setDragged(place.id)} onDragOver={(event) => dragged && event.preventDefault()}
              onDrop={() => dragged && dragged !== place.id && columns.moveBefore(dragged, place.id)}
              onContextMenu={(event) => {
                event.preventDefault();
                onMenu({ column: column.id, rect: event.currentTarget.getBoundingClientRect() });
              }}>
              <button type="button" className="g-title" tabIndex={-1} onClick={() => onSort(column)} title={`${column.name} · ${column.title ?? "from Salesforce"} · ${column.type}`}>
                <Icon name={kindIcon(column)} size={13} />
                <span>{column.name}</span>
                {sort && <Icon name={sort.descending ? "down" : "up"} size={12} />}
              </button>
              <button type="button" className="g-caret" tabIndex={-1} aria-haspopup="menu" aria-label={`Menu of ${column.name}`}
                onClick={(event) => onMenu({ column: column.id, rect: event.currentTarget.getBoundingClientRect() })}>
                <Icon name="caret" size={12} />
              </button>
              <div className="g-grip" aria-hidden="true" onMouseDown={(event) => {
                event.preventDefault(); // or the column would be dragged away
                header.getResizeHandler()(event);
              }} onTouchStart={header.getResizeHandler()} onDoubleClick={() => header.column.resetSize()} />
            </div>
          );
        })}
      </div>
      {open && menuAt && <MenuList label={`Column ${open.name}`} entries={menuOf(open)} at={menuAt.rect} onClose={() => onMenu(null)} />}
    </div>
  );
}

const SETTLED = ["ok", "no result", "skipped", "error", "refused", "in doubt"];
const BAD = ["error", "refused", "in doubt"];

export interface ColumnProgress {
  done: number;
  total: number;
  bad: number;
  running: number;
}
export function progressOf(states: ColumnStates | undefined, rows: number): ColumnProgress {
  const sum = (names: string[]) => names.reduce((all, name) => all + (states?.states[name] ?? 0), 0);
  const listed = Object.values(states?.states ?? {}).reduce((all, n) => all + n, 0);
  return { done: sum(SETTLED), total: Math.max(rows, listed), bad: sum(BAD), running: sum(["running", "queued", "retrying"]) };
}

export function GridFoot({ columns, states, rows, onShowBad }: {
  columns: GridColumns;
  states: ColumnStates[];
  rows: number;
  onShowBad: (column: Column) => void;
}) {
  const places = placesOf(columns);
  return (
    <div className="g-foot" role="rowgroup">
      <div className="g-row" role="row">
        <div className="g-cell g-number" role="cell" />
        {places.map((place) => {
          const column = columns.columnOf(place.id);
          const progress = column && isComputed(column) ? progressOf(states.find((one) => one.column_id === column.id), rows) : null;
          return (
            <div key={place.id} role="cell" className={`g-cell ${place.left !== null ? "pinned" : ""}`} style={{ width: place.width, ...(place.left !== null ? { left: place.left } : {}) }}>
              {column && progress && progress.total > 0 && <FootCell column={column} progress={progress} onShowBad={onShowBad} />}
            </div>
          );
        })}
      </div>
    </div>
  );
}

function FootCell({ column, progress, onShowBad }: { column: Column; progress: ColumnProgress; onShowBad: (column: Column) => void }) {
  const share = Math.floor((100 * progress.done) / progress.total);
  return (
    <>
      <span className="g-progress" role="img" aria-label={`${column.name}: ${share} % of rows settled`}>
        <span style={{ transform: `scaleX(${progress.done / progress.total})` }} className={progress.running ? "busy" : ""} />
      </span>
      <span className="g-share">{share} %</span>
      {progress.bad > 0 && (
        <button type="button" className="link tone-err" tabIndex={-1} onClick={() => onShowBad(column)} title="Show these rows">
          {count(progress.bad)} failed
        </button>
      )}
    </>
  );
}
