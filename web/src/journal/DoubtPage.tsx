// Writes of which nobody knows yet whether they were made: the facts, what the org has
// that may be it, and the answers in order of safety.
import { useState } from "react";
import { invalidate, useAnswer } from "../api/cache";
import { get, post } from "../api/client";
import type { Connection, Doubt, Operation, Table } from "../api/types";
import { Link } from "../app/Link";
import { tablePath } from "../app/router";
import { useBar } from "../app/session";
import { attempt, Confirm, note } from "../ui/Dialog";
import { environmentWord, orgName } from "../ui/Environment";
import { Page } from "../ui/Page";
import { Button, Empty, ErrorBox, Loading, SelectField, TextField, Time } from "../ui/parts";
import { count } from "../ui/time";
import { OldNew, RecordId } from "./OperationCard";

type Verdict = "this_is_it" | "send_again" | "give_up" | "ask_later";
const DEEDS: Record<Verdict, { deed: string; title: string; text: string }> = {
  this_is_it: { deed: "It exists", title: "It was made", text: "Which record is it? Its Id stands in the address of the record in Salesforce; it is looked up before it is linked." },
  give_up: { deed: "It was not made", title: "It was not made", text: "The row gets the state refused. If Salesforce made the record after all, nothing here knows of it." },
  send_again: { deed: "Send again", title: "Send it again?", text: "If the first one did arrive, this makes a second record. Say why that is fine; it is kept in the audit." },
  ask_later: { deed: "Ask me later", title: "Ask again later", text: "Nothing is settled and nothing is sent; the card comes back then." },
};
const LATER = [["60", "in an hour"], ["240", "in four hours"], ["1440", "tomorrow"], ["10080", "in a week"]] as const;

function bodyOf(verdict: Verdict, record: string, minutes: string, reason: string): Record<string, unknown> {
  return {
    verdict,
    ...(verdict === "this_is_it" ? { record_id: record } : {}),
    ...(verdict === "ask_later" ? { minutes: Number(minutes) } : {}),
    ...(reason.trim() ? { reason: reason.trim() } : {}),
  };
}

function Answer({ operation, verdict, candidate, onClose }: { operation: Operation; verdict: Verdict; candidate: string; onClose: () => void }) {
  const [record, setRecord] = useState(candidate);
  const [minutes, setMinutes] = useState("240");
  const [reason, setReason] = useState("");
  const words = DEEDS[verdict];
  const ready = verdict === "this_is_it" ? /^\w{15}(\w{3})?$/.test(record) : verdict !== "send_again" || reason.trim() !== "";
  return (
    <Confirm title={words.title} deed={words.deed} danger={verdict === "send_again"} ready={ready} onClose={onClose} run={async () => {
      await post(`/journal/${operation.id}/verdict`, bodyOf(verdict, record, minutes, reason));
      invalidate("/journal", "/tables");
      note(verdict === "ask_later" ? "Put off." : "Settled.");
    }}>
      <p>{words.text}</p>
      {verdict === "this_is_it" && <TextField label="Record Id" value={record} onChange={(to) => setRecord(to.trim())} spellCheck={false} autoFocus />}
      {verdict === "ask_later" && <SelectField label="When" value={minutes} onChange={setMinutes} options={LATER.map(([value, label]) => ({ value, label }))} />}
      <TextField label={verdict === "send_again" ? "Why *" : "Why"} value={reason} onChange={setReason} />
    </Confirm>
  );
}

function Candidates({ doubt, connection, bar, onThis }: { doubt: Doubt; connection: Connection | undefined; bar: string | null; onThis: (id: string) => void }) {
  if (!doubt.looked) return null;
  if (!doubt.candidates.length) return <p className="muted">No record that may be it was found (<Time at={doubt.looked} />).</p>;
  return (
    <ul className="candidates" aria-label="Records that may be it">
      {doubt.candidates.map((one) => (
        <li key={one.id}>
          <RecordId id={one.id} connection={connection} />{one.deleted && <span className="tone-warn"> deleted</span>}
          <span className="muted small">{Object.entries(one.record ?? {}).map(([field, value]) => `${field}: ${String(value ?? "")}`).join(" · ")}</span>
          <Button bar={bar} onClick={() => one.id && onThis(one.id)}>This is it</Button>
        </li>
      ))}
      {doubt.more_candidates && <li className="muted">and more</li>}
    </ul>
  );
}

