// Why does a record hold what it holds: our writes to it, newest first, and what the
// org says now.
import { useState } from "react";
import { useAnswer } from "../api/cache";
import { seg, withQuery } from "../api/client";
import type { Why } from "../api/types";
import { Link } from "../app/Link";
import { tablePath } from "../app/router";
import { useBar } from "../app/session";
import { Button, ErrorBox, Loading, Time } from "../ui/parts";
import { show } from "../journal/OperationCard";

const SAYS: Record<Why["verdict"], string> = {
  "not asked": "",
  ours: "It still holds what the newest write here put there.",
  changed: "It is not what Argil wrote last: it was changed since.",
  "never ours": "Nothing here ever wrote it.",
  gone: "The record or the field is deleted, or out of the connected user's sight.",
};

function Now({ why, field }: { why: Why; field: string | null }) {
  if (why.verdict === "not asked" && !why.modified) return null;
  return (
    <p className="statement">
      {field && why.verdict !== "gone" && <>{field} is <strong>{show(why.now)}</strong> now. </>}
      {SAYS[why.verdict]}
      {why.modified && <> The record was last changed in Salesforce by {why.modified_by ?? "somebody"}, <Time at={why.modified} exact />.</>}
    </p>
  );
}

export function WhyList({ record, field, connection }: { record: string; field: string | null; connection?: string | null }) {
  const [ask, setAsk] = useState(false);
  const bar = useBar("runner");
  const answer = useAnswer<Why>(withQuery(`/records/${seg(record)}/why`, { field, ask: ask || null, connection: ask ? connection : null }));
  const why = answer.data;
  return (
    <section aria-label="Why this value">
      <ErrorBox error={answer.error} />
      {!why && !answer.error && <Loading />}
      {why && <Now why={why} field={field} />}
      {why && !why.writes.length && <p className="muted">Nothing in this workspace ever wrote {field ?? "to this record"}.</p>}
      {why && why.writes.length > 0 && (
        <ol className="why">
          {why.writes.map((write) => (
            <li key={`${write.operation_id} ${write.field}`}>
              <p><Time at={write.at} /> <Link to={`/runs/${write.run_id}`}>{write.undoes ? "undo" : "run"} {write.run_id}</Link> wrote <strong>{write.field}</strong>: <del>{show(write.before)}</del> → <ins>{show(write.wrote)}</ins></p>
              <p className="muted small">
                {write.state} · {write.table ? <Link to={`${tablePath(write.table)}?panel=row:${write.row_id}`}>{write.table}</Link> : "its table is gone"}{write.column ? `, column ${write.column}` : ""} · asked by {write.who ?? "–"}{write.cause && write.cause !== "person" ? ` (${write.cause})` : ""} · #{write.operation_id}
              </p>
            </li>
          ))}
        </ol>
      )}
      {why?.more && <p className="muted">Older writes are left out; look at a single field to see its own.</p>}
      {!ask && <Button bar={bar} icon="cloud" onClick={() => setAsk(true)}>Ask Salesforce what it holds now</Button>}
    </section>
  );
}
