// A new table: where its rows come from, which fields, how often; a preview and the cost
// are on screen before anything is made.
import { useEffect, useState } from "react";
import { useAnswer } from "../api/cache";
import { post, seg } from "../api/client";
import type { Connection, Field as OrgField, OrgObject, SourceKind, Table } from "../api/types";
import { go, tablePath, usePlace } from "../app/router";
import { useBar } from "../app/session";
import { note } from "../ui/Dialog";
import { EnvironmentBand } from "../ui/Environment";
import { Icon } from "../ui/icons";
import { Button, Empty, ErrorBox, Loading, TextField } from "../ui/parts";
import { Page } from "../ui/Page";
import { OptionField, type FormContext } from "../table/OptionField";
import { applyRecipe, toYaml, type Applied, type RecipeValue } from "../table/recipe";
import { readHead, type CsvHead } from "./csv";
import { FieldChooser } from "./FieldChooser";
import { SourcePreview } from "./SourcePreview";
import { uploadInto } from "./Upload";

type Config = Record<string, RecipeValue>;
const PREVIEW_ROWS = 20;

function ChooseSource({ kinds, connected, onChoose }: { kinds: SourceKind[]; connected: boolean; onChoose: (kind: SourceKind) => void }) {
  return (
    <div className="cards">
      {kinds.map((kind) => {
        const org = kind.options.some((option) => option.type === "connection name");
        const bar = org && !connected ? "Connect Salesforce first." : null;
        return (
          <button key={kind.name} type="button" className="card choose" disabled={!!bar} title={bar ?? undefined} onClick={() => onChoose(kind)}>
            <Icon name={org ? "cloud" : "file"} size={20} />
            <strong>{kind.title}</strong>
            <span className="muted">{kind.help}</span>
            {bar && <span className="tone-warn small">{bar}</span>}
          </button>
        );
      })}
    </div>
  );
}

export function NewTablePage() {
  const place = usePlace();
  const kinds = useAnswer<{ kinds: SourceKind[] }>("/source-kinds");
  const connections = useAnswer<{ connections: Connection[] }>("/connections");
  const wanted = place.query.get("source");
  const kind = kinds.data?.kinds.find((one) => one.name === wanted);
  return (
    <Page title="New table" lead={kind ? kind.title : "Where do the rows come from?"} actions={kind && <Button icon="left" onClick={() => go("/tables/new")}>Other source</Button>}>
      <ErrorBox error={kinds.error ?? connections.error} />
      {(!kinds.data || !connections.data) && !kinds.error && <Loading />}
      {kinds.data && connections.data && !kind && <ChooseSource kinds={kinds.data.kinds} connected={connections.data.connections.length > 0} onChoose={(one) => go(`/tables/new?source=${one.name}`)} />}
      {kind && connections.data && <SourceForm key={kind.name} kind={kind} connections={connections.data.connections} />}
    </Page>
  );
}

function usualName(config: Config, file: File | null): string {
  const from = file?.name.replace(/\.\w+$/, "") ?? [config["list_view"], config["report"], config["object"]].find((one) => typeof one === "string");
  return typeof from === "string" ? from.toLowerCase().replace(/[^a-z0-9]+/g, "-").replace(/^-|-$/g, "") : "";
}

