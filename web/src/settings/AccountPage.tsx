// One's own account: name, zone, password, sessions, API tokens.
import { useState } from "react";
import { invalidate, useAnswer } from "../api/cache";
import { patch, post, remove } from "../api/client";
import type { Session } from "../api/types";
import { useSession } from "../app/session";
import { attempt, Confirm, Dialog, note } from "../ui/Dialog";
import { Page } from "../ui/Page";
import { Button, Copy, ErrorBox, SelectField, TextField, Time } from "../ui/parts";

interface OpenSession {
  id: number;
  peer: string | null;
  agent: string | null;
  created: string;
  seen: string;
  own: boolean;
}
interface Token {
  id: number;
  name: string | null;
  hint: string | null;
  scope: string;
  used: string | null;
  expires: string | null;
}
const ROLES = ["viewer", "runner", "builder", "admin"];

function Person() {
  const { session, renew } = useSession();
  const [name, setName] = useState(session.person.name ?? "");
  const [zone, setZone] = useState(session.person.zone ?? "");
  const [problem, setProblem] = useState<unknown>(null);
  return (
    <section className="card" aria-label="You">
      <h2>{session.person.login} <span className="pill">{session.person.role}</span></h2>
      <form onSubmit={(event) => {
        event.preventDefault();
        setProblem(null);
        patch<Session>("/account", { name, zone }).then((now) => {
          renew(now);
          note("Saved.");
        }, setProblem);
      }}>
        <TextField label="Name" value={name} onChange={setName} autoComplete="name" />
        <TextField label="Time zone" value={zone} onChange={setZone} help="Times are shown in it, with UTC on hover." placeholder={Intl.DateTimeFormat().resolvedOptions().timeZone} />
        <ErrorBox error={problem} />
        <Button type="submit">Save</Button>
      </form>
    </section>
  );
}

function Password() {
  const [old, setOld] = useState("");
  const [fresh, setFresh] = useState("");
  const [problem, setProblem] = useState<unknown>(null);
  return (
    <section className="card" aria-label="Password">
      <h2>Password</h2>
      <form onSubmit={(event) => {
        event.preventDefault();
        setProblem(null);
        post("/account/password", { password: old, new_password: fresh }).then(() => {
          setOld("");
          setFresh("");
          note("The password is changed; your other sessions have ended.");
        }, setProblem);
      }}>
        <TextField label="Present password" type="password" autoComplete="current-password" value={old} onChange={setOld} />
        <TextField label="New password" type="password" autoComplete="new-password" value={fresh} onChange={setFresh} help="12 characters or more." />
        <ErrorBox error={problem} />
        <Button type="submit" disabled={!old || fresh.length < 12}>Change</Button>
      </form>
    </section>
  );
}

function Sessions() {
  const answer = useAnswer<{ sessions: OpenSession[] }>("/sessions");
  return (
    <section className="card" aria-label="Sessions">
      <header><h2>Open sessions</h2><Button onClick={() => attempt(remove("/sessions").then(() => invalidate("/sessions")), "Your other sessions have ended.")}>End the others</Button></header>
      <table className="list dense">
        <thead><tr><th scope="col">Browser</th><th scope="col">From</th><th scope="col">Since</th><th scope="col">Last request</th></tr></thead>
        <tbody>{answer.data?.sessions.map((one) => <tr key={one.id}><td>{(one.agent ?? "").slice(0, 60)}{one.own && <span className="pill on">this one</span>}</td><td>{one.peer}</td><td><Time at={one.created} /></td><td><Time at={one.seen} /></td></tr>)}</tbody>
      </table>
    </section>
  );
}

function Tokens() {
  const answer = useAnswer<{ tokens: Token[] }>("/tokens");
  const [adding, setAdding] = useState(false);
  const [shown, setShown] = useState<string | null>(null);
  const [name, setName] = useState("");
  const [scope, setScope] = useState("viewer");
  const [days, setDays] = useState("90");
  return (
    <section className="card" aria-label="API tokens">
      <header><h2>API tokens</h2><Button icon="plus" onClick={() => setAdding(true)}>Token</Button></header>
      {answer.data && !answer.data.tokens.length && <p className="muted">For programs and the command line: ARGIL_URL and ARGIL_TOKEN.</p>}
      {!!answer.data?.tokens.length && (
        <table className="list dense">
          <thead><tr><th scope="col">Name</th><th scope="col">Scope</th><th scope="col">Used</th><th scope="col">Expires</th><th scope="col"><span className="visually-hidden">Deeds</span></th></tr></thead>
          <tbody>{answer.data.tokens.map((token) => <tr key={token.id}><td>{token.name} <code className="muted">{token.hint}…</code></td><td>{token.scope}</td><td><Time at={token.used} none="never" /></td><td><Time at={token.expires} none="never" /></td><td className="end"><Button onClick={() => attempt(remove(`/tokens/${token.id}`).then(() => invalidate("/tokens")), "The token is gone.")}>Delete</Button></td></tr>)}</tbody>
        </table>
      )}
      {adding && (
        <Confirm title="New API token" deed="Make it" ready={!!name} onClose={() => setAdding(false)} run={async () => {
          setShown((await post<{ text: string }>("/tokens", { name, scope, ...(days ? { days: Number(days) } : {}) })).text);
          invalidate("/tokens");
        }}>
          <TextField label="What it is for" value={name} onChange={setName} autoFocus />
          <SelectField label="Scope" value={scope} onChange={setScope} options={ROLES.map((role) => ({ value: role, label: role }))} help="It does at most what this role may, and never more than you." />
          <TextField label="Days until it expires" type="number" value={days} onChange={setDays} help="Without: never." />
        </Confirm>
      )}
      {shown && !adding && (
        <Dialog title="Your token" onClose={() => setShown(null)}>
          <p>It is shown only now.</p>
          <pre className="code wrap">{shown}</pre>
          <div className="actions end"><Copy text={shown} /><Button look="primary" onClick={() => setShown(null)}>Done</Button></div>
        </Dialog>
      )}
    </section>
  );
}

export function AccountPage() {
  return (
    <Page title="Own account">
      <Person />
      <Password />
      <Sessions />
      <Tokens />
    </Page>
  );
}
