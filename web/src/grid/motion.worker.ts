// Draws the grid's picture beside the page's own thread, which has the scrolling to do.
import { Picture, type PictureRow, type Style, type View } from "./picture";

export interface Told {
  canvas?: OffscreenCanvas;
  style?: Style; // new: what was told of rows before is void
  rows: [number, PictureRow][]; // new or changed since
  view: View;
}
const FAR = 200; // rows off the screen that are still remembered

let picture: Picture | null = null;
const rows = new Map<number, PictureRow>();

self.onmessage = ({ data }: MessageEvent<Told>) => {
  const pen = data.canvas?.getContext("2d", { alpha: false });
  if (data.canvas && pen) picture = new Picture(data.canvas, pen);
  if (data.style) {
    rows.clear();
    picture?.setStyle(data.style);
  }
  for (const [index, row] of data.rows) rows.set(index, row);
  if (rows.size > FAR * 2) for (const index of rows.keys()) if (index < data.view.first - FAR || index > data.view.last + FAR) rows.delete(index);
  picture?.draw(data.view, (index) => rows.get(index));
  setTimeout(() => self.postMessage(!!picture)); // what was drawn is handed over when this task ends
};
