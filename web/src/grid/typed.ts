// What was typed, by row and column, for as long as the server's answers may not know it:
// until its save was answered and a read begun after that is here.

type Value = string | null;
interface Typed {
  value: Value;
  /** Saves of this cell that are not answered yet. */
  waiting: number;
  /** Reads begun later know what became of it. */
  ended: number;
}

export class TypedCells {
  private readonly rows = new Map<number, Map<number, Typed>>();

  set(row: number, column: number, value: Value): void {
    const cells = this.rows.get(row) ?? new Map<number, Typed>();
    this.rows.set(row, cells);
    cells.set(column, { value, waiting: (cells.get(column)?.waiting ?? 0) + 1, ended: 0 });
  }

  /** One save of it was answered at this tick; with a value, that is shown in place of what was typed. */
  end(row: number, column: number, tick: number, value?: Value): void {
    const typed = this.rows.get(row)?.get(column);
    if (!typed) return;
    typed.waiting--;
    typed.ended = tick;
    if (value !== undefined && !typed.waiting) typed.value = value;
  }

  /** The cells that a read brought, under what was typed since. */
  over<Cell>(row: number, cells: Cell[], columns: number[], read: number): (Cell | Value)[] {
    const typed = this.rows.get(row);
    if (!typed) return cells;
    for (const [column, one] of typed) if (!one.waiting && one.ended < read) typed.delete(column);
    if (!typed.size) this.rows.delete(row);
    return cells.map((cell, at) => {
      const one = typed.get(columns[at] ?? -1);
      return one ? one.value : cell;
    });
  }
}
