// Ctrl+K: type a few letters of a table, a column, a place; a record's Id, a run's number.
import { useEffect, useMemo, useState } from "react";
import { useAnswer } from "../api/cache";
import type { Table } from "../api/types";
import { Dialog } from "../ui/Dialog";
import { go, tablePath } from "./router";

interface Target {
  label: string;
  where: string;
  to: string;
}
const PLACES: Target[] = [
  ["Tables", "/tables"], ["New table", "/tables/new"], ["Overview", "/overview"], ["Runs", "/runs"], ["Alerts", "/settings/alerts"], ["Approvals", "/approvals"], ["In doubt", "/doubt"], ["Journal", "/journal"],
  ["Connections", "/settings/connections"], ["Users", "/settings/users"], ["Secrets", "/settings/secrets"], ["Own account", "/settings/account"],
  ["API budget", "/settings/budget"], ["Field contract", "/settings/contract"], ["Audit", "/settings/audit"],
].map(([label = "", to = ""]) => ({ label, to, where: "Place" }));

const RECORD = /^[a-zA-Z0-9]{15}([a-zA-Z0-9]{3})?$/;

/** An Id may be a record's: its own page says what was ever written to it. A number may be a run's. */
function namedBy(text: string): Target[] {
  if (RECORD.test(text)) return [{ label: text, where: "Salesforce record", to: `/records/${text}` }];
  return /^\d{1,12}$/.test(text) ? [{ label: `Run ${text}`, where: "Run", to: `/runs/${text}` }] : [];
}

function targetsOf(tables: Table[]): Target[] {
  return [
    ...tables.map((table) => ({ label: table.name, where: "Table", to: tablePath(table.name) })),
    ...PLACES,
    ...tables.flatMap((table) => table.columns.map((column) => ({ label: column.name, where: `Column of ${table.name}`, to: `${tablePath(table.name)}?panel=column:${column.id}` }))),
  ];
}

function JumpDialog({ onClose }: { onClose: () => void }) {
  const tables = useAnswer<{ tables: Table[] }>("/tables");
  const [text, setText] = useState("");
  const [at, setAt] = useState(0);
  const found = useMemo(() => {
    const wanted = text.trim().toLowerCase();
    return [...namedBy(text.trim()), ...targetsOf(tables.data?.tables ?? []).filter((target) => target.label.toLowerCase().includes(wanted))].slice(0, 12);
  }, [tables.data, text]);
  const leave = (target: Target | undefined) => {
    if (!target) return;
    onClose();
    go(target.to);
  };
  return (
    <Dialog title="Jump to" onClose={onClose}>
      <input className="jump-input" autoFocus value={text} aria-label="Table, column, place, run or record Id" placeholder="Table, column, place, run or record Id" role="combobox"
        aria-expanded="true" aria-controls="jump-list" aria-activedescendant={found.length ? `jump-${at}` : undefined}
        onChange={(event) => {
          setText(event.target.value);
          setAt(0);
        }} onKeyDown={(event) => {
          if (event.key === "ArrowDown") setAt(Math.min(found.length - 1, at + 1));
          else if (event.key === "ArrowUp") setAt(Math.max(0, at - 1));
          else if (event.key === "Enter") leave(found[at]);
          else return;
          event.preventDefault();
        }} />
      <ul id="jump-list" className="jump-list" role="listbox" aria-label="Found">
        {found.map((target, index) => (
          <li key={target.to} id={`jump-${index}`} role="option" aria-selected={index === at} onClick={() => leave(target)}>
            <span>{target.label}</span>
            <span className="muted">{target.where}</span>
          </li>
        ))}
      </ul>
      {!found.length && <p className="muted">Nothing has that name.</p>}
    </Dialog>
  );
}

export function Jump() {
  const [open, setOpen] = useState(false);
  useEffect(() => {
    const keys = (event: KeyboardEvent) => {
      if ((event.ctrlKey || event.metaKey) && event.key.toLowerCase() === "k") {
        event.preventDefault();
        setOpen(true);
      }
    };
    window.addEventListener("keydown", keys);
    return () => window.removeEventListener("keydown", keys);
  }, []);
  return open ? <JumpDialog onClose={() => setOpen(false)} /> : null;
}
