// A new column or a change of one: choose what it does, fill in the form, see what it
// would give for the rows on screen.
import { useEffect, useMemo, useState } from "react";
import { useAnswer } from "../api/cache";
import { ApiError, post, seg } from "../api/client";
import type { Column, ColumnKind, Connection, Field as OrgField, OrgObject, Preview, Table } from "../api/types";
import { goQuery } from "../app/router";
import { useBar } from "../app/session";
import { note } from "../ui/Dialog";
import { Icon } from "../ui/icons";
import { Panel } from "../ui/Panel";
import { Button, Empty, ErrorBox, Loading, SelectField, TextField } from "../ui/parts";
import { ColumnTimes, timesEntry, timesOf, type Times } from "./ColumnTimes";
import { OptionField, type FormContext } from "./OptionField";
import { PreviewList } from "./PreviewList";
import { addColumn, replaceColumn, type ColumnEntry, type RecipeValue } from "./recipe";
import type { RunOrder } from "./RunDialog";
import { TemplateField } from "./TemplateField";
import { WriteMode } from "./WriteMode";
import { plural } from "../ui/time";

const PREVIEW_AFTER_MS = 400;
type Config = Record<string, RecipeValue>;

const PURPOSES: [string, string[]][] = [
  ["Type", ["input"]],
  ["Compute", ["formula"]],
  ["Ask a service", ["http"]],
  ["Find in Salesforce", ["salesforce_lookup"]],
  ["Write to Salesforce", ["salesforce_create", "salesforce_update", "salesforce_upsert", "salesforce_campaign", "salesforce_convert", "salesforce_delete"]],
];

function ChooseKind({ kinds, onChoose }: { kinds: ColumnKind[]; onChoose: (kind: ColumnKind) => void }) {
  const known = PURPOSES.flatMap(([, names]) => names);
  const groups: [string, string[]][] = [...PURPOSES, ["Other", kinds.map((kind) => kind.name).filter((name) => !known.includes(name))]];
  return (
    <div className="kinds">
      {groups.map(([purpose, names]) => {
        const there = names.map((name) => kinds.find((kind) => kind.name === name)).filter((kind) => kind !== undefined);
        return there.length ? (
          <section key={purpose}>
            <h3>{purpose}</h3>
            {there.map((kind) => (
              <button key={kind.name} type="button" className="kind" onClick={() => onChoose(kind)}>
                <Icon name={kind.typed ? "edit" : kind.writes ? "up" : kind.name === "formula" ? "code" : kind.name === "http" ? "link" : "search"} />
                <span><strong>{kind.title}</strong><span className="muted small">{kind.help}</span></span>
              </button>
            ))}
          </section>
        ) : null;
      })}
    </div>
  );
}

function configOf(column: Column, kind: ColumnKind): Config {
  if (column.config && typeof column.config === "object") return column.config as Config;
  return kind.bare && typeof column.config === "string" ? { [kind.bare]: column.config } : {};
}

function entryOf(kind: ColumnKind, name: string, type: string, condition: string, config: Config, times: Times, old: Column | null): ColumnEntry {
  const keys = Object.keys(config);
  const bare = kind.bare && keys.length === 1 && keys[0] === kind.bare ? config[kind.bare] : undefined;
  return {
    name,
    ...(type && type !== kind.type ? { type } : {}),
    [kind.name]: bare ?? config,
    ...(condition ? { only_run_if: condition } : {}),
    ...(old && !old.auto_update ? { auto_update: false } : {}),
    ...timesEntry(times),
  };
}

/** Errors of a recipe belong to an option when they name one: "columns/2/http/url" or "url". */
function errorsOf(problem: unknown): Record<string, string> {
  if (!(problem instanceof ApiError)) return {};
  const found: Record<string, string> = {};
  for (const one of [problem.body, ...problem.more]) {
    const option = one.where?.split("/")[0];
    if (option) found[option] = one.hint ? `${one.message}. ${one.hint}` : one.message;
  }
  return found;
}

