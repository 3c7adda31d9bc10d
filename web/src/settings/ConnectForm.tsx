// Connecting: the environment, then the org's own login page, then the check.
import { useState } from "react";
import { useAnswer } from "../api/cache";
import { post, seg } from "../api/client";
import { Button, Copy, ErrorBox, SelectField, TextField } from "../ui/parts";
import type { Slot } from "./ConnectionsPage";

interface Callback {
  callback_url: string;
  scopes: string;
}
interface Started {
  url: string;
}

export async function goSignIn(name: string, body: Record<string, string | boolean>): Promise<void> {
  const started = await post<Started>(`/connections/${seg(name)}/signin`, body);
  window.location.assign(started.url);
}

export function CallbackFacts() {
  const callback = useAnswer<Callback>("/callback-url");
  if (!callback.data) return null;
  return (
    <dl className="facts copyable">
      <div><dt>Callback URL</dt><dd><code>{callback.data.callback_url}</code> <Copy text={callback.data.callback_url} /></dd></div>
      <div><dt>OAuth scopes</dt><dd><code>{callback.data.scopes}</code> <Copy text={callback.data.scopes} /></dd></div>
    </dl>
  );
}

function freeName(wanted: string, taken: string[]): string {
  for (let n = 1; ; n++) {
    const name = n === 1 ? wanted : `${wanted}-${n}`;
    if (!taken.includes(name)) return name;
  }
}

export function ConnectForm({ slot, taken, onClose }: { slot: Slot; taken: string[]; onClose: () => void }) {
  const [environment, setEnvironment] = useState(slot.key === "production" ? "production" : "sandbox");
  const [name, setName] = useState(() => freeName(slot.name, taken));
  const [domain, setDomain] = useState("");
  const [key, setKey] = useState("");
  const [secret, setSecret] = useState("");
  const [busy, setBusy] = useState(false);
  const [problem, setProblem] = useState<unknown>(null);
  const local = environment === "local";
  const ready = !!name && !!key && (!local || !!domain);
  return (
    <form className="connect" onSubmit={(event) => {
      event.preventDefault();
      setBusy(true);
      setProblem(null);
      goSignIn(name, { environment, client_id: key.trim(), ...(secret ? { client_secret: secret } : {}), ...(domain.trim() ? { login_url: domain.trim() } : {}) }).catch((wrong: unknown) => {
        setProblem(wrong);
        setBusy(false);
      });
    }}>
      <ol className="numbered">
        <li>
          <h3>Environment</h3>
          {slot.key === "test"
            ? <SelectField label="Kind of org" value={environment} onChange={setEnvironment} options={[{ value: "sandbox", label: "Sandbox or scratch org" }, { value: "local", label: "localorg on this machine" }]} />
            : <p>Production</p>}
          <TextField label={local ? "Address of the localorg" : "My Domain"} value={domain} onChange={setDomain} spellCheck={false}
            placeholder={local ? "http://127.0.0.1:8460" : slot.key === "production" ? "https://acme.my.salesforce.com" : "https://acme--uat.sandbox.my.salesforce.com"}
            help={local ? "argil serve must have been started with --insecure-host 127.0.0.1." : slot.key === "production" ? "Without it: login.salesforce.com." : "A sandbox wants its own address."} />
        </li>
        <li>
          <h3>The app in Salesforce <span className="term">(Connected App or External Client App)</span></h3>
          <p className="muted small">An administrator makes it once, under Setup → External Client App Manager, with these two lines:</p>
          <CallbackFacts />
          <TextField label="Consumer key" term="client id" value={key} onChange={setKey} spellCheck={false} autoComplete="off" />
          <TextField label="Consumer secret" term="client secret" type="password" value={secret} onChange={setSecret} autoComplete="off" help="Only when the app asks for one. It is sealed before it is stored." />
          <TextField label="Name here" value={name} onChange={setName} spellCheck={false} help="Recipes call the connection so." />
        </li>
        <li>
          <h3>Log in</h3>
          <p className="muted small">Salesforce's own page asks you to log in and to allow the app. You come back here.</p>
        </li>
      </ol>
      <ErrorBox error={problem} />
      <div className="actions">
        <Button onClick={onClose}>Cancel</Button>
        <Button type="submit" look="primary" icon="out" busy={busy} disabled={!ready}>Log in to Salesforce</Button>
      </div>
    </form>
  );
}
