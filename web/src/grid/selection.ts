// One cell has the focus; a range grows from where it began.
export interface Spot {
  row: number;
  column: number; // in the order shown
}
export interface Range {
  top: number;
  bottom: number;
  left: number;
  right: number;
}

export class Selection {
  focus: Spot = { row: 0, column: 0 };
  anchor: Spot = { row: 0, column: 0 };

  range(): Range {
    return {
      top: Math.min(this.focus.row, this.anchor.row),
      bottom: Math.max(this.focus.row, this.anchor.row),
      left: Math.min(this.focus.column, this.anchor.column),
      right: Math.max(this.focus.column, this.anchor.column),
    };
  }
  get single(): boolean {
    return this.focus.row === this.anchor.row && this.focus.column === this.anchor.column;
  }
  move(to: Spot, extend: boolean): void {
    this.focus = to;
    if (!extend) this.anchor = to;
  }
  select(range: Range): void {
    this.anchor = { row: range.top, column: range.left };
    this.focus = { row: range.bottom, column: range.right };
  }
}

export interface Bounds {
  rows: number;
  columns: number;
  page: number;
}

/** Where a key leads, or null when it is none that moves. */
export function moveOf(event: KeyboardEvent, at: Spot, bounds: Bounds): Spot | null {
  const far = event.ctrlKey || event.metaKey;
  const lastRow = Math.max(0, bounds.rows - 1);
  const lastColumn = Math.max(0, bounds.columns - 1);
  const to = (row: number, column: number): Spot => ({
    row: Math.max(0, Math.min(lastRow, row)),
    column: Math.max(0, Math.min(lastColumn, column)),
  });
  switch (event.key) {
    case "ArrowDown": return to(far ? lastRow : at.row + 1, at.column);
    case "ArrowUp": return to(far ? 0 : at.row - 1, at.column);
    case "ArrowRight": return to(at.row, far ? lastColumn : at.column + 1);
    case "ArrowLeft": return to(at.row, far ? 0 : at.column - 1);
    case "PageDown": return to(at.row + bounds.page, at.column);
    case "PageUp": return to(at.row - bounds.page, at.column);
    case "Home": return to(far ? 0 : at.row, 0);
    case "End": return to(far ? lastRow : at.row, lastColumn);
    default: return null;
  }
}

/** Tab-separated, as spreadsheets take it. */
export function toTsv(rows: (string | null)[][]): string {
  const one = (value: string | null) => {
    const text = value ?? "";
    return /[\t\n\r"]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
  };
  return rows.map((row) => row.map(one).join("\t")).join("\n");
}

/** The other way: quoted fields may hold tabs and line ends; a last empty line is none. */
export function fromTsv(text: string): string[][] {
  const rows: string[][] = [[]];
  let cell = "";
  let quoted = false;
  const endCell = () => {
    rows.at(-1)?.push(cell);
    cell = "";
  };
  for (let at = 0; at < text.length; at++) {
    const letter = text[at] ?? "";
    if (quoted) {
      if (letter !== '"') cell += letter;
      else if (text[at + 1] === '"') cell += text[at++];
      else quoted = false;
    } else if (letter === '"' && cell === "") quoted = true;
    else if (letter === "\t") endCell();
    else if (letter === "\n" || letter === "\r") {
      if (letter === "\r" && text[at + 1] === "\n") at++;
      endCell();
      rows.push([]);
    } else cell += letter;
  }
  endCell();
  if (rows.length > 1 && rows.at(-1)?.length === 1 && rows.at(-1)?.[0] === "") rows.pop();
  return rows;
}
