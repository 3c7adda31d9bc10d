// The pages before the app: first account, invitation, signing in.
import { useEffect, useState, type ReactNode } from "react";
import { get, post } from "../api/client";
import type { Session } from "../api/types";
import { Button, ErrorBox, TextField } from "../ui/parts";
import { Brand } from "../app/Brand";

const SHORTEST = 12;

function Door({ title, lead, deed, ready, run, children }: {
  title: string;
  lead: ReactNode;
  deed: string;
  ready: boolean;
  run: () => Promise<void>;
  children: ReactNode;
}) {
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<unknown>(null);
  return (
    <main className="door">
      <div className="door-card">
        <Brand />
        <h1>{title}</h1>
        <p className="lead">{lead}</p>
        <form onSubmit={(event) => {
          event.preventDefault();
          setBusy(true);
          setError(null);
          run().catch((problem: unknown) => {
            setError(problem);
            setBusy(false);
          });
        }}>
          {children}
          <ErrorBox error={error} />
          <Button type="submit" look="primary" busy={busy} disabled={!ready}>{deed}</Button>
        </form>
      </div>
    </main>
  );
}

function passwordError(password: string): string | null {
  return password && password.length < SHORTEST ? `${SHORTEST - password.length} more characters, please.` : null;
}

export function SignInPage({ onEnter }: { onEnter: (session: Session) => void }) {
  const [login, setLogin] = useState("");
  const [password, setPassword] = useState("");
  const [needed, setNeeded] = useState(false);
  useEffect(() => {
    get<{ needed: boolean }>("/setup").then((answer) => setNeeded(answer.needed), () => {});
  }, []);
  if (needed) return <SetupMissing />;
  return (
    <Door title="Sign in" lead="Live tables over your Salesforce." deed="Sign in" ready={login !== "" && password !== ""}
      run={async () => onEnter(await post<Session>("/session", { login, password }))}>
      <TextField label="E-mail or name" value={login} onChange={setLogin} autoComplete="username" autoFocus />
      <TextField label="Password" type="password" value={password} onChange={setPassword} autoComplete="current-password" />
    </Door>
  );
}

function SetupMissing() {
  return (
    <main className="door">
      <div className="door-card">
        <Brand />
        <h1>Nobody lives here yet</h1>
        <p className="lead">
          The first account is made with a one-time link. Argil printed it in the terminal where it was started:
        </p>
        <pre className="code">{`${window.location.origin}/setup#…`}</pre>
        <p className="muted">No link there any more? Start <code>argil serve</code> again: it prints a new one.</p>
      </div>
    </main>
  );
}

function zones(): string[] {
  const own = Intl.DateTimeFormat().resolvedOptions().timeZone;
  const all = Intl.supportedValuesOf("timeZone");
  return all.includes(own) ? all : [own, ...all];
}

export function SetupPage({ code, onEnter }: { code: string; onEnter: (session: Session) => void }) {
  const [name, setName] = useState("");
  const [login, setLogin] = useState("");
  const [password, setPassword] = useState("");
  const [zone, setZone] = useState(Intl.DateTimeFormat().resolvedOptions().timeZone);
  return (
    <Door title="Welcome to Argil" deed="Create my account" ready={!!login && password.length >= SHORTEST}
      lead="This makes the first account. It is an admin: it connects Salesforce and invites the others."
      run={async () => onEnter(await post<Session>("/setup", { code, login, name, zone, password }))}>
      <TextField label="Your name" value={name} onChange={setName} autoComplete="name" autoFocus />
      <TextField label="E-mail" value={login} onChange={setLogin} autoComplete="username" help="You sign in with it." />
      <TextField label="Password" type="password" value={password} onChange={setPassword} autoComplete="new-password"
        error={passwordError(password)} help="12 characters or more. A sentence is easier to keep than a riddle." />
      <TextField label="Time zone" value={zone} onChange={setZone} list="zones" help="Schedules and times are shown in it." />
      <datalist id="zones">{zones().map((one) => <option key={one} value={one} />)}</datalist>
    </Door>
  );
}

export function LinkPage({ code, onEnter }: { code: string; onEnter: (session: Session) => void }) {
  const [password, setPassword] = useState("");
  return (
    <Door title="Choose a password" lead="Your link works once." deed="Save and sign in" ready={password.length >= SHORTEST}
      run={async () => onEnter(await post<Session>("/link", { code, password }))}>
      <TextField label="New password" type="password" value={password} onChange={setPassword} autoComplete="new-password" autoFocus
        error={passwordError(password)} help="12 characters or more." />
    </Door>
  );
}
