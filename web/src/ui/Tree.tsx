// A structured value as a tree of texts; every leaf can become a column.
import { useState } from "react";
import { Button } from "./parts";

const FOLDED_BYTES = 4096;

export function LongText({ text }: { text: string }) {
  const [whole, setWhole] = useState(false);
  const long = text.length > FOLDED_BYTES;
  return (
    <>
      <pre className="value">{long && !whole ? text.slice(0, FOLDED_BYTES) : text}</pre>
      {long && !whole && <Button look="quiet" onClick={() => setWhole(true)}>Show more ({text.length.toLocaleString("en-US")} characters)</Button>}
    </>
  );
}

function pathOf(base: string, key: string | number): string {
  return typeof key === "number" ? `${base}[${key}]` : /^[A-Za-z_]\w*$/.test(key) ? `${base}.${key}` : `${base}["${key}"]`;
}

function Node({ name, value, path, depth, onLeaf }: { name: string; value: unknown; path: string; depth: number; onLeaf?: ((path: string, name: string) => void) | undefined }) {
  const [open, setOpen] = useState(depth < 2);
  if (value === null || typeof value !== "object")
    return (
      <div className="tree-leaf">
        <span className="tree-name">{name}</span>
        <span className="tree-value">{value === null ? <em className="muted">null</em> : typeof value === "string" ? value : String(value)}</span>
        {onLeaf && <button type="button" className="link" onClick={() => onLeaf(path, name)} aria-label={`Add ${name} as a column`}>+ column</button>}
      </div>
    );
  const entries = Array.isArray(value) ? value.map((one, at): [string | number, unknown] => [at, one]) : Object.entries(value);
  return (
    <div className="tree-node">
      <button type="button" className="tree-toggle" aria-expanded={open} onClick={() => setOpen(!open)}>
        <span aria-hidden="true">{open ? "▾" : "▸"}</span> {name} <span className="muted">{Array.isArray(value) ? `[${entries.length}]` : `{${entries.length}}`}</span>
      </button>
      {open && (
        <div className="tree-kids">
          {entries.slice(0, 200).map(([key, one]) => <Node key={key} name={String(key)} value={one} path={pathOf(path, key)} depth={depth + 1} onLeaf={onLeaf} />)}
          {entries.length > 200 && <div className="muted">{entries.length - 200} more are not shown; copy the value to see them.</div>}
        </div>
      )}
    </div>
  );
}

/** JSON as a tree, anything else as text. */
export function ValueView({ text, json, base, onLeaf }: { text: string | null; json: boolean; base: string; onLeaf?: (path: string, name: string) => void }) {
  if (text === null) return <p className="muted">Nothing (null)</p>;
  if (text === "") return <p className="muted">Blank</p>;
  if (json && text.length < 200_000) {
    try {
      const value: unknown = JSON.parse(text);
      if (value !== null && typeof value === "object")
        return (
          <div className="tree">
            {(Array.isArray(value) ? value.slice(0, 200).map((one, at): [string | number, unknown] => [at, one]) : Object.entries(value)).map(([key, one]) => (
              <Node key={key} name={String(key)} value={one} path={pathOf(base, key)} depth={1} onLeaf={onLeaf} />
            ))}
          </div>
        );
    } catch {
      // no JSON after all: shown as the text that it is
    }
  }
  return <LongText text={text} />;
}
