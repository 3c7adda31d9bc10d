// What is shown while the grid is scrolled fast: the same rows, drawn as one picture.
// A table's cells as elements cost a browser some 60 microseconds each to change; at
// hundreds of rows a second that is more than a frame has. The rows themselves stay as
// they are meanwhile and are brought up to date when the scrolling slows down (body.ts),
// so that what rests on the screen is always text of the page. Drawn by a worker: this
// thread says what is new, one message a frame, and none while one is not answered.
import { cellLook, isNumeric } from "./cells";
import type { BodyColumn } from "./body";
import type { GridRow } from "./cache";
import type { Told } from "./motion.worker";
import { COLOURS, type Colours, type PictureColumn, type PictureRow, type Style, type View } from "./picture";

export interface Scene {
  /** Its columns, letters and colours; another object when any of them may have changed. */
  look: object;
  columns: BodyColumn[];
  pinnedCount: number;
  from: number; // of the columns that are not pinned
  to: number;
  numberWidth: number;
  pinnedWidth: number;
  rowAt: (index: number) => GridRow | undefined;
  placeOf: (column: number) => number | undefined;
  view: View;
}

export class MotionPicture {
  /** Rows are not to be touched: the picture stands for them. */
  on = false;
  private worker: Worker | null = null;
  private told = new Map<number, GridRow | undefined>();
  private look: object | null = null;
  private busy = false;
  private missed = false;
  private readonly canvas = document.createElement("canvas");
  private unable = !("transferControlToOffscreen" in this.canvas);

  /** `holder` is shown while there is a picture in it; `again` when something could not be told while the last one was drawn. */
  constructor(private readonly holder: HTMLElement, private readonly frame: HTMLElement, private readonly again: () => void) {
    holder.replaceChildren(this.canvas);
  }

  get able(): boolean {
    return !this.unable;
  }

  begin(): void {
    this.on = true;
    this.look = null; // the theme may be another one
  }
  end(): void {
    this.on = false;
    this.holder.hidden = true;
  }
  close(): void {
    this.end();
    this.worker?.terminate();
  }

  /** The picture follows; it is seen from when it was drawn first. */
  show(scene: Scene): void {
    if (this.busy) {
      this.missed = true;
      return;
    }
    const told: Told = { rows: [], view: scene.view };
    const moved: Transferable[] = [];
    if (!this.worker) moved.push((told.canvas = this.open()));
    if (this.look !== scene.look) {
      told.style = this.styleOf(scene);
      this.told.clear();
      this.look = scene.look;
    }
    const { first, last } = scene.view;
    for (let index = first; index <= last; index++) {
      const row = scene.rowAt(index);
      if (this.told.has(index) && this.told.get(index) === row) continue;
      this.told.set(index, row);
      told.rows.push([index, this.rowOf(scene, row)]);
    }
    for (const index of this.told.keys()) if (index < first || index > last) this.told.delete(index);
    this.canvas.style.width = `${scene.view.width}px`;
    this.canvas.style.height = `${scene.view.height}px`;
    this.busy = true;
    this.worker?.postMessage(told, moved);
  }

  private open(): OffscreenCanvas {
    this.worker = new Worker(new URL("./motion.worker.ts", import.meta.url), { type: "module" });
    this.worker.onerror = () => this.fail();
    this.worker.onmessage = ({ data: drawn }: MessageEvent<boolean>) => {
      this.busy = false;
      if (!drawn) this.fail();
      if (!this.on) return;
      this.holder.hidden = false;
      if (this.missed) this.again();
      this.missed = false;
    };
    return this.canvas.transferControlToOffscreen();
  }

  private fail(): void {
    this.unable = true; // the rows themselves are shown, as fast as that goes
    this.end();
    this.again();
  }

  /** Colours and letters are the page's own. */
  private styleOf(scene: Scene): Style {
    const styles = getComputedStyle(this.frame);
    const colours = Object.fromEntries(COLOURS.map((name) => [name, styles.getPropertyValue(`--${name}`).trim()])) as Colours;
    const columns: PictureColumn[] = [];
    let pinned = scene.numberWidth;
    scene.columns.forEach((column, at) => {
      if (!this.shows(scene, at)) return;
      columns.push({ at, start: column.pinned ? pinned : column.start, width: column.width, pinned: column.pinned, numeric: isNumeric(column.type), mono: column.mono });
      if (column.pinned) pinned += column.width;
    });
    return { colours, family: styles.fontFamily, columns, numberWidth: scene.numberWidth, pinnedWidth: scene.pinnedWidth };
  }
  private shows(scene: Scene, at: number): boolean {
    return at < scene.pinnedCount || (at >= scene.from && at < scene.to);
  }
  private rowOf(scene: Scene, row: GridRow | undefined): PictureRow {
    if (!row) return { cells: null, gone: false };
    const cells = scene.columns.flatMap((column, at) => {
      if (!this.shows(scene, at)) return [];
      const place = scene.placeOf(column.id);
      return [cellLook(place === undefined ? undefined : row.cells[place], column)];
    });
    return { cells, gone: !!row.deleted };
  }
}
