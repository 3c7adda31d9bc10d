// The rows of the grid as one picture, for a canvas: what motion.worker.ts draws while
// somebody scrolls fast. It knows no page: colours, letters and texts are told to it.
import { SHAPES } from "../ui/states";
import type { CellLook } from "./cells";
import type { Range, Spot } from "./selection";

export const COLOURS = ["bg", "text", "muted", "line", "surface", "selected", "accent", "ok", "warn", "err", "doubt"] as const;
export type Colours = Record<(typeof COLOURS)[number], string>;

export interface PictureColumn {
  at: number; // in the order shown
  /** From the left edge of its region: the pinned ones' is the picture's. */
  start: number;
  width: number;
  pinned: boolean;
  numeric: boolean;
  mono: boolean;
}
/** A row: how its cells look, in the order of the columns that are told; null: not here yet. */
export interface PictureRow {
  cells: CellLook[] | null;
  gone: boolean;
}
export interface Style {
  colours: Colours;
  family: string;
  columns: PictureColumn[];
  numberWidth: number;
  pinnedWidth: number;
}
export interface View {
  top: number; // of the first visible pixel, in rows' own coordinates
  left: number;
  width: number;
  height: number;
  scale: number; // device pixels
  rowHeight: number;
  first: number;
  last: number;
  right: number; // where the last column ends
  focus: Spot;
  chosen: Range;
}
/** What is known of one font. */
interface Letters {
  down: number; // from the middle of a line to where letters stand
  widths: Float32Array; // of ASCII
  fits: Map<string, string>; // texts that were too long for their place
}
type Pen = OffscreenCanvasRenderingContext2D;
const PAD = 10;
const MARK = 12;
const KEPT_FITS = 2000;
const numbers = new Intl.NumberFormat("en-US");

export class Picture {
  private style: Style | null = null;
  private readonly marks = new Map<string, Path2D>();
  private readonly letters = new Map<string, Letters>();
  private now: Letters | null = null;

  constructor(private readonly canvas: OffscreenCanvas, private readonly pen: Pen) {}

  setStyle(style: Style): void {
    this.style = style;
  }

  draw(view: View, rowAt: (index: number) => PictureRow | undefined): void {
    const { pen, style } = this;
    if (!style) return;
    this.fitBox(view);
    pen.fillStyle = style.colours.bg;
    pen.fillRect(0, 0, view.width, view.height);
    style.columns.forEach((column, place) => !column.pinned && this.column(style, view, column, place, rowAt));
    style.columns.forEach((column, place) => column.pinned && this.column(style, view, column, place, rowAt));
    this.rowNumbers(style, view);
    pen.fillStyle = style.colours.line;
    for (let row = view.first; row <= view.last; row++) pen.fillRect(0, this.topOf(view, row + 1) - 1, view.right, 1);
  }

  /** In device pixels, as sharp as the text it stands for. */
  private fitBox(view: View): void {
    const [width, height] = [Math.round(view.width * view.scale), Math.round(view.height * view.scale)];
    if (this.canvas.width !== width) this.canvas.width = width;
    if (this.canvas.height !== height) this.canvas.height = height;
    this.pen.setTransform(view.scale, 0, 0, view.scale, 0, 0);
  }
  private topOf(view: View, row: number): number {
    return row * view.rowHeight - view.top;
  }

  /** Returns how far below the middle of a line its letters stand. */
  private setFont(weight: number, size: number, family: string): number {
    const font = `${weight} ${size}px ${family}`;
    this.pen.font = font;
    this.now = this.letters.get(font) ?? this.learn();
    this.letters.set(font, this.now);
    return this.now.down;
  }
  private learn(): Letters {
    const box = this.pen.measureText("x");
    const widths = new Float32Array(128);
    for (let code = 32; code < 128; code++) widths[code] = this.pen.measureText(String.fromCharCode(code)).width;
    return { down: (box.fontBoundingBoxAscent - box.fontBoundingBoxDescent) / 2, widths, fits: new Map() };
  }

  private column(style: Style, view: View, column: PictureColumn, place: number, rowAt: (index: number) => PictureRow | undefined): void {
    const { pen } = this;
    const { colours } = style;
    const left = column.pinned ? column.start : style.pinnedWidth + column.start - view.left;
    const right = left + column.width;
    if (left >= view.width || (!column.pinned && right <= style.pinnedWidth)) return;
    if (column.pinned) { // what lies under it has been scrolled away
      pen.fillStyle = colours.bg;
      pen.fillRect(left, 0, column.width, view.height);
    }
    const down = this.setFont(column.pinned ? 500 : 400, column.mono ? 12 : 13, column.mono ? "ui-monospace, Menlo, Consolas, monospace" : style.family);
    for (let row = view.first; row <= view.last; row++) {
      const y = this.topOf(view, row);
      this.ground(colours, view, column, row, left, y);
      const known = rowAt(row);
      const look = known?.cells?.[place];
      if (look) this.cell(colours, look, known.gone, column, left, y, view.rowHeight, down);
      else if (!known?.cells) this.coming(colours, left, y, column.width, view.rowHeight);
    }
    pen.fillStyle = colours.line;
    pen.fillRect(right - 1, 0, 1, this.topOf(view, view.last + 1));
  }

