// The rows that the grid has, in blocks: asks for what is on screen, keeps the last
// blocks seen, follows what events name. An old row stays until its new self is here.
import { get, seg, withQuery } from "../api/client";
import type { RowList, RowWindow, WireRow } from "../api/types";

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
      if (!known || known.stale) this.wanted.push(block);
    }
    if (this.asking && this.asking.block < first - 1 || this.asking && this.asking.block > end + 1) this.asking.abort.abort();
    void this.askNext();
  }

  private async askNext(): Promise<void> {
    if (this.asking || this.closed) return;
    const block = this.wanted.shift();
    if (block === undefined) return;
    const abort = new AbortController();
    this.asking = { block, abort };
    try {
      this.put(block, await get<RowWindow>(this.path(block), abort.signal));
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

  private put(block: number, answer: RowWindow): void {
    if (this.closed) return;
    const old = this.blocks.get(block);
    for (const row of old?.rows ?? []) this.byId.delete(row.id);
    const rows = answer.rows.map((row, at) => ({ ...row, index: block * BLOCK + at }));
    for (const row of rows) this.byId.set(row.id, row);
    this.blocks.set(block, { rows, last: answer.last, stale: false, used: ++this.clock });
    this.columns = answer.columns;
    if (answer.at_error) this.inexact = true;
    this.noteTotal(block, answer);
    this.dropOld();
    this.told({ kind: "blocks" });
  }

  private noteTotal(block: number, answer: RowWindow): void {
    if (answer.total !== null) this.setTotal(answer.total);
    else if (answer.rows.length < BLOCK && (answer.rows.length || !block)) this.setTotal(block * BLOCK + answer.rows.length);
    else if (this.total === null) void this.countAll();
  }

  setTotal(total: number): void {
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
        this.setTotal(sum);
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
      for (const row of known.rows) this.byId.delete(row.id);
      this.blocks.delete(block);
    }
  }

  /** These rows changed at the server. */
  rowsChanged(ids: number[]): void {
    for (const id of ids) if (this.byId.has(id)) this.changed.add(id);
    void this.patch();
  }

  private async patch(): Promise<void> {
    if (this.patching) return;
    this.patching = true;
    while (this.changed.size && !this.closed) {
      const ids = [...this.changed].slice(0, IDS_AT_ONCE);
      for (const id of ids) this.changed.delete(id);
      try {
        const answer = await get<RowList>(withQuery(`/tables/${seg(this.look.table)}/rows`, { ids: ids.join(",") }));
        this.replace(answer.rows);
      } catch {
        this.allStale(); // what the window says is right in any case
      }
    }
    this.patching = false;
  }

  private replace(rows: WireRow[]): void {
    const ids = new Set<number>();
    for (const row of rows) {
      const known = this.byId.get(row.id);
      const block = known && this.blocks.get(Math.floor(known.index / BLOCK));
      if (!known || !block) continue;
      const fresh = { ...row, index: known.index };
      block.rows[known.index % BLOCK] = fresh;
      this.byId.set(row.id, fresh);
      ids.add(row.id);
    }
    this.told({ kind: "rows", ids });
  }

  /** What was typed stands at once; the server's own word follows. */
  setCell(rowId: number, columnId: number, value: string | null): void {
    const row = this.byId.get(rowId);
    const place = this.columns.indexOf(columnId);
    if (!row || place < 0) return;
    const fresh = { ...row, cells: row.cells.map((cell, at) => (at === place ? value : cell)) };
    const block = this.blocks.get(Math.floor(row.index / BLOCK));
    if (block) block.rows[row.index % BLOCK] = fresh;
    this.byId.set(rowId, fresh);
    this.told({ kind: "rows", ids: new Set([rowId]) });
  }

  /** Too much changed to name: fetch again what is on screen, show the old until then. */
  allStale(): void {
    for (const block of this.blocks.values()) block.stale = true;
    this.told({ kind: "blocks" });
  }

  /** Rows from..to, fetched where they are not here; for copying. */
  async rowsBetween(from: number, to: number): Promise<GridRow[]> {
    const rows: GridRow[] = [];
    for (let block = Math.floor(from / BLOCK); block <= Math.floor(to / BLOCK); block++) {
      if (!this.blocks.get(block)) this.put(block, await get<RowWindow>(this.path(block)));
      for (const row of this.blocks.get(block)?.rows ?? []) if (row.index >= from && row.index <= to) rows.push(row);
    }
    return rows;
  }

  close(): void {
    this.closed = true;
    this.asking?.abort.abort();
  }
}
