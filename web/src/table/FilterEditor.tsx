// Conditions that all must pass, one a line.
import { useEffect, useRef, useState } from "react";
import { createPortal } from "react-dom";
import type { Table } from "../api/types";
import { goQuery } from "../app/router";
import { Button, IconButton } from "../ui/parts";
import { STATE_NAMES, stateLook } from "../ui/states";
import { conditionsOf, filterText, TESTS, type Condition } from "./look";

function ValueInput({ condition, onChange }: { condition: Condition; onChange: (value: string) => void }) {
  if (!TESTS.find((test) => test.is === condition.is)?.values) return <span />;
  if (condition.is === "state")
    return (
      <select aria-label="State" value={condition.value} onChange={(event) => onChange(event.target.value)}>
        <option value="">choose…</option>
        <option value="error, refused, in doubt">any failure</option>
        {STATE_NAMES.map((name) => <option key={name} value={name}>{stateLook(name).word}</option>)}
      </select>
    );
  return <input aria-label="Value" value={condition.value} onChange={(event) => onChange(event.target.value)} />;
}

export function FilterEditor({ table, at, text, onClose }: { table: Table; at: DOMRect; text: string | null; onClose: () => void }) {
  const first: Condition = { column: table.columns[0]?.name ?? "", is: "contains", value: "" };
  const known = conditionsOf(text);
  const [conditions, setConditions] = useState<Condition[]>(known?.length ? known : [first]);
  const box = useRef<HTMLDivElement>(null);
  useEffect(() => {
    if (box.current) {
      box.current.style.left = `${Math.min(at.left, window.innerWidth - 560)}px`;
      box.current.style.top = `${at.bottom + 4}px`;
      box.current.querySelector<HTMLElement>("select")?.focus();
    }
    const elsewhere = (event: PointerEvent) => {
      if (!box.current?.contains(event.target as Node)) onClose();
    };
    document.addEventListener("pointerdown", elsewhere, true);
    return () => document.removeEventListener("pointerdown", elsewhere, true);
  }, [at, onClose]);
  const change = (index: number, part: Partial<Condition>) => setConditions(conditions.map((one, place) => place === index ? { ...one, ...part } : one));
  return createPortal(
    <div ref={box} className="popover" role="dialog" aria-label="Filter" onKeyDown={(event) => event.key === "Escape" && onClose()}>
      <form onSubmit={(event) => {
        event.preventDefault();
        goQuery({ filter: filterText(conditions) });
        onClose();
      }}>
        {known === null && <p className="muted">This view has a filter with groups, which is shown as a whole. New conditions take its place.</p>}
        {conditions.map((condition, index) => (
          <div key={index} className="condition">
            <span className="muted">{index ? "and" : "Where"}</span>
            <select aria-label="Column" value={condition.column} onChange={(event) => change(index, { column: event.target.value })}>
              {table.columns.map((column) => <option key={column.id}>{column.name}</option>)}
            </select>
            <select aria-label="Test" value={condition.is} onChange={(event) => change(index, { is: event.target.value })}>
              {TESTS.map((test) => <option key={test.is} value={test.is}>{test.label}</option>)}
            </select>
            <ValueInput condition={condition} onChange={(value) => change(index, { value })} />
            <IconButton icon="close" label="Take this condition away" onClick={() => setConditions(conditions.filter((_, place) => place !== index))} />
          </div>
        ))}
        <div className="actions">
          <Button look="quiet" icon="plus" onClick={() => setConditions([...conditions, first])}>Condition</Button>
          <span className="spring" />
          <Button onClick={() => {
            goQuery({ filter: null });
            onClose();
          }}>Clear</Button>
          <Button type="submit" look="primary">Apply</Button>
        </div>
      </form>
    </div>,
    document.body,
  );
}
