// A text with {{Column}} in it: typing {{ or pressing the button offers the columns.
import { useRef, useState } from "react";
import type { Column } from "../api/types";
import { Field } from "../ui/parts";

function openBrace(text: string, at: number): string | null {
  const before = text.slice(0, at);
  const begins = before.lastIndexOf("{{");
  if (begins < 0 || before.indexOf("}}", begins) >= 0) return null;
  return before.slice(begins + 2);
}

export function TemplateInput({ id, told, value, onChange, columns, lines = 1, label }: {
  id?: string | undefined;
  told?: string | undefined;
  value: string;
  onChange: (value: string) => void;
  columns: Column[];
  lines?: number;
  label?: string;
}) {
  const box = useRef<HTMLTextAreaElement>(null);
  const [typed, setTyped] = useState<string | null>(null);
  const [at, setAt] = useState(0);
  const found = typed === null ? [] : columns.filter((column) => column.name.toLowerCase().includes(typed.toLowerCase())).slice(0, 8);
  function look(): void {
    const place = box.current?.selectionStart ?? 0;
    setTyped(openBrace(box.current?.value ?? "", place));
    setAt(0);
  }
  function take(column: Column | undefined): void {
    if (!column || !box.current) return;
    const place = box.current.selectionStart;
    const begins = value.lastIndexOf("{{", place - 1);
    const after = value.slice(place).replace(/^\s*\}\}/, "");
    const head = `${value.slice(0, begins)}{{${column.name}}}`;
    onChange(head + after);
    setTyped(null);
    requestAnimationFrame(() => {
      box.current?.focus();
      box.current?.setSelectionRange(head.length, head.length);
    });
  }
  return (
    <div className="template">
      <textarea ref={box} id={id} aria-label={label} aria-describedby={told} rows={lines} spellCheck={false} className={lines > 1 ? "code" : "one-line"} value={value}
        onChange={(event) => {
          onChange(lines > 1 ? event.target.value : event.target.value.replaceAll("\n", " "));
          requestAnimationFrame(look);
        }} onKeyDown={(event) => {
          if (!found.length) return;
          if (event.key === "ArrowDown") setAt((at + 1) % found.length);
          else if (event.key === "ArrowUp") setAt((at + found.length - 1) % found.length);
          else if (event.key === "Enter" || event.key === "Tab") take(found[at]);
          else if (event.key === "Escape") setTyped(null);
          else return;
          event.preventDefault();
          event.stopPropagation();
        }} onBlur={() => window.setTimeout(() => setTyped(null), 150)} />
      {found.length > 0 && (
        <ul className="completions" role="listbox" aria-label="Columns">
          {found.map((column, index) => (
            <li key={column.id} role="option" aria-selected={index === at} onPointerDown={(event) => {
              event.preventDefault();
              take(column);
            }}>
              {column.name} <span className="muted">{column.type}</span>
            </li>
          ))}
        </ul>
      )}
    </div>
  );
}

export function TemplateField({ label, help, error, value, onChange, columns, lines }: {
  label: string;
  help: string | null;
  error: string | null;
  value: string;
  onChange: (value: string) => void;
  columns: Column[];
  lines: number;
}) {
  return (
    <Field label={label} help={help ?? (columns.length ? "Type {{ to put a column in." : undefined)} error={error}>
      {(id, told) => <TemplateInput id={id} told={told} value={value} onChange={onChange} columns={columns} lines={lines} />}
    </Field>
  );
}
