// The field contract of a connection: a grid of what may be written, its text, its
// versions, and who writes what. A change is checked against the org and shown before it
// becomes the next version.
import { useEffect, useState } from "react";
import { invalidate, useAnswer } from "../api/cache";
import { ApiError, put, ROOT, seg } from "../api/client";
import type { Connection, Contract, ContractField } from "../api/types";
import { goQuery, usePlace } from "../app/router";
import { useBar } from "../app/session";
import { attempt, Dialog, note } from "../ui/Dialog";
import { EnvironmentBand } from "../ui/Environment";
import { Page } from "../ui/Page";
import { Tabs } from "../ui/Panel";
import { Button, Empty, ErrorBox, IconButton, Loading, SelectField, TextField, Time } from "../ui/parts";
import { plural } from "../ui/time";
import { contractText, draftOf, type ContractDraft } from "./contractText";

const TABS = ["Fields", "Text", "Versions", "Who writes what"] as const;
const RULES = ["always", "if_blank", "if_ours", "if_newer", "set_once", "never"];
const DIRECTIONS = ["write", "read", "both"];
const STATUSES = ["active", "pending"];

interface Change {
  version: number | null;
  changes: { field: string | null; was: string | null; is: string | null }[];
}

function Choice({ label, value, options, bar, onChange }: { label: string; value: string; options: string[]; bar: string | null; onChange: (value: string) => void }) {
  const all = options.includes(value) ? options : [...options, value];
  return <select aria-label={label} value={value} disabled={!!bar} title={bar ?? undefined} onChange={(event) => onChange(event.target.value)}>{all.map((one) => <option key={one}>{one}</option>)}</select>;
}

function FieldRow({ field, at, guards, bar, onChange, onRemove }: { field: ContractField; at: number; guards: string[]; bar: string | null; onChange: (field: ContractField) => void; onRemove: () => void }) {
  const name = field.field || `row ${at + 1}`;
  const text = (key: "ticket" | "sensitivity" | "note") => (
    <input aria-label={`${key} of ${name}`} value={field[key] ?? ""} disabled={!!bar} onChange={(event) => onChange({ ...field, [key]: event.target.value || null })} />
  );
  return (
    <tr className={field.status === "pending" ? "muted" : ""}>
      <td><input aria-label={`Field of row ${at + 1}`} className="mono" spellCheck={false} placeholder="Lead.Phone" value={field.field} disabled={!!bar} onChange={(event) => onChange({ ...field, field: event.target.value.trim() })} /></td>
      <td><Choice label={`Direction of ${name}`} value={field.direction} options={DIRECTIONS} bar={bar} onChange={(direction) => onChange({ ...field, direction })} /></td>
      <td><Choice label={`Status of ${name}`} value={field.status} options={STATUSES} bar={bar} onChange={(status) => onChange({ ...field, status })} /></td>
      <td><Choice label={`Rule of ${name}`} value={field.rule} options={RULES} bar={bar} onChange={(rule) => onChange({ ...field, rule })} /></td>
      <td><Choice label={`Guard of ${name}`} value={field.when ?? ""} options={["", ...guards]} bar={bar} onChange={(when) => onChange({ ...field, when: when || null })} /></td>
      <td>{text("ticket")}</td>
      <td>{text("sensitivity")}</td>
      <td>{text("note")}</td>
      <td><IconButton icon="trash" label={`Take ${name} off the contract`} disabled={!!bar} onClick={onRemove} /></td>
    </tr>
  );
}

