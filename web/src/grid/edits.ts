// What people type: saved at once, taken back one gesture at a time, kept while the
// server cannot be reached. Who overwrites somebody is told, and may take it back.
import { ApiError, put, seg } from "../api/client";
import { invalidate } from "../api/cache";
import type { CellEditResult } from "../api/types";
import { note } from "../ui/Dialog";
import { ago, count, plural } from "../ui/time";
import { SaveQueue } from "./queue";

export interface CellChange {
  rowId: number;
  columnId: number;
  old: string | null;
  value: string | null;
}
type Gesture = CellChange[];
interface Save {
  changes: Gesture;
  /** What to say when it is stored. */
  said: string;
}
const STEPS = 100;
const AWAY = [502, 503, 504]; // a server that is going or coming, or a proxy before nobody

function cellsOf(changes: Gesture): unknown[] {
  return changes.map((one) => ({ row_id: one.rowId, column_id: one.columnId, value: one.value, seen: one.old }));
}

/** Where it shows (grid/cache.ts). */
export interface Shown {
  now: (rowId: number, columnId: number) => string | null | undefined;
  type: (rowId: number, columnId: number, value: string | null) => void;
  typeEnds: (rowId: number, columnId: number, value?: string | null) => void;
}

export class Edits {
  private done: Gesture[] = [];
  private undone: Gesture[] = [];
  private readonly queue: SaveQueue<Save>;

  constructor(private readonly table: string, private readonly shown: Shown, told: (waiting: number) => void) {
    this.queue = new SaveQueue((save) => this.send(save), told);
  }

  /** What of these does not fit, without storing anything. */
  async check(changes: Gesture): Promise<CellEditResult> {
    return put<CellEditResult>(`/tables/${seg(this.table)}/cells`, { cells: cellsOf(changes), dry_run: true });
  }

  async make(changes: Gesture): Promise<void> {
    const real = changes.filter((one) => one.old !== one.value || this.shown.now(one.rowId, one.columnId) !== one.value);
    if (!real.length) return;
    this.done.push(real);
    if (this.done.length > STEPS) this.done.shift();
    this.undone = [];
    await this.save(real);
  }
  async undo(): Promise<void> {
    const step = this.done.pop();
    if (!step) return void note("There is nothing of yours to undo here.");
    this.undone.push(step);
    await this.save(step.map((one) => ({ ...one, old: one.value, value: one.old })), `Undone: ${plural(step.length, "cell")}.`);
  }
  async redo(): Promise<void> {
    const step = this.undone.pop();
    if (!step) return void note("There is nothing to do again.");
    this.done.push(step);
    await this.save(step, `Done again: ${plural(step.length, "cell")}.`);
  }

  private save(changes: Gesture, said = ""): Promise<void> {
    for (const one of changes) this.shown.type(one.rowId, one.columnId, one.value);
    return this.queue.add({ changes, said });
  }
  /** Whether it was answered; what the answer says is told here. */
  private async send({ changes, said }: Save): Promise<boolean> {
    try {
      this.tell(changes, await put<CellEditResult>(`/tables/${seg(this.table)}/cells`, { cells: cellsOf(changes), leave_unfit: true }), said);
    } catch (problem) {
      if (problem instanceof ApiError && (problem.code === "offline" || AWAY.includes(problem.status))) return false;
      this.refuse(changes, problem);
    }
    return true;
  }
  /** The server is back: what waits goes at once. */
  flush(): Promise<void> {
    return this.queue.flush();
  }

  private refuse(changes: Gesture, problem: unknown): void {
    for (const one of changes) this.shown.typeEnds(one.rowId, one.columnId, one.old);
    this.done = this.done.filter((step) => step !== changes);
    note(problem instanceof Error ? problem.message : String(problem), "err");
  }

  private tell(changes: Gesture, result: CellEditResult, said: string): void {
    const table = `/tables/${seg(this.table)}/rows`;
    invalidate(table);
    const unfit = new Set(result.unfit.map((bad) => `${bad.row_id} ${bad.column_id}`));
    for (const one of changes) this.shown.typeEnds(one.rowId, one.columnId, unfit.has(`${one.rowId} ${one.columnId}`) ? one.old : undefined);
    const first = result.unfit[0];
    if (first) note(`${first.message}.${result.unfit.length > 1 ? ` ${count(result.unfit.length - 1)} more do not fit, either; they stay as they were.` : " The cell stays as it was."}`, "err");
    else if (said) note(said);
    this.tellCrossed(result, changes);
  }

  private tellCrossed(result: CellEditResult, changes: Gesture): void {
    const [one, ...more] = result.crossed;
    if (!one) return;
    const theirs = result.crossed.map((cell) => ({
      rowId: cell.row_id, columnId: cell.column_id, value: cell.value,
      old: changes.find((one) => one.rowId === cell.row_id && one.columnId === cell.column_id)?.value ?? null,
    }));
    const who = one.who ?? "Somebody";
    const what = more.length ? `${count(result.crossed.length)} cells` : `this cell ${one.at ? ago(one.at) : ""} to "${one.value ?? ""}"`;
    note(`${who} changed ${what}. Yours was saved on top.`, "ok", { label: more.length ? "Use theirs" : `Use ${who}'s`, run: () => void this.save(theirs) });
  }
}
