// Writes of which nobody knows yet whether they were made: the facts, and the safe
// answers in order.
import { useState } from "react";
import { invalidate, useAnswer } from "../api/cache";
import { post } from "../api/client";
import type { Connection, Operation, Table } from "../api/types";
import { Link } from "../app/Link";
import { tablePath } from "../app/router";
import { useBar } from "../app/session";
import { Confirm, note } from "../ui/Dialog";
import { environmentWord, orgName } from "../ui/Environment";
import { Page } from "../ui/Page";
import { Button, Empty, ErrorBox, Loading, TextField, Time } from "../ui/parts";
import { OldNew } from "./OperationCard";

type Verdict = "this_is_it" | "send_again" | "give_up";
const DEEDS: Record<Verdict, { deed: string; title: string; text: string }> = {
  this_is_it: { deed: "It exists", title: "It was made", text: "Which record is it? Its Id stands in the address of the record in Salesforce." },
  give_up: { deed: "It was not made", title: "It was not made", text: "The row gets the state refused. If Salesforce made the record after all, nothing here knows of it." },
  send_again: { deed: "Send again", title: "Send it again?", text: "If the first one did arrive, this makes a second record. Say why that is fine; it is kept in the audit." },
};

function Answer({ operation, verdict, onClose }: { operation: Operation; verdict: Verdict; onClose: () => void }) {
  const [record, setRecord] = useState("");
  const [reason, setReason] = useState("");
  const words = DEEDS[verdict];
  const ready = verdict === "this_is_it" ? /^\w{15}(\w{3})?$/.test(record) : verdict === "give_up" || reason.trim() !== "";
  return (
    <Confirm title={words.title} deed={words.deed} danger={verdict === "send_again"} ready={ready} onClose={onClose} run={async () => {
      await post(`/journal/${operation.id}/verdict`, { verdict, ...(verdict === "this_is_it" ? { record_id: record } : {}), ...(reason.trim() ? { reason: reason.trim() } : {}) });
      invalidate("/journal", "/tables");
      note("Settled.");
    }}>
      <p>{words.text}</p>
      {verdict === "this_is_it" && <TextField label="Record Id" value={record} onChange={(to) => setRecord(to.trim())} spellCheck={false} autoFocus />}
      <TextField label={verdict === "send_again" ? "Why *" : "Why"} value={reason} onChange={setReason} />
    </Confirm>
  );
}

function DoubtCard({ operation, table, connection }: { operation: Operation; table: Table | undefined; connection: Connection | undefined }) {
  const [verdict, setVerdict] = useState<Verdict | null>(null);
  const bar = useBar("runner");
  return (
    <article className="card doubt">
      <h2>We sent {operation.kind === "create" ? `a new ${operation.object}` : `a change of ${operation.object}`} and got no answer</h2>
      <p className="muted">
        Sent <Time at={operation.sent} />{connection ? ` to ${orgName(connection)} (${environmentWord(connection).toLowerCase()})` : ""}
        {table && <> · <Link to={`${tablePath(table.name)}?panel=row:${operation.row_id}`}>{table.name}, row {operation.row_id}</Link></>}
        {operation.attempt > 1 ? ` · checked ${operation.attempt} times` : ""}
      </p>
      {operation.message && <p>{operation.message}</p>}
      <OldNew before={operation.before} values={operation.values} />
      <div className="actions">
        <Button bar={bar} look="primary" onClick={() => setVerdict("this_is_it")}>It exists: choose…</Button>
        <Button bar={bar} onClick={() => setVerdict("give_up")}>It was not made</Button>
        <Button bar={bar} look="danger" onClick={() => setVerdict("send_again")}>Send again…</Button>
      </div>
      {verdict && <Answer operation={operation} verdict={verdict} onClose={() => setVerdict(null)} />}
    </article>
  );
}

export function DoubtPage() {
  const answer = useAnswer<{ operations: Operation[] }>("/journal?state=in+doubt&limit=200");
  const tables = useAnswer<{ tables: Table[] }>("/tables");
  const connections = useAnswer<{ connections: Connection[] }>("/connections");
  const list = answer.data?.operations ?? [];
  return (
    <Page title="In doubt" lead="Nothing here is sent twice until somebody says so.">
      <ErrorBox error={answer.error} />
      {!answer.data && !answer.error && <Loading />}
      {answer.data && !list.length && <Empty icon="check" title="Nothing waits for you">When Salesforce does not answer, Argil first looks for what it sent. Only what it cannot find out comes here.</Empty>}
      {list.map((operation) => <DoubtCard key={operation.id} operation={operation} table={tables.data?.tables.find((one) => one.id === operation.table_id)} connection={connections.data?.connections.find((one) => one.id === operation.connection_id)} />)}
    </Page>
  );
}