function Fields({ draft, bar, onChange }: { draft: ContractDraft; bar: string | null; onChange: (draft: ContractDraft) => void }) {
  const guards = draft.guards.map(([name]) => name).filter(Boolean);
  const setField = (at: number, field: ContractField | null) => onChange({ ...draft, fields: field ? draft.fields.map((one, i) => (i === at ? field : one)) : draft.fields.filter((_, i) => i !== at) });
  const setGuard = (at: number, guard: [string, string] | null) => onChange({ ...draft, guards: guard ? draft.guards.map((one, i) => (i === at ? guard : one)) : draft.guards.filter((_, i) => i !== at) });
  return (
    <>
      <div className="contract-top">
        <SelectField label="Fields that are not listed" value={draft.default} onChange={(to) => onChange({ ...draft, default: to })} options={[{ value: "deny", label: "may not be written" }, { value: "allow", label: "may be written" }]} help="A listed field follows its rule in any case." />
        <TextField label="Approval wanted above" value={draft.approve_above} onChange={(to) => onChange({ ...draft, approve_above: to.replace(/\D/g, "") })} placeholder="never" help="Runs with more writes than this want an approved plan." />
      </div>
      <div className="contract-grid" tabIndex={0} role="region" aria-label="Fields of the contract">
        <table className="list dense">
          <thead><tr><th scope="col">Field</th><th scope="col">Direction</th><th scope="col">Status</th><th scope="col">Rule</th><th scope="col">When</th><th scope="col">Ticket</th><th scope="col">Sensitivity</th><th scope="col">Note</th><th scope="col"><span className="visually-hidden">Deeds</span></th></tr></thead>
          <tbody>{draft.fields.map((field, at) => <FieldRow key={at} field={field} at={at} guards={guards} bar={bar} onChange={(to) => setField(at, to)} onRemove={() => setField(at, null)} />)}</tbody>
        </table>
      </div>
      <Button icon="plus" bar={bar} onClick={() => onChange({ ...draft, fields: [...draft.fields, { field: "", direction: "write", status: "active", rule: "always", when: null, ticket: null, sensitivity: null, note: null }] })}>Field</Button>
      <h2>Guards</h2>
      <p className="muted small">A condition of the record (SOQL). Unknown counts as false: the field is not written.</p>
      {draft.guards.map(([name, condition], at) => (
        <div key={at} className="guard">
          <input aria-label={`Name of guard ${at + 1}`} value={name} placeholder="contactable" disabled={!!bar} spellCheck={false} onChange={(event) => setGuard(at, [event.target.value.trim(), condition])} />
          <input aria-label={`Condition of guard ${at + 1}`} className="mono" value={condition} placeholder="HasOptedOutOfEmail = false" disabled={!!bar} spellCheck={false} onChange={(event) => setGuard(at, [name, event.target.value])} />
          <IconButton icon="trash" label={`Delete guard ${name || at + 1}`} disabled={!!bar} onClick={() => setGuard(at, null)} />
        </div>
      ))}
      <Button icon="plus" bar={bar} onClick={() => onChange({ ...draft, guards: [...draft.guards, ["", ""]] })}>Guard</Button>
    </>
  );
}

/** What would change, before it does; with ticket and note. */
function Save({ connection, body, onClose }: { connection: string; body: { text: string } | { csv: string }; onClose: (saved: boolean) => void }) {
  const [ticket, setTicket] = useState("");
  const [why, setWhy] = useState("");
  const [change, setChange] = useState<Change | null>(null);
  const [error, setError] = useState<unknown>(null);
  const [busy, setBusy] = useState(false);
  const path = `/connections/${seg(connection)}/contract`;
  useEffect(() => void put<Change>(path, { ...body, dry_run: true }).then(setChange, setError), [path, body]);
  const store = () => {
    setBusy(true);
    put<Change>(path, { ...body, ...(ticket ? { ticket } : {}), ...(why ? { note: why } : {}) }).then((made) => {
      invalidate("/connections");
      note(made.version ? `Version ${made.version} of the contract holds from now on.` : "The contract is as it was.");
      onClose(true);
    }, (problem: unknown) => {
      setError(problem);
      setBusy(false);
    });
  };
  return (
    <Dialog wide title="Change the contract" onClose={() => onClose(false)}>
      <ErrorBox error={error} />
      {!change && !error && <><p>Checking it against the org…</p><Loading /></>}
      {change && !change.changes.length && <p>Its fields stay as they are.</p>}
      {change && change.changes.length > 0 && (
        <table className="old-new">
          <thead><tr><th scope="col">Field</th><th scope="col">Was</th><th scope="col">Is</th></tr></thead>
          <tbody>{change.changes.map((one, at) => <tr key={at}><th scope="row">{one.field ?? "the rest"}</th><td>{one.was ? <del>{one.was}</del> : <span className="muted">not listed</span>}</td><td>{one.is ? <ins>{one.is}</ins> : <span className="muted">not listed</span>}</td></tr>)}</tbody>
        </table>
      )}
      <TextField label="Ticket" value={ticket} onChange={setTicket} help="Kept with the version." />
      <TextField label="Note" value={why} onChange={setWhy} />
      <div className="actions end">
        <Button onClick={() => onClose(false)}>Cancel</Button>
        <Button look="primary" busy={busy} disabled={!change} onClick={store}>Store as the next version</Button>
      </div>
    </Dialog>
  );
}

