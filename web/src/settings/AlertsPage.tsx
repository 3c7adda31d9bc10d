// What argil had to tell, and where it tells it.
import { useState } from "react";
import { invalidate, useAnswer } from "../api/cache";
import { post, put } from "../api/client";
import type { Alert, AlertSettings, Table } from "../api/types";
import { Link } from "../app/Link";
import { tablePath } from "../app/router";
import { may, useBar, useSession } from "../app/session";
import { attempt, note } from "../ui/Dialog";
import { Page } from "../ui/Page";
import { Button, Empty, ErrorBox, Loading, TextField, Time } from "../ui/parts";

function toldText(alert: Alert): string {
  const ways = [["mail", alert.email], ["webhook", alert.webhook]] as const;
  const said = ways.filter(([, way]) => way.state !== "not set up").map(([name, way]) => `${name}: ${way.state}${way.error ? ` (${way.error})` : ""}`);
  return said.join(" · ") || "only here";
}

function List({ alerts, tables }: { alerts: Alert[]; tables: Table[] }) {
  const bar = useBar("runner");
  return (
    <ul className="alerts">
      {alerts.map((alert) => {
        const table = tables.find((one) => one.id === alert.table_id);
        return (
          <li key={alert.id} className={alert.seen ? "muted" : ""}>
            <div>
              <strong>{alert.subject ?? alert.kind}</strong> <span className="pill">{alert.kind.replaceAll("_", " ")}</span>
              <p>{alert.message}</p>
              <p className="muted small"><Time at={alert.last ?? alert.at} />{alert.times > 1 ? ` · ${alert.times} times` : ""} · {toldText(alert)}{table && <> · <Link to={tablePath(table.name)}>{table.name}</Link></>}{alert.run_id && <> · <Link to={`/runs/${alert.run_id}`}>run {alert.run_id}</Link></>}{alert.seen && ` · seen by ${alert.seen_by ?? "somebody"}`}</p>
            </div>
            {!alert.seen && <Button bar={bar} onClick={() => attempt(post(`/alerts/${alert.id}/seen`).then(() => invalidate("/alerts")))}>Seen</Button>}
          </li>
        );
      })}
    </ul>
  );
}

const TEXTS: [keyof AlertSettings, string, string][] = [
  ["from", "Sender", "argil@example.com"], ["server", "Mail server", "smtp://mail.example.com:587"], ["user", "User of the mail server", ""],
  ["password_secret", "Secret with its password", "the name, not the password"], ["ca_file", "Certificates to trust", "a file on the server"],
  ["webhook", "Webhook", "https://hooks.example.com/argil"], ["authorization", "Its Authorization header", "Bearer {{secret:name}}"],
];

function Where({ settings }: { settings: AlertSettings }) {
  const [draft, setDraft] = useState(settings);
  const [problem, setProblem] = useState<unknown>(null);
  const save = () => put<AlertSettings>("/alert-settings", Object.fromEntries(Object.entries(draft).filter(([, value]) => value !== null && value !== ""))).then(() => {
    setProblem(null);
    invalidate("/alert-settings");
    note("Alerts go there from now on.");
  }, setProblem);
  return (
    <section className="card" aria-label="Where alerts go">
      <h2>Where alerts go</h2>
      <TextField label="By mail to" value={draft.email.join(", ")} onChange={(to) => setDraft({ ...draft, email: to.split(/[,\s]+/).filter(Boolean) })} placeholder="ann@example.com, ops@example.com" />
      {TEXTS.map(([name, label, hint]) => <TextField key={name} label={label} value={String(draft[name] ?? "")} onChange={(to) => setDraft({ ...draft, [name]: to || null })} placeholder={hint} spellCheck={false} />)}
      <label className="check"><input type="checkbox" checked={draft.webhook_private} onChange={(event) => setDraft({ ...draft, webhook_private: event.target.checked })} /> The webhook may be at a private address</label>
      <TextField label="When so many percent of a run fail" value={String(draft.failure_rate)} onChange={(to) => setDraft({ ...draft, failure_rate: Math.min(100, Number(to.replace(/\D/g, "") || 0)) })} help="Where a recipe names no rate; 0 = never." />
      <ErrorBox error={problem} />
      <div className="actions"><Button look="primary" onClick={() => void save()}>Save</Button><Button onClick={() => attempt(post("/alert-settings/test").then(() => invalidate("/alerts")), "A test is on its way; the list says what became of it.")}>Send a test</Button></div>
    </section>
  );
}

export function AlertsPage() {
  const { session } = useSession();
  const admin = may(session.person, "admin");
  const answer = useAnswer<{ alerts: Alert[]; next: number | null }>("/alerts?limit=100");
  const tables = useAnswer<{ tables: Table[] }>("/tables");
  const settings = useAnswer<AlertSettings>(admin ? "/alert-settings" : null);
  const alerts = answer.data?.alerts;
  return (
    <Page title="Alerts" lead="What people would want to know without looking." actions={alerts?.some((one) => !one.seen) ? <Button onClick={() => attempt(post("/alerts/seen").then(() => invalidate("/alerts")))}>All seen</Button> : undefined}>
      <ErrorBox error={answer.error ?? settings.error} />
      {!alerts && !answer.error && <Loading />}
      {alerts && !alerts.length && <Empty icon="info" title="Nothing to tell">When too many rows of a run fail, a table goes stale, a connection wants a new sign-in or writes stay in doubt, it stands here.</Empty>}
      {!!alerts?.length && <List alerts={alerts} tables={tables.data?.tables ?? []} />}
      {answer.data?.next && <p className="muted">Only the newest 100 are shown.</p>}
      {settings.data && <Where settings={settings.data} />}
    </Page>
  );
}