function SourceForm({ kind, connections }: { kind: SourceKind; connections: Connection[] }) {
  const org = kind.options.some((option) => option.type === "connection name");
  const ofFile = kind.name === "csv";
  const [config, setConfig] = useState<Config>((): Config => (org && connections[0] ? { connection: connections[0].name } : {}));
  const [named, setNamed] = useState<string | null>(null);
  const [every, setEvery] = useState(kind.every ?? "");
  const ownIds = kind.name === "salesforce_object" || kind.name === "salesforce_list_view";
  const [unique, setUnique] = useState(kind.name === "salesforce_soql" ? "Id" : "");
  const [file, setFile] = useState<File | null>(null);
  const [head, setHead] = useState<CsvHead | null>(null);
  const [checked, setChecked] = useState<Applied | null>(null);
  const [problem, setProblem] = useState<unknown>(null);
  const [busy, setBusy] = useState("");
  const bar = useBar("builder");
  const tables = useAnswer<{ tables: Table[] }>("/tables");

  const connectionName = typeof config["connection"] === "string" ? config["connection"] : null;
  const connection = connections.find((one) => one.name === connectionName);
  const objects = useAnswer<{ objects: OrgObject[] }>(connectionName && !bar ? `/connections/${seg(connectionName)}/objects` : null);
  const object = typeof config["object"] === "string" ? config["object"] : null;
  const known = objects.data?.objects.some((one) => one.name === object);
  const fields = useAnswer<{ fields: OrgField[] }>(connectionName && object && known ? `/connections/${seg(connectionName)}/objects/${seg(object)}/fields` : null);
  const name = named ?? usualName(config, file);
  const taken = tables.data?.tables.some((table) => table.name.toLowerCase() === name.toLowerCase());
  const ready = name && !taken && (!ofFile || file) && kind.options.every((option) => !option.required || config[option.name] !== undefined);

  const change = (to: Config) => {
    setConfig(to);
    setChecked(null);
    setProblem(null);
  };
  const set = (option: string, value: RecipeValue | undefined) => {
    const next = { ...config };
    if (value === undefined) delete next[option];
    else next[option] = value;
    if (option === "object" && kind.options.some((one) => one.name === "fields" && one.required)) delete next["fields"];
    change(next);
  };
  useEffect(() => {
    if (!file) return;
    void readHead(file, PREVIEW_ROWS).then((found) => {
      setHead(found);
      setConfig((now) => ({ ...now, fields: found.names })); // a recipe names its columns before the first rows
    });
  }, [file]);

  const keys = unique.split(",").map((one) => one.trim()).filter(Boolean);
  const source: Config = { [kind.key]: config, ...(every && !ofFile && kind.name !== "webhook" ? { every } : {}), ...(keys.length ? { unique_by: keys } : {}) };
  const recipe = async () => toYaml({ table: name, source, auto_update: false });
  const act = (dryRun: boolean) => {
    setBusy(dryRun ? "check" : "make");
    setProblem(null);
    recipe().then((text) => applyRecipe(text, connectionName, dryRun)).then(async (done) => {
      setChecked(done);
      if (dryRun) return;
      if (file) await uploadInto(done.table, null, file);
      else if (kind.name !== "webhook") await post(`/tables/${seg(done.table)}/syncs`, {});
      note(`${done.table} is made.`);
      go(tablePath(done.table) + (kind.name === "webhook" ? "?panel=sources" : ""));
    }).catch(setProblem).finally(() => setBusy(""));
  };
  const context: FormContext = { columns: [], connections, objects: objects.data?.objects ?? [], fields: fields.data?.fields ?? [], creates: false, errors: {} };
  const hidden = new Set(org || ofFile ? ["fields", ...(ofFile ? ["file"] : [])] : []);
  const main = kind.options.filter((option) => !hidden.has(option.name) && option.required);
  const rest = kind.options.filter((option) => !hidden.has(option.name) && !option.required);
  const fieldOption = kind.options.find((option) => option.name === "fields");

  if (org && !connections.length) return <Empty icon="cloud" title="Connect Salesforce first" actions={<Button look="primary" onClick={() => go("/settings/connections")}>Connect</Button>} />;
  return (
    <div className="new-table">
      {connection && <EnvironmentBand connection={connection} />}
      <div className="two">
        <section className="form">
          {ofFile && <FileField file={file} onFile={setFile} />}
          {main.map((option) => <OptionField key={option.name} option={option} value={config[option.name]} onChange={(value) => set(option.name, value)} context={context} />)}
          <ErrorBox error={objects.error ?? fields.error} />
          {fieldOption && org && (kind.name === "salesforce_object"
            ? fields.data && <FieldChooser fields={fields.data.fields} value={config["fields"]} onChange={(value) => set("fields", value)} />
            : <OptionField option={fieldOption} value={config["fields"]} onChange={(value) => set("fields", value)} context={context} />)}
          {rest.length > 0 && (
            <details>
              <summary>{rest.length} more options</summary>
              {rest.map((option) => <OptionField key={option.name} option={option} value={config[option.name]} onChange={(value) => set(option.name, value)} context={context} />)}
            </details>
          )}
          {!ownIds && <TextField label="Rows are told apart by" term="unique_by" value={unique} onChange={setUnique} spellCheck={false} placeholder="Email"
            help={ofFile || kind.name === "webhook" ? "Fields, with commas: a row that comes again changes the one that is there. Without it every row is a new one." : "Fields, with commas, that no two rows share: they have no Id of their own."} />}
          {!ofFile && kind.name !== "webhook" && kind.every !== null && <TextField label="Read every" value={every} onChange={setEvery} placeholder={kind.every ?? "24h"} help="manual, 15m, 1h, 24h, daily at 06:00 Europe/Berlin. What changed since then is read, not everything." />}
          <TextField label="Name of the table *" value={name} onChange={setNamed} error={taken ? "There is a table of that name." : null} />
          <ErrorBox error={problem} />
          <div className="actions">
            {!ofFile && <Button bar={bar} busy={busy === "check"} disabled={!ready} onClick={() => act(true)}>Check</Button>}
            <Button look="primary" bar={bar} busy={busy === "make"} disabled={!ready} onClick={() => act(false)}>{ofFile ? "Import the file" : kind.name === "webhook" ? "Make the table" : "Make the table and read its rows"}</Button>
          </div>
        </section>
        <section className="aside" aria-label="Preview">
          {head && <CsvPreview head={head} />}
          {checked && !checked.applied && (
            <>
              <h2>This would be made</h2>
              <ul className="plain">{checked.changes.map((line, at) => <li key={at}>{line}</li>)}</ul>
              <p className="muted">Salesforce knows every field, and the connected user may read them.</p>
            </>
          )}
          {org && connectionName && <SourcePreview connection={connectionName} kind={kind.name} config={config} ready={!bar && kind.options.every((option) => !option.required || config[option.name] !== undefined)} />}
          {fields.data && !checked && Array.isArray(config["fields"]) && <FieldPreview names={config["fields"]} fields={fields.data.fields} />}
        </section>
      </div>
    </div>
  );
}

