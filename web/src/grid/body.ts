// The grid's body: a fixed pool of row elements that is moved and refilled, never
// rebuilt while scrolling. A node is touched only when what it shows has changed, and
// only ever as text. While the scrolling is fast, a picture of the rows stands before
// them (motion.ts); they follow, some in each frame, as soon as it slows down.
import { SHAPES, stateLook } from "../ui/states";
import { cellLook, isNumeric, type CellLook } from "./cells";
import type { GridRow, RowCache } from "./cache";
import { MotionPicture } from "./motion";
import { Scroller } from "./scroller";
import { Selection, type Spot } from "./selection";

export interface BodyColumn {
  id: number;
  name: string;
  type: string;
  /** People type into it. */
  typed: boolean;
  /** Ids: letters of one width. */
  mono: boolean;
  width: number;
  pinned: boolean;
  /** Distance from the left edge of its region. */
  start: number;
}
export interface BodyOptions {
  frame: HTMLElement; // scrolls
  canvas: HTMLElement; // holds the rows
  motion: HTMLElement; // lies over them while they move fast
  rowHeight: number;
  onFocus: (spot: Spot, row: GridRow | undefined, column: BodyColumn | undefined) => void;
}
interface CellBox {
  focused: boolean;
  chosen: boolean;
  muted: boolean;
  box: HTMLElement;
  text: Text;
  mark: SVGSVGElement | null;
  said: string;
  kind: string;
}
interface RowBox {
  box: HTMLElement;
  number: Text;
  cells: CellBox[];
  index: number;
  offset: number;
  row: GridRow | undefined;
  dirty: boolean;
  coming: boolean;
  gone: boolean;
}

export const NUMBER_WIDTH = 56;
const OVERSCAN = 4;
const FLASHES_A_SECOND = 20;
const FAST_ROWS = 4; // new ones in a frame
const FAST_MS = 120; // so long after the last fast frame it is over
const ROWS_AFTER = 5; // brought up to date in a frame then
const SVG = "http://www.w3.org/2000/svg";
const numbers = new Intl.NumberFormat("en-US");

function markOf(icon: string): SVGSVGElement {
  const svg = document.createElementNS(SVG, "svg");
  svg.setAttribute("viewBox", "0 0 12 12");
  svg.setAttribute("aria-hidden", "true");
  const path = document.createElementNS(SVG, "path");
  path.setAttribute("d", SHAPES[icon] ?? "");
  path.setAttribute("fill-rule", "evenodd");
  svg.append(path);
  return svg;
}

export class GridBody {
  readonly selection = new Selection();
  readonly scroller: Scroller;
  private cache: RowCache | null = null;
  private columns: BodyColumn[] = [];
  private positions = new Map<number, number>(); // column id -> place in a row's cells
  private pool: RowBox[] = [];
  private shownFrom = 0; // columns painted among those that are not pinned
  private shownTo = 0;
  private pinnedCount = 0;
  private frameAsked = 0;
  private height = 0;
  private width = 0;
  private flashed = 0;
  private flashWindow = 0;
  private readonly picture: MotionPicture;
  private look = {}; // another one: columns on screen, or letters, are others
  private paintedFirst = 0;
  private fastAt = 0;
  private slowTimer = 0;
  private warmTimer = 0;
  private leapt = true;
  private rowsHidden = false;
  private lookFrom = 0;
  private lookTo = 0;
  private readonly watcher: ResizeObserver;
  private readonly stillPlease = window.matchMedia("(prefers-reduced-motion: reduce)");

  constructor(private readonly options: BodyOptions) {
    this.scroller = new Scroller(options.frame, () => this.paintSoon(), 0, options.rowHeight, () => this.viewHeight());
    this.picture = new MotionPicture(options.motion, options.frame, () => this.paintSoon());
    this.measure();
    options.frame.addEventListener("scroll", this.paintSoon, { passive: true });
    this.watcher = new ResizeObserver(() => {
      this.measure();
      this.rebuild();
      this.revealColumn(this.selection.focus.column); // a panel has opened beside it
    });
    this.watcher.observe(options.frame);
  }

  close(): void {
    window.cancelAnimationFrame(this.frameAsked);
    this.standStill();
    this.picture.close();
    window.clearTimeout(this.warmTimer);
    this.options.frame.removeEventListener("scroll", this.paintSoon);
    this.watcher.disconnect();
    this.scroller.close();
    this.options.canvas.replaceChildren();
  }

  /* ------------------------------------------------------------ what it shows */

