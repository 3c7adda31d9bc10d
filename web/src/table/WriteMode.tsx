// How a column keeps second records from being made, from the org as it is now; and
// sealing the object it creates, which is the surest way.
import { useState } from "react";
import { invalidate, useAnswer } from "../api/cache";
import { post, seg } from "../api/client";
import type { Column, Connection, Seal, Table, WritePromise } from "../api/types";
import { useBar } from "../app/session";
import { Dialog, note } from "../ui/Dialog";
import { environmentWord, orgName } from "../ui/Environment";
import { Button, ErrorBox, Loading } from "../ui/parts";

const SEALABLE = ["findable", "blind", "ticketed", "keyed"];

/** What sealing would do; then it does it, or says who must click where. */
function SealDialog({ connection, object, onClose }: { connection: Connection; object: string; onClose: () => void }) {
  const [look, setLook] = useState<Seal | null>(null);
  const [error, setError] = useState<unknown>(null);
  const [busy, setBusy] = useState(false);
  const ask = (dryRun: boolean) => {
    setBusy(true);
    setError(null);
    post<Seal>(`/connections/${seg(connection.name)}/seal`, { object, dry_run: dryRun }).then((answer) => {
      setLook(answer);
      invalidate("/tables", "/connections");
      if (!answer.sealed) return;
      note(`New ${object} records are sealed.`);
      onClose();
    }, setError).finally(() => setBusy(false));
  };
  const clicks = look?.clicks ?? [];
  return (
    <Dialog title={`Seal new ${object} records`} onClose={onClose}>
      <p>{object} gets a hidden key field that is unique. Argil writes its own key into each record that it creates, and Salesforce itself refuses a second one: never two records for one operation, whatever is lost on the way.</p>
      <ErrorBox error={error} />
      {look && look.steps.length > 0 && <><h3>{clicks.length ? "Done so far" : `What is made in ${orgName(connection)} (${environmentWord(connection).toLowerCase()})`}</h3><ol className="numbers-list">{look.steps.map((one) => <li key={one}>{one}</li>)}</ol></>}
      {clicks.length > 0 && <><h3>A Salesforce administrator must</h3>{look?.why && <p className="tone-warn">{look.why}</p>}<ol className="numbers-list">{clicks.map((one) => <li key={one}>{one}</li>)}</ol></>}
      <div className="actions end">
        <Button onClick={onClose}>{clicks.length ? "Close" : "Cancel"}</Button>
        <Button look="primary" busy={busy} onClick={() => ask(!look)}>{look ? clicks.length ? "Try again" : "Seal" : "See what it would make"}</Button>
      </div>
    </Dialog>
  );
}

export function WriteMode({ table, column, connections }: { table: Table; column: Column; connections: Connection[] }) {
  const answer = useAnswer<WritePromise>(`/tables/${seg(table.name)}/columns/${column.id}/promise`);
  const [sealing, setSealing] = useState(false);
  const bar = useBar("admin");
  const promise = answer.data;
  const named = (column.config as { connection?: string } | null)?.connection ?? table.connection;
  const connection = connections.find((one) => one.name === named);
  const creates = column.kind === "salesforce_create" || column.kind === "salesforce_upsert";
  if (answer.error) return <ErrorBox error={answer.error} />;
  if (!promise) return <Loading />;
  if (!promise.mode) return null;
  return (
    <section className="write-mode" aria-label="Write mode">
      <h3>Write mode: {promise.mode}{promise.key && <span className="muted small"> by <code>{promise.key}</code></span>}</h3>
      <p>{promise.promise}</p>
      {promise.approved_mode && <p className="tone-warn">It was approved as {promise.approved_mode}: the next run stops before it writes and asks again.</p>}
      {creates && promise.advice && connection && promise.object && SEALABLE.includes(promise.mode) && <Button icon="lock" bar={bar} onClick={() => setSealing(true)}>Seal new {promise.object} records…</Button>}
      {sealing && connection && promise.object && <SealDialog connection={connection} object={promise.object} onClose={() => setSealing(false)} />}
    </section>
  );
}
