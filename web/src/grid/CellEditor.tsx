// The box that lies over a cell while somebody types: Enter saves and goes down, Tab to
// the right, Escape takes back; leaving it saves.
import { useId, useLayoutEffect, useRef, useState, type KeyboardEvent } from "react";

export interface Editing {
  rowId: number;
  columnId: number;
  label: string;
  old: string | null;
  /** What stands in the box at first. */
  text: string;
  choices: string[];
  at: { left: number; top: number; width: number; height: number };
}

export function CellEditor({ editing, onEnd }: { editing: Editing; onEnd: (value: string | null, move: "down" | "right" | "left" | "up" | null) => void }) {
  const [text, setText] = useState(editing.text);
  const box = useRef<HTMLInputElement>(null);
  const ended = useRef(false);
  const list = useId();
  useLayoutEffect(() => {
    box.current?.focus();
    const end = editing.text.length;
    box.current?.setSelectionRange(editing.text === editing.old ? 0 : end, end);
  }, [editing]);
  function end(value: string | null, move: "down" | "right" | "left" | "up" | null): void {
    if (ended.current) return;
    ended.current = true;
    onEnd(value, move);
  }
  function keys(event: KeyboardEvent): void {
    event.stopPropagation();
    if (event.key === "Enter") end(text, event.shiftKey ? "up" : "down");
    else if (event.key === "Tab") end(text, event.shiftKey ? "left" : "right");
    else if (event.key === "Escape") end(null, null);
    else return;
    event.preventDefault();
  }
  return (
    <>
      <input ref={box} className="cell-editor" aria-label={editing.label} style={editing.at} value={text} spellCheck={false} autoComplete="off"
        {...(editing.choices.length ? { list } : {})} onChange={(event) => setText(event.target.value)} onKeyDown={keys} onBlur={() => end(text, null)}
        onPaste={(event) => event.stopPropagation()} onCopy={(event) => event.stopPropagation()} onCut={(event) => event.stopPropagation()} />
      {editing.choices.length > 0 && <datalist id={list}>{editing.choices.map((one) => <option key={one} value={one} />)}</datalist>}
    </>
  );
}
