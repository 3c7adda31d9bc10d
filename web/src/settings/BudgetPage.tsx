// API calls by run over the last days, and the org's own count; as a picture and, with
// the same numbers, as a table.
import { useState } from "react";
import { useAnswer } from "../api/cache";
import { seg } from "../api/client";
import type { Connection, Identity, Run, Table } from "../api/types";
import { useBar } from "../app/session";
import { EnvironmentBand } from "../ui/Environment";
import { Page } from "../ui/Page";
import { Bar, Empty, ErrorBox, Loading } from "../ui/parts";
import { Tabs } from "../ui/Panel";
import { count } from "../ui/time";
import { Bars, BarsTable } from "../pictures/Bars";
import { daysOf, forecast, RUNS_ASKED } from "../pictures/days";

function ConnectionBudget({ connection, runs, tables }: { connection: Connection; runs: Run[]; tables: Table[] }) {
  const bar = useBar("builder");
  const identity = useAnswer<Identity>(bar ? null : `/connections/${seg(connection.name)}/identity`);
  const mine = new Set(tables.filter((table) => table.connection === connection.name).map((table) => table.id));
  const days = daysOf(runs.filter((run) => mine.has(run.table_id)), tables);
  const [tab, setTab] = useState<"Chart" | "Table">("Chart");
  const values = days.map((day) => ({ day: day.day, values: [day.calls] }));
  const parts = [{ name: "API calls", tone: "accent" }];
  const used = identity.data?.limit_used ?? null;
  const most = identity.data?.limit_max ?? null;
  return (
    <section className="card" aria-label={connection.name}>
      <EnvironmentBand connection={connection} />
      {most !== null && used !== null && (
        <>
          <p>The org has counted <strong>{count(used)}</strong> of <strong>{count(most)}</strong> API calls in the last 24 hours, of all programs. <span className="term">(API Requests, Last 24 Hours)</span></p>
          <Bar done={used} total={most} label="API calls of the org" />
        </>
      )}
      <p className="muted">Budget of Argil: {connection.daily_call_budget === null ? "half of what the org has left each day" : `${count(connection.daily_call_budget)} calls a day`}. Runs pause when it is used; nothing fails.</p>
      <Tabs label="Show as" names={["Chart", "Table"] as const} now={tab} onChoose={setTab} />
      {tab === "Chart" ? <Bars label="API calls a day" days={values} parts={parts} forecast={forecast(days)} /> : <BarsTable days={values} parts={parts} total="All" />}
    </section>
  );
}

export function BudgetPage() {
  const connections = useAnswer<{ connections: Connection[] }>("/connections");
  const tables = useAnswer<{ tables: Table[] }>("/tables");
  const runs = useAnswer<{ runs: Run[]; next: number | null }>(`/runs?limit=${RUNS_ASKED}`);
  return (
    <Page title="API budget" lead="Calls that runs and syncs made, by day.">
      <ErrorBox error={connections.error ?? runs.error} />
      {!runs.data && !runs.error && <Loading />}
      {connections.data && !connections.data.connections.length && <Empty icon="chart" title="No connection yet">Every run says how many API calls it took; they are summed here.</Empty>}
      {runs.data?.next && <p className="tone-warn">Counted from the last {count(RUNS_ASKED)} runs; older ones are not in the picture.</p>}
      {runs.data && tables.data && connections.data?.connections.map((connection) => <ConnectionBudget key={connection.id} connection={connection} runs={runs.data?.runs ?? []} tables={tables.data?.tables ?? []} />)}
    </Page>
  );
}
