// What became of a row or of one of its cells, where the table keeps history.
import { useState } from "react";
import { useAnswer } from "../api/cache";
import { seg, withQuery } from "../api/client";
import type { HistoryLine, Table } from "../api/types";
import { Link } from "../app/Link";
import { useBar } from "../app/session";
import { attempt, note } from "../ui/Dialog";
import { Button, ErrorBox, Loading, Time } from "../ui/parts";
import { plural } from "../ui/time";
import { changeSetting } from "./recipe";

const BY = { import: "came from the source", result: "computed", person: "typed" };
const DAY_MS = 24 * 3600 * 1000;

function What({ line, table }: { line: HistoryLine; table: Table }) {
  const column = table.columns.find((one) => one.id === line.column_id)?.name;
  if (line.column_id === null) return <p>The row: {line.what}</p>;
  return <p>{column ?? "a column that is gone"}: <del>{line.old ?? "(blank)"}</del> → <ins>{line.new ?? "(blank)"}</ins></p>;
}

function Lines({ table, path, before, onMore }: { table: Table; path: string; before: number | null; onMore: ((next: number) => void) | null }) {
  const answer = useAnswer<{ kept_ms: number; lines: HistoryLine[]; next: number | null }>(withQuery(path, { before }));
  if (answer.error) return <ErrorBox error={answer.error} />;
  if (!answer.data) return <Loading />;
  const { kept_ms, lines, next } = answer.data;
  if (!kept_ms && !lines.length) return <NotKept table={table} />;
  return (
    <>
      {before === null && <p className="muted small">Kept for {plural(Math.round(kept_ms / DAY_MS), "day")}, newest first.</p>}
      {!lines.length && before === null && <p className="muted">Nothing has changed since it is kept.</p>}
      <ol className="why">
        {lines.map((line) => (
          <li key={line.id}>
            <p className="small"><Time at={line.at} /> {BY[line.by]}{line.run_id ? <> in <Link to={`/runs/${line.run_id}`}>run {line.run_id}</Link></> : ""}</p>
            <What line={line} table={table} />
          </li>
        ))}
      </ol>
      {next !== null && onMore && <Button look="quiet" onClick={() => onMore(next)}>Older</Button>}
    </>
  );
}

function NotKept({ table }: { table: Table }) {
  const bar = useBar("builder");
  return (
    <>
      <p className="muted">This table keeps no history of its values.</p>
      <Button bar={bar} onClick={() => attempt(changeSetting(table, "history", "30d").then(() => note("What changes from now on is kept for 30 days.")))}>Keep it for 30 days</Button>
    </>
  );
}

/** columnId null: the whole row. */
export function HistoryList({ table, rowId, columnId }: { table: Table; rowId: number; columnId: number | null }) {
  const [before, setBefore] = useState<number[]>([]);
  const path = withQuery(`/tables/${seg(table.name)}/rows/${rowId}/history`, { column: columnId });
  return <>{[null, ...before].map((from, at, all) => <Lines key={from ?? 0} table={table} path={path} before={from} onMore={at === all.length - 1 ? (next) => setBefore([...before, next]) : null} />)}</>;
}
