// Settings → Connections: the two cards, what each is for, and what is connected.
import { useState } from "react";
import { useAnswer } from "../api/cache";
import type { Connection } from "../api/types";
import { Link } from "../app/Link";
import { useBar } from "../app/session";
import { orgName } from "../ui/Environment";
import { Icon } from "../ui/icons";
import { Page } from "../ui/Page";
import { Button, ErrorBox, Loading, Time } from "../ui/parts";
import { ConnectForm } from "./ConnectForm";

export interface Slot {
  key: "production" | "test";
  title: string;
  name: string;
  lead: string;
}
const SLOTS: Slot[] = [
  { key: "production", title: "Salesforce", name: "salesforce", lead: "Your production org. What is approved here reaches real records." },
  { key: "test", title: "Salesforce Test Env", name: "salesforce-test", lead: "A sandbox, a scratch org, or a localorg. A table that is tried here cannot reach production." },
];

export function isProduction(connection: Connection): boolean {
  return connection.environment === "production";
}

function Known({ connection }: { connection: Connection }) {
  const fine = connection.status === "connected";
  return (
    <Link to={`/settings/connections/${encodeURIComponent(connection.name)}`} className="known">
      <span className={`dot ${fine ? "tone-ok" : "tone-warn"}`} aria-hidden="true" />
      <span>
        <strong>{connection.name}</strong> <span className="muted">{orgName(connection)}</span>
        <span className="muted small block">{fine ? `Connected as ${connection.username ?? "?"}` : connection.status} · used <Time at={connection.last_used} none="never" /></span>
      </span>
      <Icon name="right" />
    </Link>
  );
}

function SlotCard({ slot, connections, all }: { slot: Slot; connections: Connection[]; all: Connection[] }) {
  const [open, setOpen] = useState(false);
  const bar = useBar("admin");
  return (
    <section className={`card slot ${slot.key}`} aria-label={slot.title}>
      <header>
        <Icon name="cloud" size={22} />
        <div>
          <h2>{slot.title}</h2>
          <p className="muted">{slot.lead}</p>
        </div>
      </header>
      {connections.map((connection) => <Known key={connection.id} connection={connection} />)}
      {open
        ? <ConnectForm slot={slot} taken={all.map((one) => one.name)} onClose={() => setOpen(false)} />
        : <Button look={connections.length ? "plain" : "primary"} icon="plus" bar={bar} onClick={() => setOpen(true)}>{connections.length ? "Connect another" : `Connect ${slot.title}`}</Button>}
    </section>
  );
}

export function ConnectionsPage() {
  const answer = useAnswer<{ connections: Connection[] }>("/connections");
  const list = answer.data?.connections;
  return (
    <Page title="Connections" lead="One sign-in at Salesforce serves everybody in this workspace.">
      <ErrorBox error={answer.error} />
      {!list && !answer.error && <Loading />}
      {list && SLOTS.map((slot) => <SlotCard key={slot.key} slot={slot} all={list} connections={list.filter((one) => isProduction(one) === (slot.key === "production"))} />)}
    </Page>
  );
}