function Versions({ connection }: { connection: string }) {
  const answer = useAnswer<{ versions: { version: number; at: string | null; who: string | null; ticket: string | null; note: string | null }[] }>(`/connections/${seg(connection)}/contract/versions`);
  const shown = usePlace().query.get("version");
  const old = useAnswer<Contract>(shown ? `/connections/${seg(connection)}/contract?version=${seg(shown)}` : null);
  if (answer.error) return <ErrorBox error={answer.error} />;
  if (!answer.data) return <Loading />;
  return (
    <>
      <table className="list">
        <thead><tr><th scope="col">Version</th><th scope="col">When</th><th scope="col">By</th><th scope="col">Ticket</th><th scope="col">Note</th></tr></thead>
        <tbody>
          {answer.data.versions.map((one) => (
            <tr key={one.version} className={String(one.version) === shown ? "chosen" : ""}>
              <td><button type="button" className="link" onClick={() => goQuery({ version: String(one.version) })}>Version {one.version}</button></td>
              <td><Time at={one.at} exact /></td><td>{one.who}</td><td>{one.ticket}</td><td>{one.note}</td>
            </tr>
          ))}
        </tbody>
      </table>
      {old.data && <pre className="wrap" tabIndex={0} aria-label={`Text of version ${old.data.version}`}>{old.data.text}</pre>}
    </>
  );
}

