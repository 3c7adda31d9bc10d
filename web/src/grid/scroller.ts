// From scroll position to row and back. Rows have one height, so that is a division.
// A browser's box ends at some 33 million pixels: above MOST the box is scaled, the
// wheel still moves 1:1, and after a rest the scroll bar is put where the row belongs.

const MOST = 15_000_000;
const REST_MS = 150;

export class Scroller {
  /** Of the first visible pixel, in a box without limits. */
  top = 0;
  private last = 0;
  private timer = 0;
  private ownMove = false;

  constructor(private readonly element: HTMLElement, private readonly moved: () => void, public rows: number, public rowHeight: number,
    private viewHeight: () => number) {}

  get height(): number {
    return this.rows * this.rowHeight;
  }
  get boxHeight(): number {
    return Math.min(this.height, MOST);
  }
  private get scaled(): boolean {
    return this.height > MOST;
  }
  private get most(): number {
    return Math.max(0, this.height - this.viewHeight());
  }
  private get boxMost(): number {
    return Math.max(1, this.boxHeight - this.viewHeight());
  }
  /** Where a row's box is drawn. */
  offsetOf(index: number): number {
    return index * this.rowHeight - (this.scaled ? this.top - this.last : 0);
  }
  get first(): number {
    return Math.floor(this.top / this.rowHeight);
  }

  /** Read once per frame, by the grid. */
  read(): void {
    const now = this.element.scrollTop;
    if (!this.scaled) {
      this.top = now;
      this.last = now;
      return;
    }
    const moved = now - this.last;
    this.last = now;
    if (this.ownMove) {
      this.ownMove = false;
      return;
    }
    if (!moved) return;
    const far = Math.abs(moved) > this.viewHeight() * 4;
    this.top = far ? (now / this.boxMost) * this.most : Math.max(0, Math.min(this.most, this.top + moved));
    this.restLater();
  }

  private restLater(): void {
    window.clearTimeout(this.timer);
    this.timer = window.setTimeout(() => {
      this.place();
      this.moved();
    }, REST_MS);
  }
  private place(): void {
    const want = Math.round((this.top / Math.max(1, this.most)) * this.boxMost);
    if (want === this.last) return;
    this.ownMove = true;
    this.element.scrollTop = want;
    this.last = this.element.scrollTop;
  }

  reveal(index: number): void {
    const top = index * this.rowHeight;
    const view = this.viewHeight();
    if (top >= this.top && top + this.rowHeight <= this.top + view) return;
    const to = top < this.top ? top : top + this.rowHeight - view;
    if (this.scaled) {
      this.top = Math.max(0, Math.min(this.most, to));
      this.place();
      this.moved();
    } else {
      this.element.scrollTop = to;
    }
  }
  close(): void {
    window.clearTimeout(this.timer);
  }
}