  setCache(cache: RowCache): void {
    this.cache = cache;
    this.options.frame.scrollTop = 0;
    this.scroller.top = 0;
    this.selection.move({ row: 0, column: Math.min(this.selection.focus.column, Math.max(0, this.columns.length - 1)) }, false);
    cache.want(0, 0);
    this.setTotal();
    this.refreshAll();
  }
  setTotal(): void {
    this.scroller.rows = this.cache?.total ?? 0;
    this.options.canvas.style.height = `${this.scroller.boxHeight}px`;
    this.refreshAll();
  }
  setColumns(columns: BodyColumn[]): void {
    const known = new Set(this.columns.map((column) => column.id));
    const fresh = known.size ? columns.findIndex((column) => !known.has(column.id)) : -1;
    const same = columns.length === this.columns.length && fresh < 0;
    this.columns = columns;
    this.pinnedCount = columns.filter((column) => column.pinned).length;
    const center = columns.filter((column) => !column.pinned).reduce((sum, column) => sum + column.width, 0);
    this.options.canvas.style.width = `${this.pinnedWidth() + center}px`;
    if (!same) this.selection.move({ row: this.selection.focus.row, column: Math.min(this.selection.focus.column, Math.max(0, columns.length - 1)) }, false);
    this.rebuild();
    if (fresh >= 0) this.moveTo({ row: this.selection.focus.row, column: fresh }, false); // a column was added or shown
  }
  setRowHeight(height: number): void {
    this.options.canvas.style.setProperty("--row", `${height}px`);
    this.scroller.rowHeight = height;
    this.setTotal();
    this.rebuild();
  }
  blocksCame(): void {
    this.warmLater();
    const columns = this.cache?.columns ?? [];
    if (columns.length === this.positions.size && columns.every((id, at) => this.positions.get(id) === at)) {
      this.paintSoon(); // a row that has come is another one than what its box shows
      return;
    }
    this.positions = new Map(columns.map((id, at) => [id, at]));
    this.look = {};
    this.refreshAll();
  }
  rowsChanged(ids: Set<number>): void {
    for (const box of this.pool) {
      if (!box.row || !ids.has(box.row.id)) continue;
      box.dirty = true;
      if (!this.picture.on) this.flash(box.box);
    }
    this.paintSoon();
  }

  private flash(box: HTMLElement): void {
    const now = performance.now();
    if (now - this.flashWindow > 1000) {
      this.flashWindow = now;
      this.flashed = 0;
    }
    if (this.stillPlease.matches || ++this.flashed > FLASHES_A_SECOND) return;
    box.classList.remove("changed");
    requestAnimationFrame(() => box.classList.add("changed"));
  }

  /* --------------------------------------------------------------- geometry */

  private pinnedWidth(): number {
    return NUMBER_WIDTH + this.columns.slice(0, this.pinnedCount).reduce((sum, column) => sum + column.width, 0);
  }
  private viewHeight(): number {
    return this.height;
  }
  /** Asked of the page when its size changed, and not in every frame. */
  private measure(): void {
    const { frame } = this.options;
    const styles = getComputedStyle(frame);
    const edges = parseFloat(styles.getPropertyValue("--head")) + parseFloat(styles.getPropertyValue("--foot"));
    this.height = Math.max(0, frame.clientHeight - (Number.isNaN(edges) ? 0 : edges));
    this.width = frame.clientWidth;
  }
  get pageRows(): number {
    return Math.max(1, Math.floor(this.viewHeight() / this.scroller.rowHeight) - 1);
  }
  get rowCount(): number {
    return this.scroller.rows;
  }

  /** Which columns are on screen; the pinned ones always are. */
  private shownColumns(): [number, number] {
    const left = this.options.frame.scrollLeft;
    const right = left + this.width - this.pinnedWidth();
    let from = this.pinnedCount;
    while (from < this.columns.length - 1 && this.endOf(from) < left) from++;
    let to = from;
    while (to < this.columns.length - 1 && this.endOf(to) < right) to++;
    return [from, Math.min(this.columns.length, to + 1)];
  }
  private endOf(at: number): number {
    const column = this.columns[at];
    return column ? column.start + column.width : 0;
  }

  /* ---------------------------------------------------------------- painting */

