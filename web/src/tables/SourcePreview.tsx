// The first rows of a source in Salesforce, before a table is made of it: asked again when
// the form has rested, the old ones dimmed until the new ones are here.
import { useEffect, useState } from "react";
import { ApiError, post, seg } from "../api/client";
import { valueText } from "../grid/cells";
import type { RecipeValue } from "../table/recipe";
import { ErrorBox } from "../ui/parts";

const AFTER_MS = 500;

interface Peek {
  columns: { name: string; type: string }[];
  rows: (string | null)[][];
}

/** ready: the form is full enough to be asked. */
export function SourcePreview({ connection, kind, config, ready }: { connection: string; kind: string; config: Record<string, RecipeValue>; ready: boolean }) {
  const [peek, setPeek] = useState<Peek | null>(null);
  const [error, setError] = useState<unknown>(null);
  const [busy, setBusy] = useState(false);
  const text = JSON.stringify({ kind, config });
  useEffect(() => {
    if (!ready) return;
    let over = false;
    const timer = window.setTimeout(() => {
      setBusy(true);
      post<Peek>(`/connections/${seg(connection)}/source-preview`, JSON.parse(text)).then((found) => {
        if (over) return;
        setPeek(found);
        setError(null);
      }, (problem: unknown) => {
        if (!over) setError(problem);
      }).finally(() => {
        if (!over) setBusy(false);
      });
    }, AFTER_MS);
    return () => {
      over = true;
      window.clearTimeout(timer);
    };
  }, [text, connection, ready]);

  if (!ready) return null;
  const unfinished = error instanceof ApiError && error.status === 422 ? error : null;
  if (unfinished) return <p className="muted">No rows to show yet: {(unfinished.more[0] ?? unfinished.body).message}</p>;
  if (error) return <ErrorBox error={error} />;
  if (!peek) return null;
  return (
    <div className={`source-preview ${busy ? "busy" : ""}`} aria-busy={busy}>
      <h2>First rows {busy && <span className="muted small">are read anew…</span>}</h2>
      {!peek.rows.length && <p className="muted">Nothing passes now. Rows that come later will be read.</p>}
      {peek.rows.length > 0 && (
        <div className="preview-table" tabIndex={0} role="region" aria-label="First rows of the source">
          <table className="list dense">
            <thead><tr>{peek.columns.map((column) => <th key={column.name} scope="col">{column.name} <span className="term">{column.type}</span></th>)}</tr></thead>
            <tbody>{peek.rows.map((row, at) => <tr key={at}>{peek.columns.map((column, place) => <td key={column.name}>{valueText(row[place] ?? null, column.type)}</td>)}</tr>)}</tbody>
          </table>
        </div>
      )}
    </div>
  );
}