function Report({ connection }: { connection: string }) {
  const answer = useAnswer<{ uses: { field: string; verdict: string; entry: ContractField | null; writers: string | null }[] }>(`/connections/${seg(connection)}/contract/report`);
  if (answer.error) return <ErrorBox error={answer.error} />;
  if (!answer.data) return <Loading />;
  if (!answer.data.uses.length) return <p className="muted">No column writes to this org, and the contract lists no field.</p>;
  return (
    <table className="list dense">
      <thead><tr><th scope="col">Field</th><th scope="col">Verdict</th><th scope="col">Rule</th><th scope="col">Ticket</th><th scope="col">Written by</th></tr></thead>
      <tbody>
        {answer.data.uses.map((use) => (
          <tr key={use.field}>
            <td><code>{use.field}</code></td>
            <td className={use.verdict === "denied" ? "tone-err" : use.verdict === "pending" ? "tone-warn" : ""}>{use.verdict}</td>
            <td>{use.entry?.rule}{use.entry?.when ? ` when ${use.entry.when}` : ""}</td><td>{use.entry?.ticket}</td><td>{use.writers}</td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

function Editor({ connection, contract }: { connection: Connection; contract: Contract | null }) {
  const [draft, setDraft] = useState<ContractDraft>(() => draftOf(contract));
  const [text, setText] = useState(contract?.text ?? `connection: ${connection.name}\ndefault: deny\nfields: []\n`);
  const [tab, setTab] = useState<(typeof TABS)[number]>("Fields");
  const [saving, setSaving] = useState<{ text: string } | { csv: string } | null>(null);
  const bar = useBar("admin");
  const changed = JSON.stringify(draft) !== JSON.stringify(draftOf(contract));
  const save = () => attempt(contractText(connection.name, contract, draft).then((made) => setSaving({ text: made })));
  const upload = (file: File | undefined) => file && attempt(file.text().then((csv) => setSaving({ csv })));
  return (
    <>
      <Tabs label="Contract" names={TABS} now={tab} onChoose={setTab} />
      {tab === "Fields" && (
        <>
          <Fields draft={draft} bar={bar} onChange={setDraft} />
          <div className="actions">
            <Button look="primary" bar={bar} disabled={!changed} onClick={save}>Save…</Button>
            {changed && <Button onClick={() => setDraft(draftOf(contract))}>Take the changes back</Button>}
            <span className="spring" />
            {contract && <a className="button plain" href={`${ROOT}/connections/${seg(connection.name)}/contract.csv`} download={`${connection.name}-contract.csv`}>Download as a sheet</a>}
            {!bar && <label className="button plain">Put a sheet in…<input type="file" className="visually-hidden" accept=".csv,text/csv" onChange={(event) => upload(event.target.files?.[0])} /></label>}
          </div>
        </>
      )}
      {tab === "Text" && (
        <>
          <textarea className="recipe" aria-label="Contract as text" spellCheck={false} value={text} readOnly={!!bar} onChange={(event) => setText(event.target.value)} />
          <div className="actions"><Button look="primary" bar={bar} disabled={text === contract?.text} onClick={() => setSaving({ text })}>Save…</Button></div>
        </>
      )}
      {tab === "Versions" && <Versions connection={connection.name} />}
      {tab === "Who writes what" && <Report connection={connection.name} />}
      {saving && <Save connection={connection.name} body={saving} onClose={() => setSaving(null)} />}
    </>
  );
}

function ConnectionContract({ connection }: { connection: Connection }) {
  const answer = useAnswer<Contract>(`/connections/${seg(connection.name)}/contract`);
  const [begin, setBegin] = useState(false);
  const bar = useBar("admin");
  const none = answer.error instanceof ApiError && answer.error.status === 404;
  if (answer.error && !none) return <ErrorBox error={answer.error} />;
  if (!answer.data && !none) return <Loading />;
  if (none && !begin)
    return (
      <Empty icon="lock" title={`${connection.name} has no contract`} actions={<Button look="primary" bar={bar} onClick={() => setBegin(true)}>Write one</Button>}>
        The guards of the tables' recipes rule alone. With a contract, what it does not list is not written: by no table, column, run or undo.
      </Empty>
    );
  return (
    <>
      {answer.data && <p className="muted">Version {answer.data.version}, {plural(answer.data.fields.length, "field")}, by {answer.data.who} <Time at={answer.data.at} />{answer.data.ticket ? `, ticket ${answer.data.ticket}` : ""}.</p>}
      <Editor key={answer.data?.version ?? 0} connection={connection} contract={answer.data ?? null} />
    </>
  );
}

export function ContractPage() {
  const answer = useAnswer<{ connections: Connection[] }>("/connections");
  const wanted = usePlace().query.get("connection");
  const list = answer.data?.connections ?? [];
  const connection = list.find((one) => one.name === wanted) ?? list.find((one) => one.is_default) ?? list[0];
  return (
    <Page title="Field contract" wide lead="What may be written to an org, field by field; checked when a write is planned and again before it is sent." actions={list.length > 1 ? (
      <select aria-label="Connection" value={connection?.name} onChange={(event) => goQuery({ connection: event.target.value, version: null })}>{list.map((one) => <option key={one.id}>{one.name}</option>)}</select>
    ) : undefined}>
      <ErrorBox error={answer.error} />
      {!answer.data && !answer.error && <Loading />}
      {answer.data && !list.length && <Empty icon="cloud" title="Connect Salesforce first">A contract belongs to a connection.</Empty>}
      {connection && <><EnvironmentBand connection={connection} /><ConnectionContract key={connection.name} connection={connection} /></>}
    </Page>
  );
}