  readonly paintSoon = (): void => {
    this.frameAsked ||= requestAnimationFrame(() => {
      this.frameAsked = 0;
      if (this.paintMoving()) return;
      this.paint();
      this.tellFocus();
    });
  };
  /** Without waiting for the next frame. */
  paintNow(): void {
    this.standStill();
    window.cancelAnimationFrame(this.frameAsked);
    this.frameAsked = 0;
    this.paint();
    this.tellFocus();
  }
  /** The focused cell is named to assistive technology while it is there: it may be scrolled out of sight. */
  private tellFocus(): void {
    const { frame } = this.options;
    if (document.getElementById("grid-focus")) frame.setAttribute("aria-activedescendant", "grid-focus");
    else frame.removeAttribute("aria-activedescendant");
  }
  private refreshAll(): void {
    for (const box of this.pool) box.dirty = true;
    this.paintSoon();
  }

  private rebuild(): void {
    this.standStill();
    this.look = {};
    const rows = Math.ceil(this.viewHeight() / this.scroller.rowHeight) + 2 * OVERSCAN + 1;
    [this.shownFrom, this.shownTo] = this.shownColumns();
    this.pool = Array.from({ length: rows }, () => this.makeRow());
    this.options.canvas.replaceChildren(...this.pool.map((row) => row.box));
    this.tellFocus();
    this.paintSoon();
  }
  private makeRow(): RowBox {
    const box = document.createElement("div");
    box.className = "g-row";
    box.style.display = "none"; // until it has a row to show
    box.setAttribute("role", "row");
    const number = document.createTextNode("");
    const numberBox = document.createElement("div");
    numberBox.className = "g-cell g-number";
    numberBox.setAttribute("role", "rowheader");
    numberBox.append(number);
    box.append(numberBox);
    const cells: CellBox[] = [];
    let pinnedLeft = NUMBER_WIDTH;
    for (let at = 0; at < this.columns.length; at++) {
      const column = this.columns[at];
      if (!column || (at >= this.pinnedCount && (at < this.shownFrom || at >= this.shownTo))) continue;
      if (at === this.shownFrom && column.start > 0 && at >= this.pinnedCount) box.append(this.gap(column.start));
      const cell = this.makeCell(column, at, pinnedLeft);
      if (column.pinned) pinnedLeft += column.width;
      cells[at] = cell;
      box.append(cell.box);
    }
    return { box, number, cells, index: -1, offset: -1, row: undefined, dirty: true, coming: false, gone: false };
  }
  private gap(width: number): HTMLElement {
    const gap = document.createElement("div");
    gap.className = "g-gap";
    gap.style.width = `${width}px`;
    gap.setAttribute("role", "presentation");
    return gap;
  }
  private makeCell(column: BodyColumn, at: number, pinnedLeft: number): CellBox {
    const box = document.createElement("div");
    box.className = `g-cell${column.pinned ? " pinned" : ""}${isNumeric(column.type) ? " numeric" : ""}${column.mono ? " mono" : ""}`;
    box.setAttribute("role", "gridcell");
    box.setAttribute("aria-colindex", String(at + 2));
    box.dataset["at"] = String(at);
    if (!column.typed) box.setAttribute("aria-readonly", "true");
    box.style.width = `${column.width}px`;
    if (column.pinned) box.style.left = `${pinnedLeft}px`;
    const text = document.createTextNode("");
    const span = document.createElement("span");
    span.append(text);
    box.append(span);
    return { box, text, mark: null, said: "", kind: "", focused: false, chosen: false, muted: false };
  }

