// Runs and syncs, newest first; one of them opened.
import { useState } from "react";
import { invalidate, useAnswer } from "../api/cache";
import { get, post, seg, withQuery } from "../api/client";
import type { Connection, Run, Table } from "../api/types";
import { Link } from "../app/Link";
import { go, tablePath, usePlace } from "../app/router";
import { useBar } from "../app/session";
import { attempt } from "../ui/Dialog";
import { Page } from "../ui/Page";
import { Bar, Button, Empty, ErrorBox, Loading, Time } from "../ui/parts";
import { count, lasting } from "../ui/time";
import { leftText, useProgress } from "../table/RunStrip";
import { UndoDialog } from "./UndoDialog";

const TONES: Record<string, string> = { done: "ok", failed: "err", stopped: "warn", interrupted: "warn", running: "accent", queued: "muted" };

export function RunState({ run }: { run: Run }) {
  return <span className={`pill tone-${TONES[run.state] ?? "muted"}`}>{run.state}</span>;
}
export function runTitle(run: Run): string {
  if (run.kind === "sync") return "Sync";
  if (run.kind === "undo") return "Undo";
  const column = run.scope?.["column"];
  return `${run.scope?.["plan"] ? "Plan" : "Run"}${typeof column === "string" ? ` of ${column}` : ""}`;
}

const NUMBERS: [string, string][] = [
  ["rows_read", "rows read"], ["added", "rows added"], ["changed", "rows changed"], ["deleted", "deleted"], ["echoes", "own writes coming back"],
  ["computed", "cells computed"], ["planned", "writes planned"], ["looked_up", "records looked up"], ["created", "records created"], ["adopted", "found instead of created"],
  ["updated", "records updated"], ["upserted", "records upserted"], ["converted", "leads converted"], ["unchanged", "equal already"],
  ["skipped", "skipped"], ["no_result", "nothing found"], ["waiting", "wait for an input"], ["refused", "refused before any call"], ["rejected", "refused by the org"],
  ["in_doubt", "in doubt"], ["retrying", "will be tried again"], ["error", "failed"], ["calls", "API calls"], ["calls_one_each", "one call a record would be"],
];

function Report({ run }: { run: Run }) {
  const report = run.report;
  if (!report) return null;
  const numbers = NUMBERS.flatMap(([key, label]) => (typeof report[key] === "number" && (report[key] as number) > 0 ? [{ key, label, value: report[key] as number }] : []));
  const refusals = Array.isArray(report["reasons"]) ? (report["reasons"] as { message: string; count: number }[]) : [];
  return (
    <>
      {typeof report["statement"] === "string" && <p className="statement">{report["statement"]}</p>}
      {numbers.length > 0 && <div className="numbers">{numbers.map((one) => <div key={one.key}><strong>{count(one.value)}</strong><span>{one.label}</span></div>)}</div>}
      {refusals.length > 0 && (
        <section>
          <h3>Why rows were refused</h3>
          <ul className="plain">{refusals.map((one, at) => <li key={at}><strong className="numeric">{count(one.count)}</strong> {one.message}</li>)}</ul>
        </section>
      )}
    </>
  );
}

export function RunDetails({ id, tables }: { id: number; tables: Table[] }) {
  const answer = useAnswer<Run>(`/runs/${id}`);
  const run = answer.data;
  const progress = useProgress(run);
  const bar = useBar("runner");
  const builder = useBar("builder");
  const connections = useAnswer<{ connections: Connection[] }>("/connections");
  const [undoing, setUndoing] = useState(false);
  if (answer.error) return <ErrorBox error={answer.error} />;
  if (!run) return <Loading />;
  const table = tables.find((one) => one.id === run.table_id);
  const going = run.state === "running" || run.state === "queued";
  return (
    <section className="details" aria-label={`Run ${run.id}`}>
      <header>
        <h2>{runTitle(run)} {run.id}</h2>
        <RunState run={run} />
        <span className="spring" />
        {going && <Button icon="stop" bar={bar} onClick={() => attempt(post(`/runs/${run.id}/stop`).then(() => invalidate("/runs")), "Stops at the next batch. What was sent cannot be recalled.")}>Stop</Button>}
      </header>
      {going && progress && (
        <div className="run-progress">
          <Bar done={progress.done} total={progress.total} label="Rows settled" />
          <p>{progress.what} · {count(progress.done)}{progress.total ? ` of ${count(progress.total)}` : ""} · {count(progress.calls)} API calls {leftText(progress)}</p>
        </div>
      )}
      {run.error && <p className="tone-err">{run.error}</p>}
      <Report run={run} />
      <dl className="facts">
        <div><dt>Table</dt><dd>{table ? <Link to={tablePath(table.name)}>{table.name}</Link> : "gone"}</dd></div>
        <div><dt>Asked by</dt><dd>{run.who ?? "–"} ({run.cause ?? "–"})</dd></div>
        <div><dt>Started</dt><dd><Time at={run.started} exact /></dd></div>
        <div><dt>Took</dt><dd>{run.started ? lasting(run.started, run.ended) : "–"}</dd></div>
      </dl>
      {undoing && <UndoDialog run={run} connection={connections.data?.connections.find((one) => one.name === table?.connection)} onClose={() => setUndoing(false)} />}
      {table && run.kind !== "sync" && (
        <div className="actions">
          <Link className="button plain" to={`/journal?run=${run.id}`}>What it wrote</Link>
          {!!run.scope?.["plan"] && <Link className="button plain" to={`${tablePath(table.name)}?panel=plan:${run.id}`}>Open the plan</Link>}
          {typeof run.scope?.["plan_id"] === "number" && <Link className="button plain" to={`/approvals/${run.scope["plan_id"]}?all=1`}>Its plan</Link>}
          {typeof run.scope?.["undoes"] === "number" && <Link className="button plain" to={`/runs/${run.scope["undoes"]}`}>What it took back</Link>}
          {!going && !run.scope?.["plan"] && <Button bar={builder} onClick={() => setUndoing(true)}>Undo…</Button>}
        </div>
      )}
    </section>
  );
}

