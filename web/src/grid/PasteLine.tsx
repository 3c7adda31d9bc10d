// Before a block is pasted: how much it is, and what of it does not fit.
import type { CellEditResult } from "../api/types";
import { Button } from "../ui/parts";
import { count } from "../ui/time";
import type { CellChange } from "./edits";

export interface Paste {
  changes: CellChange[];
  rows: number;
  columns: number;
  unfit: CellEditResult["unfit"];
  locked: number;
  outside: number;
}

export function PasteLine({ paste, onEnd }: { paste: Paste; onEnd: (go: boolean) => void }) {
  const first = paste.unfit[0];
  return (
    <div className="paste-line" role="alertdialog" aria-label="Paste" onKeyDown={(event) => {
      if (event.key !== "Escape") return;
      event.stopPropagation();
      onEnd(false);
    }}>
      <span>
        Paste {count(paste.rows)} × {count(paste.columns)}
        {first && <span className="tone-warn">, {count(paste.unfit.length)} {paste.unfit.length === 1 ? "value doesn't" : "values don't"} fit ({first.message})</span>}
        {paste.locked > 0 && <span className="muted">, {count(paste.locked)} fall on cells that people cannot type into</span>}
        {paste.outside > 0 && <span className="muted">, {count(paste.outside)} fall outside the table</span>}
      </span>
      <Button onClick={() => onEnd(false)}>Cancel</Button>
      <Button look="primary" autoFocus onClick={() => onEnd(true)}>Paste {count(paste.changes.length - paste.unfit.length)} cells</Button>
    </div>
  );
}