  /** Whether a picture of the rows was drawn in place of the rows. */
  private paintMoving(): boolean {
    this.scroller.read();
    const { first } = this.scroller;
    const fresh = Math.abs(first - this.paintedFirst);
    const now = performance.now();
    const fast = fresh >= FAST_ROWS && !this.leapt;
    this.paintedFirst = first;
    this.leapt = false;
    if (fast && this.picture.able) this.hideRows();
    if (fast) this.fastAt = now;
    if (!this.picture.on) {
      this.showRows();
      return false;
    }
    if (fast) this.slowLater();
    else if (now - this.fastAt >= FAST_MS && this.catchUp(ROWS_AFTER)) return false;
    this.drawPicture();
    this.wantShown();
    return true;
  }
  /** Behind the picture they cost nothing, and are there again as they were. */
  private hideRows(): void {
    if (!this.picture.on) this.picture.begin();
    if (!this.rowsHidden) this.options.canvas.style.contentVisibility = "hidden";
    this.rowsHidden = true;
  }
  private showRows(): void {
    if (this.rowsHidden) this.options.canvas.style.contentVisibility = "";
    this.rowsHidden = false;
  }
  private slowLater(): void {
    window.clearTimeout(this.slowTimer);
    this.slowTimer = window.setTimeout(this.paintSoon, FAST_MS + 1);
  }
  /** The next frame shows the rows themselves, however far they are from here. */
  private standStill(): void {
    window.clearTimeout(this.slowTimer);
    this.leapt = true;
    this.showRows();
    if (this.picture.on) this.picture.end();
  }
  /** Behind the picture; true: all rows are right, and the picture is gone. */
  private catchUp(most: number): boolean {
    const [from, to] = this.shownColumns();
    const [first, last] = this.shownRows();
    this.showRows();
    let left = most;
    for (let index = first; index < last && left >= 0; index++) {
      const box = this.pool[index % this.pool.length];
      if (box && !this.isRight(box, index) && left-- > 0) this.paintRow(box, index);
    }
    if (left < 0 && from >= this.shownFrom && to <= this.shownTo) {
      this.paintSoon();
      return false;
    }
    this.standStill();
    return true;
  }
  /** Letters are measured and memory is there before somebody scrolls. */
  private warmLater(): void {
    if (this.warmTimer || !this.picture.able) return;
    this.warmTimer = window.setTimeout(() => {
      if (!this.picture.on) this.drawPicture();
    }, 400);
  }
  private drawPicture(): void {
    const { frame } = this.options;
    const { top, rowHeight, rows } = this.scroller;
    const [from, to] = this.shownColumns();
    if (from !== this.lookFrom || to !== this.lookTo) this.look = {};
    this.lookFrom = from;
    this.lookTo = to;
    const last = this.columns.at(-1);
    const pinnedWidth = this.pinnedWidth();
    const right = !last || last.pinned ? pinnedWidth : pinnedWidth + last.start + last.width - frame.scrollLeft;
    this.picture.show({
      look: this.look, columns: this.columns, pinnedCount: this.pinnedCount, from, to, numberWidth: NUMBER_WIDTH, pinnedWidth,
      rowAt: (index) => this.cache?.rowAt(index), placeOf: (column) => this.positions.get(column),
      view: {
        top, left: frame.scrollLeft, width: this.width, height: this.height, scale: window.devicePixelRatio || 1, rowHeight, right: Math.min(this.width, right),
        first: Math.max(0, Math.floor(top / rowHeight)), last: Math.min(rows - 1, Math.floor((top + this.height) / rowHeight)),
        focus: this.selection.focus, chosen: this.selection.range(),
      },
    });
  }

  private shownRows(): [number, number] {
    const first = Math.max(0, this.scroller.first - OVERSCAN);
    return [first, Math.min(this.scroller.rows, first + this.pool.length)];
  }
  private wantShown(): void {
    const [first, last] = this.shownRows();
    if (this.scroller.rows) this.cache?.want(first, Math.max(0, last - 1));
  }

  private paint(): void {
    this.scroller.read();
    const [from, to] = this.shownColumns();
    if (from < this.shownFrom || to > this.shownTo) {
      this.rebuild();
      return;
    }
    const [first, last] = this.shownRows();
    for (let index = first; index < last; index++) {
      const box = this.pool[index % this.pool.length];
      if (box) this.paintRow(box, index);
    }
    for (const box of this.pool)
      if (box.index >= 0 && (box.index < first || box.index >= last)) this.hideRow(box);
    this.wantShown();
  }
  private hideRow(box: RowBox): void {
    box.index = -1;
    box.row = undefined;
    box.box.style.display = "none";
  }

  private isRight(box: RowBox, index: number): boolean {
    return box.index === index && box.row === this.cache?.rowAt(index) && box.offset === this.scroller.offsetOf(index) && !box.dirty;
  }
  private paintRow(box: RowBox, index: number): void {
    if (this.isRight(box, index)) return;
    const row = this.cache?.rowAt(index);
    const offset = this.scroller.offsetOf(index);
    if (box.offset !== offset || box.index === -1) {
      box.box.style.transform = `translateY(${offset}px)`;
      box.box.style.display = "";
      box.offset = offset;
    }
    if (box.index !== index) {
      box.index = index;
      box.number.data = numbers.format(index + 1);
      box.box.setAttribute("aria-rowindex", String(index + 2));
      box.box.classList.remove("changed");
    }
    box.row = row;
    box.dirty = false;
    if (box.coming !== !row) box.box.classList.toggle("coming", (box.coming = !row));
    if (box.gone !== !!row?.deleted) box.box.classList.toggle("gone", (box.gone = !!row?.deleted));
    this.paintCells(box, row, index);
  }

