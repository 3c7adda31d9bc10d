// Where people would rather look: API calls a day with what today comes to, how fresh
// each table is, how runs ended. Every picture has its numbers as a table.
import { useState } from "react";
import { useAnswer } from "../api/cache";
import { seg } from "../api/client";
import type { Connection, Identity, Run, Scheduled, Table } from "../api/types";
import { Link } from "../app/Link";
import { tablePath } from "../app/router";
import { useBar } from "../app/session";
import { Page } from "../ui/Page";
import { Tabs } from "../ui/Panel";
import { Empty, ErrorBox, Loading, Time } from "../ui/parts";
import { ago, count } from "../ui/time";
import { Bars, BarsTable, type Part } from "./Bars";
import { daysOf, forecast, RUNS_ASKED, type Day } from "./days";

const SHOWS = ["Chart", "Table"] as const;
const TONES = ["accent", "ok", "wait", "warn"];
const OUTCOMES: [string, Part][] = [
  ["done", { name: "done", tone: "ok" }], ["stopped", { name: "stopped", tone: "warn" }],
  ["failed", { name: "failed", tone: "err" }], ["interrupted", { name: "interrupted", tone: "doubt" }],
];

function Calls({ connection, days }: { connection: Connection; days: Day[] }) {
  const [show, setShow] = useState<(typeof SHOWS)[number]>("Chart");
  const bar = useBar("builder");
  const identity = useAnswer<Identity>(bar ? null : `/connections/${seg(connection.name)}/identity`);
  const names = [...new Set(days.flatMap((day) => [...day.byTable].filter(([, calls]) => calls > 0).map(([name]) => name)))].sort();
  const shown = names.slice(0, 3);
  const parts: Part[] = [...shown.map((name, at) => ({ name, tone: TONES[at] ?? "accent" })), ...(names.length > 3 ? [{ name: "other tables", tone: "warn" }] : [])];
  const values = days.map((day) => {
    const first = shown.map((name) => day.byTable.get(name) ?? 0);
    return { day: day.day, values: names.length > 3 ? [...first, day.calls - first.reduce((a, b) => a + b, 0)] : first };
  });
  const comes = forecast(days);
  const most = identity.data?.limit_max ?? null;
  const budget = connection.daily_call_budget;
  const limit = budget !== null ? { at: budget, label: `budget ${count(budget)}` } : null;
  return (
    <section className="card" aria-label={`API calls, ${connection.name}`}>
      <h2>API calls a day · {connection.name}</h2>
      <p>
        Today <strong>{count(days.at(-1)?.calls ?? 0)}</strong> so far{comes !== null && <>, about <strong>{count(comes)}</strong> at 24:00 UTC when it goes on like this</>}.
        {most !== null && <> The org allows {count(most)} in 24 hours, of all programs; it has counted {count(identity.data?.limit_used ?? 0)}.</>}
        {budget === null && <span className="muted"> The budget is half of what the org has left.</span>}
      </p>
      <Tabs label="Show as" names={SHOWS} now={show} onChoose={setShow} />
      {!names.length && <p className="muted">No run has asked this org yet.</p>}
      {names.length > 0 && (show === "Chart" ? <Bars label="API calls a day" days={values} parts={parts} forecast={comes} limit={limit} /> : <BarsTable days={values} parts={parts} total="API calls" />)}
    </section>
  );
}

interface Fresh {
  table: Table;
  last: Run | undefined;
  state: string;
  schedule: Scheduled | undefined;
}
const AGES: [number, string, string][] = [[3600_000, "an hour", "ok"], [86_400_000, "a day", "accent"], [7 * 86_400_000, "a week", "warn"]];

function ageOf(fresh: Fresh): { share: number; tone: string; words: string } {
  if (!fresh.last?.ended) return { share: 1, tone: "muted", words: "never read" };
  const age = Date.now() - Date.parse(fresh.last.ended);
  const at = AGES.findIndex(([limit]) => age < limit);
  const share = Math.min(1, Math.log10(1 + age / 60_000) / Math.log10(1 + 7 * 1440));
  return { share: Math.max(0.02, share), tone: at < 0 ? "err" : AGES[at]?.[2] ?? "err", words: ago(fresh.last.ended) };
}