function usePreview(table: Table, kind: ColumnKind | null, type: string, condition: string, config: Config, ids: number[]) {
  const [preview, setPreview] = useState<Preview | null>(null);
  const [error, setError] = useState<unknown>(null);
  const [busy, setBusy] = useState(false);
  const ready = kind?.options.every((option) => !option.required || config[option.name] !== undefined) && Object.keys(config).length > 0;
  const text = JSON.stringify({ config, type, condition, kind: kind?.name });
  useEffect(() => {
    if (!kind || !ready || !ids.length) return;
    let over = false;
    const timer = window.setTimeout(() => {
      setBusy(true);
      post<Preview>(`/tables/${seg(table.name)}/preview`, { kind: kind.name, config, row_ids: ids, ...(type ? { type } : {}), ...(condition ? { only_run_if: condition } : {}) })
        .then((answer) => {
          if (over) return;
          setPreview(answer);
          setError(null);
        }, (problem: unknown) => !over && setError(problem))
        .finally(() => !over && setBusy(false));
    }, PREVIEW_AFTER_MS);
    return () => {
      over = true;
      window.clearTimeout(timer);
    };
    // text says all that is asked
    // eslint-disable-next-line react-hooks/exhaustive-deps
  }, [text, ready, ids.join(",")]);
  return { preview, error, busy, ready: !!ready };
}

export function ColumnPanel({ table, columnId, sampleIds, onClose, onRun }: {
  table: Table;
  columnId: number | null;
  sampleIds: () => number[];
  onClose: () => void;
  onRun: (order: RunOrder) => void;
}) {
  const kinds = useAnswer<{ kinds: ColumnKind[]; types: string[] }>("/column-kinds");
  const column = table.columns.find((one) => one.id === columnId) ?? null;
  if (kinds.error) return <Panel title="Column" onClose={onClose}><ErrorBox error={kinds.error} /></Panel>;
  if (!kinds.data) return <Panel title="Column" onClose={onClose}><Loading /></Panel>;
  if (columnId !== null && !column) return <Panel title="Column" onClose={onClose}><Empty icon="search" title="The column is gone" /></Panel>;
  if (column?.kind === "source") return <SourceColumn table={table} column={column} onClose={onClose} />;
  return <ColumnForm key={columnId} table={table} column={column} kinds={kinds.data.kinds} types={kinds.data.types} sampleIds={sampleIds} onClose={onClose} onRun={onRun} />;
}

function SourceColumn({ table, column, onClose }: { table: Table; column: Column; onClose: () => void }) {
  const readers = table.columns.filter((one) => one.depends.includes(column.id));
  return (
    <Panel title={column.name} sub="from the source" onClose={onClose}>
      <dl className="facts">
        <div><dt>Salesforce field</dt><dd><code>{column.source_field ?? column.name}</code></dd></div>
        <div><dt>Object</dt><dd>{table.object ?? "–"}</dd></div>
        <div><dt>Type</dt><dd>{column.type}</dd></div>
        <div><dt>Read by</dt><dd>{readers.map((one) => one.name).join(", ") || "no column"}</dd></div>
      </dl>
      <p className="muted">Its values change when the source is read. Which fields come along is said in the recipe.</p>
      <Button icon="code" onClick={() => goQuery({ panel: "recipe" })}>Open the recipe</Button>
    </Panel>
  );
}

