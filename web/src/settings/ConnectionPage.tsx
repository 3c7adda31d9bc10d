// One connection: who is signed in, what was granted, what is visible, who may build
// with it, and what is in the way when something is.
import { useEffect, useState } from "react";
import { invalidate, useAnswer } from "../api/cache";
import { get, patch, put, remove, seg } from "../api/client";
import type { Connection, Identity, OrgObject, SignInState, User } from "../api/types";
import { Link } from "../app/Link";
import { go, usePlace } from "../app/router";
import { may, useBar, useSession } from "../app/session";
import { attempt, Confirm, note } from "../ui/Dialog";
import { EnvironmentBand, environmentWord, orgName } from "../ui/Environment";
import { Page } from "../ui/Page";
import { Bar, Button, ErrorBox, Loading, TextField, Time } from "../ui/parts";
import { count } from "../ui/time";
import { CallbackFacts, goSignIn } from "./ConnectForm";
import { Doctor, SignInProblem } from "./Doctor";
import { Held } from "./Held";
import { ObjectTree } from "./ObjectTree";

const WANTED = ["api", "refresh_token", "id", "openid", "profile"];

function Scopes({ granted }: { granted: string | null }) {
  const got = new Set((granted ?? "").split(/\s+/));
  return (
    <ul className="chips">
      {WANTED.map((scope) => <li key={scope} className={`chip ${got.has(scope) ? "tone-ok" : "tone-err"}`}>{scope} {got.has(scope) ? "✓" : "not granted"}</li>)}
    </ul>
  );
}

function IdentityCard({ connection }: { connection: Connection }) {
  const bar = useBar("builder");
  const answer = useAnswer<Identity>(bar ? null : `/connections/${seg(connection.name)}/identity`);
  const who = answer.data;
  return (
    <section className="card" aria-label="Who is signed in">
      <h2>{orgName(connection)}</h2>
      <dl className="facts">
        <div><dt>OAuth user</dt><dd>{who?.display_name ? `${who.display_name} · ` : ""}{connection.username}</dd></div>
        {who?.profile && <div><dt>Profile</dt><dd>{who.profile}{who.licence ? ` (${who.licence})` : ""}</dd></div>}
        {who?.permission_sets && <div><dt>Permission sets</dt><dd>{who.permission_sets.join(", ") || "none"}</dd></div>}
        <div><dt>Org</dt><dd><code>{connection.org_id}</code>{who?.edition ? ` · ${who.edition}` : ""}</dd></div>
        <div><dt>Address</dt><dd><code>{connection.instance_url}</code></dd></div>
        <div><dt>Connected</dt><dd><Time at={connection.connected} exact /></dd></div>
        <div><dt>Granted</dt><dd><Scopes granted={connection.scopes} /></dd></div>
        {who?.limit_max && (
          <div>
            <dt>API calls <span className="term">(24 h)</span></dt>
            <dd>{count(who.limit_used ?? 0)} of {count(who.limit_max)}<Bar done={who.limit_used ?? 0} total={who.limit_max} label="API calls used" /></dd>
          </div>
        )}
      </dl>
      {who?.integration_user && <p className="tone-warn">This licence cannot approve apps. Log in once with a full licence. <span className="term">(API-only user)</span></p>}
      <ErrorBox error={answer.error} />
    </section>
  );
}

function Budget({ connection }: { connection: Connection }) {
  const [text, setText] = useState(connection.daily_call_budget === null ? "" : String(connection.daily_call_budget));
  const [problem, setProblem] = useState<unknown>(null);
  const bar = useBar("admin");
  return (
    <section className="card" aria-label="API budget">
      <h2>Daily call budget</h2>
      <form className="inline" onSubmit={(event) => {
        event.preventDefault();
        setProblem(null);
        patch(`/connections/${seg(connection.name)}`, { daily_call_budget: text === "" ? null : Number(text) }).then(() => {
          invalidate("/connections");
          note("The budget is changed.");
        }, setProblem);
      }}>
        <TextField label="API calls a day" type="number" value={text} onChange={setText} placeholder="half of what the org has left" help="Runs pause when it is used; nothing fails." />
        <Button type="submit" bar={bar}>Save</Button>
      </form>
      <ErrorBox error={problem} />
    </section>
  );
}

function Default({ connection }: { connection: Connection }) {
  const bar = useBar("admin");
  const set = (on: boolean) => attempt(patch(`/connections/${seg(connection.name)}`, { is_default: on }).then(() => invalidate("/connections")), "Saved.");
  return (
    <section className="card" aria-label="Default">
      <h2>Default connection</h2>
      <p className="muted">{connection.is_default ? "Recipes that name no connection mean this one." : "Recipes that name no connection can mean this one. What is built keeps the one it was built with."}</p>
      <Button bar={bar} onClick={() => set(!connection.is_default)}>{connection.is_default ? "No longer the default" : "Make it the default"}</Button>
    </section>
  );
}