  private ground(colours: Colours, view: View, column: PictureColumn, row: number, left: number, y: number): void {
    const { chosen, focus } = view;
    const { pen } = this;
    const many = chosen.top !== chosen.bottom || chosen.left !== chosen.right;
    if (many && row >= chosen.top && row <= chosen.bottom && column.at >= chosen.left && column.at <= chosen.right) {
      pen.fillStyle = colours.selected;
      pen.fillRect(left, y, column.width, view.rowHeight);
    }
    if (focus.row !== row || focus.column !== column.at) return;
    pen.strokeStyle = colours.accent;
    pen.lineWidth = 2;
    pen.strokeRect(left + 1, y + 1, column.width - 3, view.rowHeight - 3);
  }

  private coming(colours: Colours, left: number, y: number, width: number, height: number): void {
    this.pen.fillStyle = colours.surface;
    this.pen.fillRect(left + PAD, y + (height - 1) / 2 - 5, width * 0.4, 10);
  }

  private cell(colours: Colours, look: CellLook, gone: boolean, column: PictureColumn, left: number, y: number, height: number, down: number): void {
    const { pen } = this;
    const middle = y + (height - 1) / 2;
    const failed = look.state === "error" || look.state === "refused";
    let from = left + PAD;
    if (look.icon && SHAPES[look.icon]) {
      this.mark(look.icon, from, middle - MARK / 2, colours[look.tone as keyof Colours] ?? colours.muted);
      from += MARK + 6;
    }
    if (failed) this.corner(left + column.width - 1, y, colours.err);
    if (!look.text) return;
    pen.fillStyle = gone ? colours.muted : look.muted ? (failed ? colours.err : colours.muted) : colours.text;
    const end = left + column.width - PAD - 1;
    const text = this.fit(look.text, end - from);
    const x = column.numeric ? end : from;
    pen.textAlign = column.numeric ? "right" : "left";
    pen.fillText(text, x, middle + down);
    if (!gone) return;
    const { width } = pen.measureText(text);
    pen.fillRect(column.numeric ? x - width : x, middle, width, 1);
  }
  private corner(right: number, top: number, colour: string): void {
    const { pen } = this;
    pen.fillStyle = colour;
    pen.beginPath();
    pen.moveTo(right - 7, top);
    pen.lineTo(right, top);
    pen.lineTo(right, top + 7);
    pen.fill();
  }
  private mark(icon: string, x: number, y: number, colour: string): void {
    const { pen } = this;
    const path = this.marks.get(icon) ?? new Path2D(SHAPES[icon]);
    this.marks.set(icon, path);
    pen.save();
    pen.translate(x, y);
    pen.fillStyle = colour;
    pen.fill(path, "evenodd");
    pen.restore();
  }

  private rowNumbers(style: Style, view: View): void {
    const { pen } = this;
    const bottom = this.topOf(view, view.last + 1);
    pen.fillStyle = style.colours.surface;
    pen.fillRect(0, 0, style.numberWidth, bottom);
    pen.fillStyle = style.colours.line;
    pen.fillRect(style.numberWidth - 1, 0, 1, bottom);
    const down = this.setFont(400, 12, style.family);
    pen.textAlign = "right";
    pen.fillStyle = style.colours.muted;
    for (let row = view.first; row <= view.last; row++)
      pen.fillText(numbers.format(row + 1), style.numberWidth - PAD - 1, this.topOf(view, row) + (view.rowHeight - 1) / 2 + down);
  }

  /** The text, with an ellipsis where it is too long for its place. */
  private fit(text: string, room: number): string {
    const { now } = this;
    if (!now) return text;
    let width = 0;
    for (let at = 0; at < text.length && width <= room; at++) {
      const letter = now.widths[text.charCodeAt(at)];
      if (!letter) width = Infinity; // not a plain letter: to be measured
      else width += letter;
    }
    if (width <= room) return text;
    const key = `${Math.round(room)} ${text}`;
    const known = now.fits.get(key);
    if (known !== undefined) return known;
    const fitted = this.shorten(text, room);
    if (now.fits.size > KEPT_FITS) now.fits.clear();
    now.fits.set(key, fitted);
    return fitted;
  }
  private shorten(text: string, room: number): string {
    const wide = (part: string) => this.pen.measureText(part).width;
    if (wide(text) <= room) return text;
    let low = 0;
    let high = text.length;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if (wide(`${text.slice(0, middle)}…`) <= room) low = middle;
      else high = middle - 1;
    }
    return `${text.slice(0, low)}…`;
  }
}