function FileField({ file, onFile }: { file: File | null; onFile: (file: File) => void }) {
  return (
    <div className="field">
      <label htmlFor="csv-file">CSV file *</label>
      <input id="csv-file" type="file" accept=".csv,.tsv,.txt,text/csv" onChange={(event) => event.target.files?.[0] && onFile(event.target.files[0])} />
      <div className="field-help">{file ? `${(file.size / 1024).toFixed(0)} KB. Values stay text: leading zeros, ids and phone numbers keep their form.` : "The first line names the columns."}</div>
    </div>
  );
}

function CsvPreview({ head }: { head: CsvHead }) {
  return (
    <>
      <h2>First rows</h2>
      <div className="preview-table" tabIndex={0} role="region" aria-label="First rows of the file">
        <table className="list dense">
          <thead><tr>{head.names.map((name, at) => <th key={at} scope="col">{name}</th>)}</tr></thead>
          <tbody>{head.rows.map((row, at) => <tr key={at}>{head.names.map((_, place) => <td key={place}>{row[place]}</td>)}</tr>)}</tbody>
        </table>
      </div>
    </>
  );
}

function FieldPreview({ names, fields }: { names: RecipeValue[]; fields: OrgField[] }) {
  return (
    <>
      <h2>{names.length} columns</h2>
      <ul className="plain">
        {names.map((name) => {
          const field = fields.find((one) => one.name === name);
          return <li key={String(name)}><strong>{field?.label ?? String(name)}</strong> <span className="muted small">{field?.type}</span></li>;
        })}
      </ul>
    </>
  );
}
