// ?: what the keys do.
import { useEffect, useState } from "react";
import { Button } from "../ui/parts";
import { Dialog } from "../ui/Dialog";

const KEYS: [string, string][] = [
  ["Arrows, Tab, Home, End, Page Up/Down", "move in the grid; with Ctrl to the edge"],
  ["Shift + a move", "select a range"],
  ["Ctrl+A · Ctrl+Space · Shift+Space", "select all · the column · the row"],
  ["Enter, F2 or typing", "edit a cell that people type; Enter saves and goes down, Escape takes back"],
  ["Delete", "empty the selected cells that people type"],
  ["Space", "details of the cell (Enter, too, where nothing is typed)"],
  ["Alt+Down", "menu of the column"],
  ["Ctrl+Enter", "run the selection (asks)"],
  ["Ctrl+C · Ctrl+X · Ctrl+V", "copy, cut, paste as tab-separated text, from and to a spreadsheet"],
  ["Ctrl+Z · Ctrl+Shift+Z", "undo · redo what you typed or pasted, one step each"],
  ["Ctrl+F", "search the table"],
  ["Ctrl+K", "jump to a table, column or place"],
  ["F6 · Shift+F6", "next · previous part of the screen"],
  ["Escape", "close what is open"],
];

export function Keys() {
  const [open, setOpen] = useState(false);
  useEffect(() => {
    const keys = (event: KeyboardEvent) => {
      const typing = (event.target as Element).closest("input, textarea, select, dialog");
      if (event.key === "?" && !typing) setOpen(true);
    };
    window.addEventListener("keydown", keys);
    return () => window.removeEventListener("keydown", keys);
  }, []);
  if (!open) return null;
  return (
    <Dialog title="Keys" onClose={() => setOpen(false)}>
      <dl className="keys">
        {KEYS.map(([key, what]) => (
          <div key={key}>
            <dt><kbd>{key}</kbd></dt>
            <dd>{what}</dd>
          </div>
        ))}
      </dl>
      <div className="actions end"><Button onClick={() => setOpen(false)}>Close</Button></div>
    </Dialog>
  );
}