export function RunsPage({ chosen }: { chosen: number | null }) {
  const place = usePlace();
  const tables = useAnswer<{ tables: Table[] }>("/tables");
  const path = withQuery("/runs", { table: place.query.get("table"), kind: place.query.get("kind"), state: place.query.get("state"), limit: 50 });
  const answer = useAnswer<{ runs: Run[]; next: number | null }>(path);
  const [older, setOlder] = useState<{ path: string; runs: Run[]; next: number | null } | null>(null);
  const mine = older?.path === path ? older : null;
  const runs = [...(answer.data?.runs ?? []), ...(mine?.runs ?? [])];
  const next = mine ? mine.next : answer.data?.next ?? null;
  const names = new Map(tables.data?.tables.map((table) => [table.id, table.name]));
  const filter = (name: string, value: string) => {
    const query = new URLSearchParams(place.query);
    if (value) query.set(name, value);
    else query.delete(name);
    go(`/runs${query.size ? `?${query.toString()}` : ""}`);
  };
  return (
    <Page title="Runs" wide actions={
      <>
        <select aria-label="Table" value={place.query.get("table") ?? ""} onChange={(event) => filter("table", event.target.value)}>
          <option value="">all tables</option>
          {tables.data?.tables.map((table) => <option key={table.id}>{table.name}</option>)}
        </select>
        <select aria-label="Kind" value={place.query.get("kind") ?? ""} onChange={(event) => filter("kind", event.target.value)}>
          <option value="">runs and syncs</option>
          <option value="run">runs</option>
          <option value="sync">syncs</option>
          <option value="undo">undos</option>
        </select>
        <select aria-label="State" value={place.query.get("state") ?? ""} onChange={(event) => filter("state", event.target.value)}>
          <option value="">any state</option>
          {Object.keys(TONES).map((state) => <option key={state}>{state}</option>)}
        </select>
      </>
    }>
      <ErrorBox error={answer.error} />
      {!answer.data && !answer.error && <Loading />}
      {answer.data && !runs.length && <Empty icon="runs" title="Nothing has run yet">A sync reads rows from their source; a run computes columns and writes to Salesforce. Both are listed here, with what they did.</Empty>}
      <div className={chosen ? "two list-details" : ""}>
        {runs.length > 0 && (
          <div>
            <table className="list">
              <thead><tr><th scope="col">Run</th><th scope="col">Table</th><th scope="col">State</th><th scope="col">Asked by</th><th scope="col">Started</th><th scope="col" className="numeric">Took</th></tr></thead>
              <tbody>
                {runs.map((run) => (
                  <tr key={run.id} className={run.id === chosen ? "chosen" : ""} onClick={() => go(`/runs/${run.id}${window.location.search}`)}>
                    <td><Link to={`/runs/${run.id}${window.location.search}`} className="strong" onClick={(event) => event.stopPropagation()}>{runTitle(run)} {run.id}</Link></td>
                    <td>{names.get(run.table_id) ?? <span className="muted">gone</span>}</td>
                    <td><RunState run={run} /></td>
                    <td>{run.who ?? run.cause}</td>
                    <td><Time at={run.started ?? run.queued} /></td>
                    <td className="numeric">{run.started ? lasting(run.started, run.ended) : ""}</td>
                  </tr>
                ))}
              </tbody>
            </table>
            {next && <Button onClick={() => attempt(get<{ runs: Run[]; next: number | null }>(withQuery(path, {}) + `&before=${seg(next)}`).then((more) => setOlder({ path, runs: [...(mine?.runs ?? []), ...more.runs], next: more.next })))}>Older</Button>}
          </div>
        )}
        {chosen && <RunDetails key={chosen} id={chosen} tables={tables.data?.tables ?? []} />}
      </div>
    </Page>
  );
}
