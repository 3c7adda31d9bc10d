// Every intended write and what became of it, newest first; the filter is in the address.
import { useState } from "react";
import { useAnswer } from "../api/cache";
import { get, withQuery } from "../api/client";
import type { Connection, Operation, Table } from "../api/types";
import { go, usePlace } from "../app/router";
import { attempt } from "../ui/Dialog";
import { Page } from "../ui/Page";
import { Button, Empty, ErrorBox, Loading } from "../ui/parts";
import { OperationCard } from "./OperationCard";

const STATES = ["planned", "sending", "retry safe", "unknown", "reconciling", "in doubt", "done", "rejected", "cancelled"];
interface Answer {
  operations: Operation[];
  next: number | null;
}

export function JournalPage() {
  const place = usePlace();
  const tables = useAnswer<{ tables: Table[] }>("/tables");
  const connections = useAnswer<{ connections: Connection[] }>("/connections");
  const path = withQuery("/journal", { table: place.query.get("table"), state: place.query.get("state"), run_id: place.query.get("run"), limit: 50 });
  const answer = useAnswer<Answer>(path);
  const [older, setOlder] = useState<(Answer & { path: string }) | null>(null);
  const mine = older?.path === path ? older : null;
  const list = [...(answer.data?.operations ?? []), ...(mine?.operations ?? [])];
  const next = mine ? mine.next : answer.data?.next ?? null;
  const filter = (name: string, value: string) => {
    const query = new URLSearchParams(place.query);
    if (value) query.set(name, value);
    else query.delete(name);
    go(`/journal${query.size ? `?${query.toString()}` : ""}`);
  };
  const run = place.query.get("run");
  return (
    <Page title="Journal" lead={run ? `What run ${run} wrote.` : "Every write to Salesforce, with what stood there before."} actions={
      <>
        {run && <Button look="quiet" icon="close" onClick={() => filter("run", "")}>run {run}</Button>}
        <select aria-label="Table" value={place.query.get("table") ?? ""} onChange={(event) => filter("table", event.target.value)}>
          <option value="">all tables</option>
          {tables.data?.tables.map((table) => <option key={table.id}>{table.name}</option>)}
        </select>
        <select aria-label="State" value={place.query.get("state") ?? ""} onChange={(event) => filter("state", event.target.value)}>
          <option value="">any state</option>
          {STATES.map((state) => <option key={state}>{state}</option>)}
        </select>
      </>
    }>
      <ErrorBox error={answer.error} />
      {!answer.data && !answer.error && <Loading />}
      {answer.data && !list.length && <Empty icon="journal" title="No writes yet">As soon as a column writes to Salesforce, each write stands here with its old and new values and Salesforce's answer.</Empty>}
      {list.map((operation) => <OperationCard key={operation.id} operation={operation} connection={connections.data?.connections.find((one) => one.id === operation.connection_id)} />)}
      {next && <Button onClick={() => attempt(get<Answer>(`${path}&before=${next}`).then((more) => setOlder({ path, operations: [...(mine?.operations ?? []), ...more.operations], next: more.next })))}>Older</Button>}
    </Page>
  );
}
