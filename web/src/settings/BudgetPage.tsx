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
import { count, plural } from "../ui/time";

const DAYS = 14;
const RUNS_ASKED = 500;

interface Day {
  day: string;
  calls: number;
  runs: number;
}
function daysOf(runs: Run[]): Day[] {
  const days = new Map<string, Day>();
  for (let back = DAYS - 1; back >= 0; back--) {
    const day = new Date(Date.now() - back * 86_400_000).toISOString().slice(0, 10);
    days.set(day, { day, calls: 0, runs: 0 });
  }
  for (const run of runs) {
    const day = days.get((run.started ?? "").slice(0, 10));
    const calls = run.report?.["api_calls"];
    if (day && typeof calls === "number") {
      day.calls += calls;
      day.runs++;
    }
  }
  return [...days.values()];
}

function Chart({ days }: { days: Day[] }) {
  const most = Math.max(1, ...days.map((day) => day.calls));
  return (
    <svg className="chart" viewBox="0 0 700 180" role="img" aria-label={`API calls a day: ${days.map((day) => `${day.day} ${day.calls}`).join(", ")}`}>
      <text x="0" y="12" className="chart-text">{count(most)}</text>
      <line x1="0" x2="700" y1="18" y2="18" className="chart-line" />
      <line x1="0" x2="700" y1="150" y2="150" className="chart-line" />
      {days.map((day, at) => {
        const height = (day.calls / most) * 132;
        return (
          <g key={day.day}>
            <rect x={at * 50 + 8} y={150 - height} width="34" height={height} className="chart-bar"><title>{`${day.day}: ${plural(day.calls, "call")} in ${plural(day.runs, "run")}`}</title></rect>
            <text x={at * 50 + 25} y="168" textAnchor="middle" className="chart-text">{day.day.slice(8)}.{day.day.slice(5, 7)}</text>
          </g>
        );
      })}
    </svg>
  );
}

function Numbers({ days }: { days: Day[] }) {
  return (
    <table className="list dense">
      <thead><tr><th scope="col">Day (UTC)</th><th scope="col" className="numeric">API calls</th><th scope="col" className="numeric">Runs</th></tr></thead>
      <tbody>{days.map((day) => <tr key={day.day}><td>{day.day}</td><td className="numeric">{count(day.calls)}</td><td className="numeric">{count(day.runs)}</td></tr>)}</tbody>
    </table>
  );
}

function ConnectionBudget({ connection, runs, tables }: { connection: Connection; runs: Run[]; tables: Table[] }) {
  const bar = useBar("builder");
  const identity = useAnswer<Identity>(bar ? null : `/connections/${seg(connection.name)}/identity`);
  const [tab, setTab] = useState<"Chart" | "Table">("Chart");
  const mine = new Set(tables.filter((table) => table.connection === connection.name).map((table) => table.id));
  const days = daysOf(runs.filter((run) => mine.has(run.table_id)));
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
      {tab === "Chart" ? <Chart days={days} /> : <Numbers days={days} />}
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
