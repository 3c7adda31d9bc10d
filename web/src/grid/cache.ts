// The rows that the grid has, in blocks: asks for what is on screen, keeps the last
// blocks seen, follows what events name. An old row stays until its new self is here,
// and an answer that is older than what is known changes nothing (order.ts).
import { get, seg, withQuery } from "../api/client";
import type { RowList, RowWindow, WireCell, WireRow } from "../api/types";
import { ReadOrder } from "./order";
import { TypedCells } from "./typed";

export const BLOCK = 100;
const KEPT_BLOCKS = 60;
const IDS_AT_ONCE = 500;

export interface Look {
  table: string;
  view: string | null;
  filter: string | null;
  search: string | null;
  sort: string | null;
}
export interface GridRow extends WireRow {
  index: number;
  /** The read that it came with. */
  read: number;
}
interface Block {
  rows: GridRow[];
  last: string | null;
  stale: boolean;
  used: number;
}
export type Change = { kind: "rows"; ids: Set<number> } | { kind: "blocks" } | { kind: "total" } | { kind: "error" };

export class RowCache {
  total: number | null = null;
  /** The total is still being counted. */
  counting = false;
  error: unknown = null;
  columns: number[] = [];
  /** Row numbers are near, not exact. */
  inexact = false;
  private blocks = new Map<number, Block>();
  private byId = new Map<number, GridRow>();
  private asking: { block: number; abort: AbortController } | null = null;
  private wanted: number[] = [];
  private changed = new Set<number>();
  private patching = false;
  private clock = 0;
  private order = new ReadOrder();
  private typed = new TypedCells();
  private totalAt = 0;
  private closed = false;

  constructor(private readonly look: Look, private readonly told: (change: Change) => void) {}

  get filtered(): boolean {
    return !!(this.look.filter || this.look.search || this.look.view);
  }

  rowAt(index: number): GridRow | undefined {
    return this.blocks.get(Math.floor(index / BLOCK))?.rows[index % BLOCK];
  }
  rowById(id: number): GridRow | undefined {
    return this.byId.get(id);
  }

  /** What is on screen; blocks that nobody wants any more are not asked for. */
  want(from: number, to: number): void {
    const first = Math.floor(from / BLOCK);
    const end = Math.floor(Math.max(from, to) / BLOCK);
    this.wanted = [];
    for (let block = first; block <= end; block++) {
      const known = this.blocks.get(block);
      if (known) known.used = ++this.clock;
      if ((!known || known.stale) && this.asking?.block !== block) this.wanted.push(block);
    }
    if (this.asking && (this.asking.block < first - 1 || this.asking.block > end + 1)) this.asking.abort.abort();
    void this.askNext();
  }

  private async askNext(): Promise<void> {
    if (this.asking || this.closed) return;
    const block = this.wanted.shift();
    if (block === undefined) return;
    const abort = new AbortController();
    this.asking = { block, abort };
    try {
      await this.read(block, abort.signal);
      this.error = null;
    } catch (problem) {
      if (!abort.signal.aborted && !this.closed) {
        this.error = problem;
        this.wanted = [];
        this.told({ kind: "error" });
      }
    }
    this.asking = null;
    void this.askNext();
  }

  private async read(block: number, signal?: AbortSignal): Promise<void> {
    const read = this.order.begin();
    try {
      this.put(block, await get<RowWindow>(this.path(block), signal), read);
    } finally {
      this.order.end(read);
    }
  }

  private path(block: number): string {
    const before = this.blocks.get(block - 1);
    const behind = before && !before.stale && before.rows.length === BLOCK ? before.last : null;
    return withQuery(`/tables/${seg(this.look.table)}/window`, {
      view: this.look.view,
      filter: this.look.filter,
      search: this.look.search,
      sort: this.look.sort,
      limit: BLOCK,
      behind,
      at: behind ? null : block * BLOCK || null,
    });
  }

  private put(block: number, answer: RowWindow, read: number): void {
    if (this.closed) return;
    const old = this.blocks.get(block);
    this.columns = answer.columns;
    const rows = answer.rows.map((row, at) => this.newer(row, block * BLOCK + at, read));
    for (const row of old?.rows ?? []) this.forget(row);
    for (const row of rows) this.byId.set(row.id, row);
    this.blocks.set(block, { rows, last: answer.last, stale: this.order.allSince(read), used: ++this.clock });
    if (answer.at_error) this.inexact = true;
    this.noteTotal(block, answer, read);
    this.dropOld();
    this.told({ kind: "blocks" });
    void this.patch();
  }

  /** What a read says of a row, or what is known since; what was typed stands over it. */
  private newer(row: WireRow, index: number, read: number): GridRow {
    const known = this.byId.get(row.id);
    if (this.order.rowSince(read, row.id)) this.changed.add(row.id); // said to have changed while this was on its way
    if (known && known.read > read) return known.index === index ? known : { ...known, index };
    const cells = this.typed.over(row.id, row.cells, this.columns, read);
    return { ...row, cells, index, read };
  }
  private forget(row: GridRow): void {
    if (this.byId.get(row.id) === row) this.byId.delete(row.id); // else it stands in another block now
  }

