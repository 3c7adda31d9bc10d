// The first line: the table's name with its menu (auto-update first), what it is doing,
// search, run, and a new column.
import { useEffect, useRef, useState } from "react";
import { invalidate, keep, useAnswer } from "../api/cache";
import { get, post, put, remove, seg } from "../api/client";
import { isComputed, type Run, type Table, type TableStates, type Scheduled } from "../api/types";
import { go, goQuery } from "../app/router";
import { useBar } from "../app/session";
import { attempt, Confirm, Dialog, note } from "../ui/Dialog";
import { Icon } from "../ui/icons";
import { Menu } from "../ui/Menu";
import { Button, ErrorBox } from "../ui/parts";
import { ago, count, plural } from "../ui/time";
import type { RunOrder } from "./RunDialog";

async function setAutoUpdate(table: Table, on: boolean, runWaiting: boolean): Promise<void> {
  keep(`/tables/${seg(table.name)}`, await put<Table>(`/tables/${seg(table.name)}/auto-update`, { on, ...(on ? { run_waiting: runWaiting } : {}) }));
  invalidate("/tables");
}

function SwitchOn({ table, onClose }: { table: Table; onClose: () => void }) {
  const states = useAnswer<TableStates>(`/tables/${seg(table.name)}/states`);
  const [error, setError] = useState<unknown>(null);
  const waiting = states.data?.waiting ?? 0;
  const on = (run: boolean) => setAutoUpdate(table, true, run).then(() => {
    note(run ? `Auto-update is on; ${plural(waiting, "row")} began to run.` : "Auto-update is on, from the next change.");
    onClose();
  }, setError);
  return (
    <Dialog title="Enable auto-update" onClose={onClose}>
      <p>{waiting ? `${plural(waiting, "row is", "rows are")} waiting. Run them now, or only from the next change?` : "Nothing is waiting. New and changed rows will run by themselves."}</p>
      <p className="muted">Columns that write to Salesforce run by themselves only after their first write was approved.</p>
      <ErrorBox error={error} />
      <div className="actions end">
        <Button onClick={onClose}>Cancel</Button>
        {waiting > 0 && <Button onClick={() => void on(false)}>From the next change</Button>}
        <Button look="primary" onClick={() => void on(waiting > 0)}>{waiting ? `Run ${count(waiting)}` : "Enable"}</Button>
      </div>
    </Dialog>
  );
}

async function download(table: Table): Promise<void> {
  const { recipe } = await get<{ recipe: string }>(`/tables/${seg(table.name)}/recipe`);
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([recipe], { type: "application/yaml" }));
  link.download = `${table.name}.yaml`;
  link.click();
  URL.revokeObjectURL(link.href);
}

function TableMenu({ table }: { table: Table }) {
  const [asking, setAsking] = useState<"on" | "delete" | null>(null);
  const builder = useBar("builder");
  return (
    <>
      <h1 className="table-name">
        <Menu label={`Table ${table.name}`} className="table-name-button" entries={() => [
          table.auto_update
            ? { label: "Disable auto-update", bar: builder, run: () => attempt(setAutoUpdate(table, false, false), "Auto-update is off. New and changed rows will wait; nothing is lost.") }
            : { label: "Enable auto-update", bar: builder, run: () => setAsking("on") },
          "line",
          { label: "Schedule and sources…", run: () => goQuery({ panel: "sources" }) },
          { label: "Auto-dedupe…", run: () => goQuery({ panel: "dedupe" }) },
          { label: "Versions…", run: () => goQuery({ panel: "versions" }) },
          { label: "Columns, and who reads whom…", run: () => goQuery({ panel: "graph" }) },
          { label: "Recipe (YAML)…", run: () => goQuery({ panel: "recipe" }) },
          { label: "Download the recipe", run: () => attempt(download(table)) },
          { label: "Export rows as CSV…", run: () => goQuery({ panel: "export" }) },
          { label: "Runs of this table", run: () => go(`/runs?table=${encodeURIComponent(table.name)}`) },
          { label: "Journal of this table", run: () => go(`/journal?table=${encodeURIComponent(table.name)}`) },
          "line",
          { label: "Delete table…", danger: true, bar: builder, run: () => setAsking("delete") },
        ]}>
          {table.name} <Icon name="caret" />
        </Menu>
      </h1>
      {asking === "on" && <SwitchOn table={table} onClose={() => setAsking(null)} />}
      {asking === "delete" && (
        <Confirm title={`Delete ${table.name}?`} deed="Delete table" danger onClose={() => setAsking(null)} run={async () => {
          await remove(`/tables/${seg(table.name)}`);
          invalidate("/tables");
          go("/tables");
        }}>
          <p>The table, its {plural(table.row_count, "row")} and its columns go. Nothing in Salesforce is touched; the journal of what was written stays.</p>
        </Confirm>
      )}
    </>
  );
}