function Freshness({ tables, runs, schedules }: { tables: Table[]; runs: Run[]; schedules: Scheduled[] }) {
  const list: Fresh[] = tables.map((table) => {
    const syncs = runs.filter((run) => run.table_id === table.id && run.kind === "sync");
    return { table, last: syncs.find((run) => run.state === "done"), state: syncs[0]?.state ?? "never", schedule: schedules.find((one) => one.table_id === table.id && one.source !== null) };
  });
  return (
    <section className="card" aria-label="Freshness">
      <h2>How fresh each table is</h2>
      <table className="list dense fresh">
        <thead><tr><th scope="col">Table</th><th scope="col">Age of its rows</th><th scope="col">Last complete sync</th><th scope="col">Every</th><th scope="col">Next</th><th scope="col">Last try</th></tr></thead>
        <tbody>
          {list.map((one) => {
            const age = ageOf(one);
            return (
              <tr key={one.table.id}>
                <td><Link to={tablePath(one.table.name)} className="strong">{one.table.name}</Link></td>
                <td><svg width="160" height="10" aria-hidden="true" className={`tone-${age.tone}`}><rect width="160" height="10" className="age-ground" /><rect width={160 * age.share} height="10" fill="currentColor" /></svg> <span className="small">{age.words}</span></td>
                <td><Time at={one.last?.ended} none="never" exact /></td>
                <td>{one.schedule?.every ?? "by hand"}</td>
                <td><Time at={one.schedule?.next} none="–" /></td>
                <td className={one.state === "failed" ? "tone-err" : ""}>{one.state}</td>
              </tr>
            );
          })}
        </tbody>
      </table>
      <p className="muted small">The bar grows with the logarithm of the age, full at a week.</p>
    </section>
  );
}

function Outcomes({ days }: { days: Day[] }) {
  const [show, setShow] = useState<(typeof SHOWS)[number]>("Chart");
  const values = days.map((day) => ({ day: day.day, values: OUTCOMES.map(([state]) => day.ended.get(state) ?? 0) }));
  const parts = OUTCOMES.map(([, part]) => part);
  return (
    <section className="card" aria-label="Run outcomes">
      <h2>How runs and syncs ended</h2>
      <Tabs label="Show outcomes as" names={SHOWS} now={show} onChoose={setShow} />
      {show === "Chart" ? <Bars label="Runs and syncs a day" days={values} parts={parts} /> : <BarsTable days={values} parts={parts} total="Runs" />}
    </section>
  );
}

export function OverviewPage() {
  const runs = useAnswer<{ runs: Run[]; next: number | null }>(`/runs?limit=${RUNS_ASKED}`);
  const tables = useAnswer<{ tables: Table[] }>("/tables");
  const schedules = useAnswer<{ schedules: Scheduled[] }>("/schedules");
  const connections = useAnswer<{ connections: Connection[] }>("/connections");
  const error = runs.error ?? tables.error ?? schedules.error ?? connections.error;
  const ready = runs.data && tables.data && schedules.data && connections.data;
  const list = tables.data?.tables ?? [];
  return (
    <Page title="Overview" lead="Calls, freshness and outcomes of the last 14 days.">
      <ErrorBox error={error} />
      {!ready && !error && <Loading />}
      {ready && !list.length && <Empty icon="chart" title="Nothing to see yet">As soon as there is a table with rows, its freshness, runs and API calls are drawn here.</Empty>}
      {runs.data?.next && <p className="tone-warn">Counted from the last {count(RUNS_ASKED)} runs; older ones are not in the pictures.</p>}
      {ready && list.length > 0 && (
        <>
          <Freshness tables={list} runs={runs.data?.runs ?? []} schedules={schedules.data?.schedules ?? []} />
          <Outcomes days={daysOf(runs.data?.runs ?? [], list)} />
          {connections.data?.connections.map((connection) => {
            const mine = list.filter((table) => table.connection === connection.name);
            const ids = new Set(mine.map((table) => table.id));
            return <Calls key={connection.id} connection={connection} days={daysOf((runs.data?.runs ?? []).filter((run) => ids.has(run.table_id)), mine)} />;
          })}
        </>
      )}
    </Page>
  );
}