  private noteTotal(block: number, answer: RowWindow, read: number): void {
    if (read < this.totalAt) return; // it was counted anew meanwhile
    if (answer.total !== null) this.takeTotal(answer.total);
    else if (answer.rows.length < BLOCK && (answer.rows.length || !block)) this.takeTotal(block * BLOCK + answer.rows.length);
    else if (this.total === null) void this.countAll();
  }

  setTotal(total: number): void {
    this.totalAt = this.order.now();
    this.takeTotal(total);
  }
  private takeTotal(total: number): void {
    if (this.total === total) return;
    this.total = total;
    for (const [at, block] of this.blocks) // rows have come since it was read
      if (block.rows.length < BLOCK && at * BLOCK + block.rows.length < total) block.stale = true;
    this.told({ kind: "total" });
  }

  private async countAll(): Promise<void> {
    if (this.counting) return;
    this.counting = true;
    let sum = 0;
    let next: string | null = null;
    try {
      do {
        const { count, next: more }: { count: number; next: string | null } = await get(withQuery(`/tables/${seg(this.look.table)}/count`, {
          view: this.look.view,
          filter: this.look.filter,
          search: this.look.search,
          behind: next,
        }));
        sum += count;
        next = more;
        if (this.closed) return;
        this.takeTotal(sum);
      } while (next);
    } catch (problem) {
      this.error = problem;
      this.told({ kind: "error" });
    } finally {
      this.counting = false;
      this.told({ kind: "total" });
    }
  }

  private dropOld(): void {
    if (this.blocks.size <= KEPT_BLOCKS) return;
    const oldest = [...this.blocks.entries()].sort((a, b) => a[1].used - b[1].used).slice(0, this.blocks.size - KEPT_BLOCKS);
    for (const [block, known] of oldest) {
      for (const row of known.rows) this.forget(row);
      this.blocks.delete(block);
    }
  }

  /** These rows changed at the server. */
  rowsChanged(ids: number[]): void {
    this.order.rowsChanged(ids);
    for (const id of ids) if (this.byId.has(id)) this.changed.add(id);
    void this.patch();
  }

  private async patch(): Promise<void> {
    if (this.patching) return;
    this.patching = true;
    while (this.changed.size && !this.closed) {
      const ids = [...this.changed].slice(0, IDS_AT_ONCE);
      for (const id of ids) this.changed.delete(id);
      const read = this.order.begin();
      try {
        const answer = await get<RowList>(withQuery(`/tables/${seg(this.look.table)}/rows`, { ids: ids.join(",") }));
        this.replace(answer.rows, read);
      } catch {
        this.allStale(); // what the window says is right in any case
      }
      this.order.end(read);
    }
    this.patching = false;
  }

  private replace(rows: WireRow[], read: number): void {
    const ids = new Set<number>();
    for (const row of rows) {
      const known = this.byId.get(row.id);
      if (known && this.stand(this.newer(row, known.index, read))) ids.add(row.id);
    }
    this.told({ kind: "rows", ids });
  }
  private stand(row: GridRow): boolean {
    const block = this.blocks.get(Math.floor(row.index / BLOCK));
    if (!block) return false;
    block.rows[row.index % BLOCK] = row;
    this.byId.set(row.id, row);
    return true;
  }

  cellOf(rowId: number, columnId: number): WireCell | undefined {
    return this.byId.get(rowId)?.cells[this.columns.indexOf(columnId)];
  }

  /** What was typed stands at once, until its save was answered and the server's word asked for since. */
  type(rowId: number, columnId: number, value: string | null): void {
    this.typed.set(rowId, columnId, value);
    this.paintTyped(rowId);
  }
  /** Its save was answered; what did not fit stands no more: `value` is what to show until the row is here anew. */
  typeEnds(rowId: number, columnId: number, value?: string | null): void {
    this.typed.end(rowId, columnId, this.order.now(), value);
    if (value !== undefined) this.paintTyped(rowId);
    this.rowsChanged([rowId]);
  }
  private paintTyped(rowId: number): void {
    const row = this.byId.get(rowId);
    if (!row) return;
    this.stand({ ...row, cells: this.typed.over(rowId, row.cells, this.columns, row.read) });
    this.told({ kind: "rows", ids: new Set([rowId]) });
  }

  /** Too much changed to name: fetch again what is on screen, show the old until then. */
  allStale(): void {
    this.order.allChanged();
    for (const block of this.blocks.values()) block.stale = true;
    this.told({ kind: "blocks" });
  }
  /** The server can be reached again: what could not be asked is asked now. */
  again(): void {
    if (this.error) this.told({ kind: "blocks" });
  }

  /** Rows from..to, fetched where they are not here; for copying. */
  async rowsBetween(from: number, to: number): Promise<GridRow[]> {
    const rows: GridRow[] = [];
    for (let block = Math.floor(from / BLOCK); block <= Math.floor(to / BLOCK); block++) {
      if (!this.blocks.get(block)) await this.read(block);
      for (const row of this.blocks.get(block)?.rows ?? []) if (row.index >= from && row.index <= to) rows.push(row);
    }
    return rows;
  }

  close(): void {
    this.closed = true;
    this.asking?.abort.abort();
  }
}