function Freshness({ table }: { table: Table }) {
  const runs = useAnswer<{ runs: Run[] }>(`/runs?table=${seg(table.name)}&kind=sync&limit=1`);
  const last = runs.data?.runs[0];
  const [, tick] = useState(0);
  useEffect(() => {
    const timer = window.setInterval(() => tick((n) => n + 1), 20_000);
    return () => window.clearInterval(timer);
  }, []);
  if (!last) return <span className="muted small">Not read yet</span>;
  if (last.state === "running" || last.state === "queued") return <span className="tone-accent small">Reading…</span>;
  if (last.state !== "done") return <span className="tone-warn small" title={last.error ?? ""}>Sync {last.state} {last.ended ? ago(last.ended) : ""}</span>;
  return <span className="muted small">Synced {last.ended ? ago(last.ended) : ""}</span>;
}

function Search() {
  const box = useRef<HTMLInputElement>(null);
  const [text, setText] = useState(() => new URLSearchParams(window.location.search).get("search") ?? "");
  useEffect(() => {
    const keys = (event: KeyboardEvent) => {
      if ((event.ctrlKey || event.metaKey) && event.key.toLowerCase() === "f" && !document.querySelector("dialog[open]")) {
        event.preventDefault();
        box.current?.select();
      }
    };
    window.addEventListener("keydown", keys);
    return () => window.removeEventListener("keydown", keys);
  }, []);
  useEffect(() => {
    const now = new URLSearchParams(window.location.search).get("search") ?? "";
    if (now === text.trim()) return;
    const timer = window.setTimeout(() => goQuery({ search: text.trim() || null }, true), 300);
    return () => window.clearTimeout(timer);
  }, [text]);
  return (
    <label className="search">
      <Icon name="search" size={14} />
      <span className="visually-hidden">Search this table</span>
      <input ref={box} type="search" placeholder="Search" value={text} onChange={(event) => setText(event.target.value)} />
    </label>
  );
}

export function TopBar({ table, chosenRows, onRun, onRunChosen }: {
  table: Table;
  chosenRows: number;
  onRun: (order: RunOrder) => void;
  onRunChosen: () => void;
}) {
  const states = useAnswer<TableStates>(`/tables/${seg(table.name)}/states`);
  const schedules = useAnswer<{ schedules: Scheduled[] }>("/schedules");
  const runner = useBar("runner");
  const builder = useBar("builder");
  const waiting = states.data?.waiting ?? 0;
  const sum = (names: string[]) => (states.data?.columns ?? []).reduce((all, one) => all + names.reduce((n, name) => n + (one.states[name] ?? 0), 0), 0);
  const failed = sum(["error", "retrying"]);
  const refused = sum(["refused"]);
  const empty = sum(["empty", "no result"]);
  const problem = schedules.data?.schedules.find((one) => one.table_id === table.id && one.problem)?.problem;
  const computed = table.columns.some((column) => isComputed(column));
  return (
    <div className="top-bar" data-region="bar">
      <TableMenu table={table} />
      <span className={`pill ${table.auto_update ? "on" : ""}`}>{table.auto_update ? "Auto-update on" : waiting ? `Auto-update off · ${count(waiting)} waiting` : "Auto-update off"}</span>
      <Freshness table={table} />
      {problem && <span className="tone-warn small" title={problem}>Schedule not understood</span>}
      <span className="spring" />
      <Search />
      <Button icon="sync" bar={runner} onClick={() => attempt(post(`/tables/${seg(table.name)}/syncs`, {}).then(() => invalidate("/runs")), "Reading from the source began.")}>Sync</Button>
      <Menu label="Run" className="button plain" disabled={!!runner || !computed} title={runner ?? (computed ? undefined : "There is no column to run yet.")} entries={() => [
        { label: `Run ${count(waiting)} out of date`, bar: waiting ? null : "Nothing is out of date.", run: () => onRun({ rows: "due", label: `${plural(waiting, "row")} that wait` }) },
        { label: `Run ${plural(chosenRows, "selected row")}`, hint: "Ctrl+Enter", run: onRunChosen },
        { label: `Run ${count(empty)} empty`, bar: empty ? null : "No cell is empty.", run: () => onRun({ rows: "empty", label: plural(empty, "empty cell") }) },
        { label: `Run ${count(failed)} failed`, bar: failed ? null : "Nothing failed.", run: () => onRun({ rows: "errors", label: `${count(failed)} failed cells` }) },
        { label: `Run ${count(refused)} refused`, bar: refused ? null : "Nothing was refused.", run: () => onRun({ rows: "refused", label: `${count(refused)} refused cells` }) },
        "line",
        { label: `Run again for all ${count(table.row_count)}…`, run: () => onRun({ rows: "all", label: `all ${plural(table.row_count, "row")}, again` }) },
      ]}>
        <Icon name="runs" /> Run <Icon name="caret" size={12} />
      </Menu>
      <Button look="primary" icon="plus" bar={builder} onClick={() => goQuery({ panel: "column:new" })}>Column</Button>
    </div>
  );
}