function Access({ connection }: { connection: Connection }) {
  const { session } = useSession();
  const admin = may(session.person, "admin");
  const access = useAnswer<{ builders: string[] }>(`/connections/${seg(connection.name)}/access`);
  const users = useAnswer<{ users: User[] }>(admin ? "/users" : null);
  const builders = access.data?.builders ?? [];
  const set = (list: string[]) => attempt(put(`/connections/${seg(connection.name)}/access`, { builders: list }).then(() => invalidate("/connections")), "Saved.");
  return (
    <section className="card" aria-label="Access">
      <h2>Who may build with it</h2>
      <p className="muted">{builders.length ? "Only these people make tables and columns with it. What is built runs for everybody." : "Everybody who may build."}</p>
      <ErrorBox error={access.error} />
      {admin && users.data && (
        <ul className="plain">
          {users.data.users.filter((user) => user.role === "builder" || user.role === "admin").map((user) => (
            <li key={user.id}>
              <label className="check">
                <input type="checkbox" checked={builders.includes(user.login)} onChange={(event) => set(event.target.checked ? [...builders, user.login] : builders.filter((login) => login !== user.login))} />
                <span>{user.name ?? user.login} <span className="muted small">{user.login} · {user.role}</span></span>
              </label>
            </li>
          ))}
        </ul>
      )}
      {!admin && builders.length > 0 && <p>{builders.join(", ")}</p>}
    </section>
  );
}

async function downloadPermset(connection: Connection): Promise<void> {
  const { label, xml } = await get<{ label: string; xml: string }>(`/connections/${seg(connection.name)}/permission-set`);
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([xml], { type: "application/xml" }));
  link.download = `${label.replace(/\W+/g, "_")}.permissionset-meta.xml`;
  link.click();
  URL.revokeObjectURL(link.href);
}

function useSignIn(name: string, admin: boolean) {
  const place = usePlace();
  const ended = place.query.get("signin");
  const state = useAnswer<SignInState>(admin && ended ? `/connections/${seg(name)}/signin` : null);
  useEffect(() => {
    if (ended === "connected") {
      note("Connected.");
      invalidate("/connections");
    }
  }, [ended]);
  return { ended, state: state.data };
}

export function ConnectionPage({ name }: { name: string }) {
  const { session } = useSession();
  const admin = may(session.person, "admin");
  const answer = useAnswer<Connection>(`/connections/${seg(name)}`);
  const signIn = useSignIn(name, admin);
  const [problem, setProblem] = useState<unknown>(null);
  const [deleting, setDeleting] = useState(false);
  const adminBar = useBar("admin");
  const builderBar = useBar("builder");
  const connection = answer.data;
  const failed = signIn.ended === "failed" && signIn.state?.problem;
  const signInAgain = (more: Record<string, boolean>) => {
    if (connection?.environment) goSignIn(name, { environment: connection.environment, ...more }).catch(setProblem);
    else go("/settings/connections");
  };
  const again = () => signInAgain({});
  return (
    <Page title={name} lead={<Link to="/settings/connections">Connections</Link>} actions={connection && (
      <>
        <Button icon="file" bar={builderBar} onClick={() => attempt(downloadPermset(connection))}>Permission set</Button>
        <Button icon="sync" bar={adminBar} onClick={again}>Reconnect</Button>
        <Button look="danger" icon="trash" bar={adminBar} onClick={() => setDeleting(true)}>Disconnect…</Button>
      </>
    )}>
      {connection && <EnvironmentBand connection={connection} />}
      {failed && signIn.state?.problem && <SignInProblem problem={signIn.state.problem} lacks={signIn.state.lacks} onAgain={again} onTakeOver={() => signInAgain({ another_user: true })} />}
      {failed && <section className="card"><h2>What the app in Salesforce needs</h2><CallbackFacts /></section>}
      <ErrorBox error={problem} />
      {!failed && <ErrorBox error={connection ? null : answer.error} />}
      {!connection && !answer.error && <Loading />}
      {connection && (
        <>
          <Held connection={name} />
          <IdentityCard connection={connection} />
          <Doctor name={name} bar={builderBar} />
          <Objects connection={connection} bar={builderBar} />
          <Budget connection={connection} />
          <Access connection={connection} />
          <Default connection={connection} />
        </>
      )}
      {deleting && connection && (
        <Confirm title={`Disconnect ${name}?`} deed="Disconnect" danger onClose={() => setDeleting(false)} run={async () => {
          await remove(`/connections/${seg(name)}`);
          invalidate("/connections");
          go("/settings/connections");
        }}>
          <p>The grant is revoked in {orgName(connection)} ({environmentWord(connection).toLowerCase()}) and the tokens are forgotten. Tables keep their rows; they cannot sync or write until it is connected again.</p>
        </Confirm>
      )}
    </Page>
  );
}

function Objects({ connection, bar }: { connection: Connection; bar: string | null }) {
  const answer = useAnswer<{ objects: OrgObject[] }>(bar ? null : `/connections/${seg(connection.name)}/objects`);
  if (bar) return null;
  return (
    <section className="card" aria-label="Objects">
      <h2>What the OAuth user can see <span className="muted small">{answer.data ? `${count(answer.data.objects.length)} objects` : ""}</span></h2>
      <ErrorBox error={answer.error} />
      {!answer.data && !answer.error && <Loading />}
      {answer.data && <ObjectTree connection={connection.name} objects={answer.data.objects} />}
    </section>
  );
}