function DoubtCard({ operation, table, connection }: { operation: Operation; table: Table | undefined; connection: Connection | undefined }) {
  const [verdict, setVerdict] = useState<{ of: Verdict; record: string } | null>(null);
  const [looked, setLooked] = useState<Doubt | null>(null);
  const [busy, setBusy] = useState(false);
  const known = useAnswer<Doubt>(`/journal/${operation.id}/card`);
  const doubt = looked ?? known.data;
  const bar = useBar("runner");
  const look = () => {
    setBusy(true);
    attempt(get<Doubt>(`/journal/${operation.id}/card?look=true`).then(setLooked).finally(() => setBusy(false)));
  };
  const say = (of: Verdict, record = "") => setVerdict({ of, record });
  return (
    <article className="card doubt" aria-label={`Operation ${operation.id}`}>
      <h2>We sent {operation.kind === "create" ? `a new ${operation.object}` : `a change of ${operation.object}`} and got no answer</h2>
      <p className="muted">
        Sent <Time at={operation.sent} />{connection ? ` to ${orgName(connection)} (${environmentWord(connection).toLowerCase()})` : ""}
        {table && <> · <Link to={`${tablePath(table.name)}?panel=row:${operation.row_id}`}>{table.name}, {doubt?.row_key ?? `row ${operation.row_id}`}</Link></>}
        {operation.attempt > 1 ? ` · checked ${operation.attempt} times` : ""}
      </p>
      {doubt && <p>How far it got: {doubt.how_far}{doubt.status ? ` (HTTP ${doubt.status})` : ""}.{doubt.overdue && <strong className="tone-err"> Nobody has looked for a day.</strong>}</p>}
      {operation.message && <p>{operation.message}</p>}
      <OldNew before={operation.before} values={operation.values} />
      {doubt && <Candidates doubt={doubt} connection={connection} bar={bar} onThis={(id) => say("this_is_it", id)} />}
      <div className="actions">
        <Button bar={bar} look="primary" busy={busy} onClick={look}>Check again</Button>
        <Button bar={bar} onClick={() => say("this_is_it")}>It exists: choose…</Button>
        <Button bar={bar} onClick={() => say("give_up")}>It was not made</Button>
        <Button bar={bar} onClick={() => say("ask_later")}>Ask me later…</Button>
        <Button bar={bar} look="danger" onClick={() => say("send_again")}>Send again…</Button>
      </div>
      {verdict && <Answer operation={operation} verdict={verdict.of} candidate={verdict.record} onClose={() => setVerdict(null)} />}
    </article>
  );
}

function putOff(operation: Operation): boolean {
  return !!operation.not_before && Date.parse(operation.not_before) > Date.now();
}

export function DoubtPage() {
  const answer = useAnswer<{ operations: Operation[]; next: number | null }>("/journal?state=in+doubt&limit=200");
  const tables = useAnswer<{ tables: Table[] }>("/tables");
  const connections = useAnswer<{ connections: Connection[] }>("/connections");
  const [later, setLater] = useState(false);
  const list = answer.data?.operations ?? [];
  const now = list.filter((one) => later || !putOff(one));
  const hidden = list.length - now.length;
  return (
    <Page title="In doubt" lead="Nothing here is sent twice until somebody says so.">
      <ErrorBox error={answer.error} />
      {!answer.data && !answer.error && <Loading />}
      {answer.data && !now.length && <Empty icon="check" title="Nothing waits for you">When Salesforce does not answer, Argil first looks for what it sent. Only what it cannot find out comes here.</Empty>}
      {now.map((operation) => <DoubtCard key={operation.id} operation={operation} table={tables.data?.tables.find((one) => one.id === operation.table_id)} connection={connections.data?.connections.find((one) => one.id === operation.connection_id)} />)}
      {answer.data?.next && <p className="muted">The newest 200 are shown; settle some to see older ones.</p>}
      {hidden > 0 && <Button look="quiet" onClick={() => setLater(true)}>{count(hidden)} put off: show</Button>}
    </Page>
  );
}
