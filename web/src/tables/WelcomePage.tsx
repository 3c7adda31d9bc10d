// After the first account: what comes next.
import { useAnswer } from "../api/cache";
import type { Connection, Table } from "../api/types";
import { Link } from "../app/Link";
import { Icon } from "../ui/icons";
import { Page } from "../ui/Page";

function Step({ number, title, done, children }: { number: number; title: string; done: boolean; children: React.ReactNode }) {
  return (
    <li className={`step ${done ? "done" : ""}`}>
      <span className="step-mark">{done ? <Icon name="check" /> : number}</span>
      <div>
        <h2>{title}{done && <span className="visually-hidden"> (done)</span>}</h2>
        {children}
      </div>
    </li>
  );
}

export function WelcomePage() {
  const connections = useAnswer<{ connections: Connection[] }>("/connections");
  const tables = useAnswer<{ tables: Table[] }>("/tables");
  const connected = !!connections.data?.connections.length;
  const started = !!tables.data?.tables.length;
  return (
    <Page title="Welcome" lead="Three steps to a live table over your Salesforce.">
      <ol className="steps">
        <Step number={1} title="Your account" done><p className="muted">You are an admin: you connect orgs and invite people under Settings → Users.</p></Step>
        <Step number={2} title="Connect Salesforce" done={connected}>
          <p className="muted">One sign-in serves the whole workspace. Begin with a sandbox: under Salesforce Test Env nothing can reach production.</p>
          {!connected && <Link to="/settings/connections" className="button primary">Connect</Link>}
        </Step>
        <Step number={3} title="Your first table" done={started}>
          <p className="muted">Records of an object, a list view, a report, a SOQL query, or a CSV file.</p>
          <Link to={connected ? "/tables/new" : "/tables/new?source=csv"} className={`button ${connected ? "primary" : "plain"}`}>{connected ? "New table" : "Begin with a CSV file"}</Link>
        </Step>
      </ol>
    </Page>
  );
}