function ColumnForm({ table, column, kinds, types, sampleIds, onClose, onRun }: {
  table: Table;
  column: Column | null;
  kinds: ColumnKind[];
  types: string[];
  sampleIds: () => number[];
  onClose: () => void;
  onRun: (order: RunOrder) => void;
}) {
  const query = new URLSearchParams(window.location.search);
  const given = kinds.find((one) => one.name === (column?.kind ?? query.get("kind"))) ?? null;
  const [kind, setKind] = useState<ColumnKind | null>(given);
  const [name, setName] = useState(column?.name ?? query.get("name") ?? "");
  const [type, setType] = useState(column?.type ?? "");
  const [condition, setCondition] = useState(column?.only_run_if ?? "");
  const [config, setConfig] = useState<Config>(() => (column && given ? configOf(column, given) : given?.bare && query.get("text") ? { [given.bare]: query.get("text") ?? "" } : {}));
  const [times, setTimes] = useState<Times>(() => timesOf(column?.rules));
  const [more, setMore] = useState(false);
  const [busy, setBusy] = useState(false);
  const [problem, setProblem] = useState<unknown>(null);
  const ids = useMemo(sampleIds, [sampleIds]);
  const bar = useBar("builder");
  const preview = usePreview(table, kind?.typed ? null : kind, type, condition, config, ids);

  const connections = useAnswer<{ connections: Connection[] }>("/connections");
  const connection = typeof config["connection"] === "string" ? config["connection"] : null;
  const objects = useAnswer<{ objects: OrgObject[] }>(connection && !bar ? `/connections/${seg(connection)}/objects` : null);
  const object = typeof config["object"] === "string" ? config["object"] : null;
  const known = objects.data?.objects.some((one) => one.name === object);
  const fields = useAnswer<{ fields: OrgField[] }>(connection && object && known ? `/connections/${seg(connection)}/objects/${seg(object)}/fields` : null);

  function choose(to: ColumnKind): void {
    setKind(to);
    const wants = to.options.some((option) => option.type === "connection name");
    setConfig(wants && table.connection ? { connection: table.connection } : {});
    if (!name) setName("");
  }
  const set = (option: string, value: RecipeValue | undefined) => setConfig((now) => {
    const next = { ...now };
    if (value === undefined) delete next[option];
    else next[option] = value;
    return next;
  });

  if (!kind) return <Panel title="New column" onClose={onClose}><ChooseKind kinds={kinds} onChoose={choose} /></Panel>;

  const others = table.columns.filter((one) => one.id !== column?.id);
  const context: FormContext = {
    columns: others,
    connections: connections.data?.connections ?? [],
    objects: objects.data?.objects ?? [],
    fields: fields.data?.fields ?? [],
    creates: kind.name === "salesforce_create" || kind.name === "salesforce_upsert",
    errors: errorsOf(problem ?? preview.error),
  };
  const important = kind.options.filter((option) => option.required || ["match", "id", "unless_found", "external_id", "return", "method", "headers"].includes(option.name) || config[option.name] !== undefined);
  const rest = kind.options.filter((option) => !important.includes(option));
  const save = (run: boolean) => {
    setBusy(true);
    setProblem(null);
    const entry = entryOf(kind, name.trim(), type, condition.trim(), config, times, column);
    (column ? replaceColumn(table, column.name, entry) : addColumn(table, entry)).then(() => {
      note(column ? `${entry.name} is changed.` : kind.typed ? `${entry.name} is there: type into it.` : `${entry.name} is there; nothing has run.`);
      onClose();
      if (run) onRun({ column: entry.name, rows: table.auto_update ? "due" : "empty", label: plural(table.row_count, "row") });
    }, (wrong: unknown) => {
      setProblem(wrong);
      setBusy(false);
    });
  };
  const unnamed = !name.trim();
  const ready = kind.typed || preview.ready;
  return (
    <Panel least={540} title={column ? `Edit ${column.name}` : `New column: ${kind.title}`} sub={kind.help} onClose={onClose} foot={
      <>
        <Button onClick={onClose}>Cancel</Button>
        {!column && !kind.typed && <Button bar={bar} busy={busy} disabled={unnamed || !ready} onClick={() => save(true)}>Add and run…</Button>}
        <Button look="primary" bar={bar} busy={busy} disabled={unnamed || !ready} onClick={() => save(false)}>{column ? "Save" : kind.typed ? "Add" : "Add, don't run"}</Button>
      </>
    }>
      {!column && <Button look="quiet" icon="left" onClick={() => setKind(null)}>Other kind</Button>}
      <TextField label="Name *" value={name} onChange={setName} autoFocus={!column} help={column ? "A recipe knows a column by its name: with another name it is a new column." : undefined} />
      {important.map((option) => <OptionField key={`${kind.name}/${option.name}`} option={option} value={config[option.name]} onChange={(value) => set(option.name, value)} context={context} />)}
      <ErrorBox error={objects.error ?? fields.error} />
      {!kind.typed && <TemplateField label="Only run if" help="A formula that must be true for a row; else it is skipped, and costs nothing." error={context.errors["only_run_if"] ?? null} value={condition} onChange={setCondition} columns={others} lines={1} />}
      <SelectField label="Type" value={type} onChange={setType} options={[{ value: "", label: `as usual (${kind.type})` }, ...types.map((one) => ({ value: one, label: one }))]} />
      {rest.length > 0 && (
        <details open={more} onToggle={(event) => setMore(event.currentTarget.open)}>
          <summary>{rest.length} more options</summary>
          {more && rest.map((option) => <OptionField key={`${kind.name}/${option.name}`} option={option} value={config[option.name]} onChange={(value) => set(option.name, value)} context={context} />)}
        </details>
      )}
      {!kind.typed && <ColumnTimes times={times} onChange={setTimes} />}
      <ErrorBox error={problem} />
      {column && kind.writes && <WriteMode table={table} column={column} connections={context.connections} />}
      {!kind.typed && <PreviewList preview={preview.preview} busy={preview.busy} error={problem ? null : preview.error} ready={preview.ready} rows={ids.length} type={type || kind.type} />}
    </Panel>
  );
}