  private paintCells(box: RowBox, row: GridRow | undefined, index: number): void {
    const { focus } = this.selection;
    const range = this.selection.range();
    const inRows = index >= range.top && index <= range.bottom;
    for (let at = 0; at < this.columns.length; at++) {
      const cell = box.cells[at];
      const column = this.columns[at];
      if (!cell || !column) continue;
      const place = this.positions.get(column.id);
      if (row) this.paintCell(cell, cellLook(place === undefined ? undefined : row.cells[place], column));
      else if (cell.said || cell.kind) this.paintCell(cell, { text: "", state: null, tone: "", icon: "", muted: false });
      const focused = focus.row === index && focus.column === at;
      const chosen = inRows && at >= range.left && at <= range.right;
      this.markChosen(cell, focused, chosen && !this.selection.single);
    }
  }
  private markChosen(cell: CellBox, focused: boolean, chosen: boolean): void {
    const list = cell.box.classList;
    if (cell.focused !== focused) {
      cell.focused = focused;
      list.toggle("focused", focused);
      if (focused) cell.box.id = "grid-focus";
      else cell.box.removeAttribute("id");
    }
    if (cell.chosen !== chosen) {
      cell.chosen = chosen;
      list.toggle("chosen", chosen);
      cell.box.setAttribute("aria-selected", String(chosen));
    }
  }

  private paintCell(cell: CellBox, look: CellLook): void {
    const kind = look.state ?? "";
    if (cell.kind !== kind || cell.muted !== look.muted) this.paintState(cell, look, kind);
    if (cell.said === look.text) return;
    cell.said = look.text;
    cell.text.data = look.text;
  }
  private paintState(cell: CellBox, look: CellLook, kind: string): void {
    cell.kind = kind;
    cell.muted = look.muted;
    cell.mark?.remove();
    cell.mark = null;
    const base = [...cell.box.classList].filter((name) => !name.startsWith("tone-") && name !== "said" && name !== "doubted" && name !== "failed");
    cell.box.className = base.join(" ");
    if (!kind) {
      cell.box.removeAttribute("title");
      return;
    }
    cell.box.classList.add(`tone-${look.tone}`);
    if (look.muted) cell.box.classList.add("said");
    if (kind === "in doubt") cell.box.classList.add("doubted");
    if (kind === "error" || kind === "refused") cell.box.classList.add("failed");
    cell.box.title = stateLook(kind).word;
    cell.mark = markOf(look.icon);
    cell.box.prepend(cell.mark);
  }

  /* --------------------------------------------------------------- selection */

  moveTo(spot: Spot, extend: boolean): void {
    this.standStill(); // whoever moves by keys hears the rows read
    this.selection.move(spot, extend);
    this.scroller.reveal(spot.row);
    this.revealColumn(spot.column);
    this.selectionChanged();
  }
  selectionChanged(): void {
    this.refreshAll();
    const { focus } = this.selection;
    this.options.onFocus(focus, this.cache?.rowAt(focus.row), this.columns[focus.column]);
  }
  private revealColumn(at: number): void {
    const column = this.columns[at];
    if (!column || column.pinned) return;
    const frame = this.options.frame;
    const width = this.width - this.pinnedWidth();
    if (column.start < frame.scrollLeft) frame.scrollLeft = column.start;
    else if (column.start + column.width > frame.scrollLeft + width) frame.scrollLeft = column.start + column.width - width;
  }

  /** The cell under a pointer; column -1 is the row's number. */
  spotOf(event: { target: EventTarget | null; clientX: number; clientY: number }): Spot | null {
    let { target } = event;
    if (this.picture.on) {
      this.paintNow(); // what is seen there is not what lies behind it
      target = document.elementFromPoint(event.clientX, event.clientY);
    }
    const hit = target as Element | null;
    const under = hit?.classList.contains("g-row") ? document.elementFromPoint(event.clientX, event.clientY - 1) : hit; // the line below a row is the row's
    const cell = under?.closest?.(".g-cell") as HTMLElement | null | undefined;
    const box = cell && this.pool.find((row) => row.box === cell.parentElement);
    if (!cell || !box || box.index < 0) return null;
    return { row: box.index, column: cell.classList.contains("g-number") ? -1 : Number(cell.dataset["at"]) };
  }
  columnAt(at: number): BodyColumn | undefined {
    return this.columns[at];
  }
  get columnCount(): number {
    return this.columns.length;
  }
  placeOf(columnId: number): number | undefined {
    return this.positions.get(columnId);
  }
}
