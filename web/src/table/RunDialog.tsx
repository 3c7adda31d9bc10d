// Starting a run: what it covers, and where it writes to, before anything is sent.
import { useState } from "react";
import { invalidate } from "../api/cache";
import { post, seg } from "../api/client";
import type { Connection, Run, Table } from "../api/types";
import { goQuery } from "../app/router";
import { may, useSession } from "../app/session";
import { environmentWord, orgName } from "../ui/Environment";
import { Dialog, note } from "../ui/Dialog";
import { Button, ErrorBox, SelectField } from "../ui/parts";

const WHICH = [
  { value: "due", label: "out of date" },
  { value: "empty", label: "empty" },
  { value: "errors", label: "failed" },
  { value: "refused", label: "refused" },
  { value: "all", label: "all, again where they have run" },
];

export interface RunOrder {
  column?: string;
  rows?: string;
  row_ids?: number[];
  first?: number;
  /** HTTP APIs are asked anew, whatever `cache` has kept. */
  fresh?: boolean;
  /** What it covers, in words. */
  label: string;
}

export function orderBody({ column, rows, row_ids, first, fresh }: RunOrder): Record<string, unknown> {
  return { ...(column ? { column } : {}), ...(rows ? { rows } : {}), ...(row_ids ? { row_ids } : {}), ...(first ? { first } : {}), ...(fresh ? { fresh } : {}) };
}
export async function startRun(table: Table, order: RunOrder, approve: boolean): Promise<Run> {
  const run = await post<Run>(`/tables/${seg(table.name)}/runs`, { ...orderBody(order), ...(approve ? { approve: true } : {}) });
  invalidate("/runs");
  return run;
}
/** The columns of an order that write to the org. */
export function writersOf(table: Table, order: RunOrder) {
  return table.columns.filter((column) => column.writes && (!order.column || order.column === column.name));
}
/** The columns of an order whose answers are kept for a time; of a waterfall, those of a step. */
export function keepersOf(table: Table, order: RunOrder) {
  const keeps = (config: unknown): boolean =>
    !!config && typeof config === "object" && ("cache" in config || Object.values(config).some(keeps));
  return table.columns.filter((column) => ["http", "waterfall"].includes(column.kind) && keeps(column.config) && (!order.column || order.column === column.name));
}

export function RunDialog({ table, order: given, connection, onClose }: { table: Table; order: RunOrder; connection: Connection | undefined; onClose: () => void }) {
  const [which, setWhich] = useState(given.rows ?? "due");
  const [anew, setAnew] = useState(false);
  const order = { ...given, rows: which, fresh: anew };
  const { session } = useSession();
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<unknown>(null);
  const writers = writersOf(table, order);
  const keepers = keepersOf(table, order);
  const fresh = writers.filter((column) => !column.approved);
  const builder = may(session.person, "builder");
  const act = (deed: Promise<unknown>) => {
    setBusy(true);
    deed.then(onClose, (problem: unknown) => {
      setError(problem);
      setBusy(false);
    });
  };
  const run = (approve: boolean) => act(startRun(table, order, approve).then(() => note("The run began.")));
  const review = () => act(post<Run>(`/tables/${seg(table.name)}/plans`, orderBody({ ...order, fresh: false })).then((plan) => {
    invalidate("/runs");
    goQuery({ panel: `plan:${plan.id}` });
  }));
  return (
    <Dialog title={order.column ? `Run ${order.column}` : `Run ${table.name}`} onClose={onClose}>
      <p>For <strong>{order.label}</strong>.</p>
      {given.row_ids && <SelectField label="Which of their cells" value={which} onChange={setWhich} options={WHICH} />}
      {keepers.length > 0 && (
        <label className="check">
          <input type="checkbox" checked={anew} onChange={(event) => setAnew(event.target.checked)} />
          <span>Ask anew<span className="muted small"> {keepers.map((column) => column.name).join(", ")}: no answer that is kept is used again.</span></span>
        </label>
      )}
      {writers.length > 0 && connection && (
        <p>
          {writers.map((column) => column.name).join(", ")} may change records in <strong>{orgName(connection)} ({environmentWord(connection).toLowerCase()})</strong>.
          Values are checked before anything is sent; e-mails or flows that a change triggers in Salesforce cannot be recalled.
        </p>
      )}
      {fresh.length > 0 && (
        <p className="tone-warn">
          {builder ? "Its first write wants your approval: look at the plan first." : `The first write of ${fresh.map((column) => column.name).join(", ")} must be approved by a builder.`}
        </p>
      )}
      <ErrorBox error={error} />
      <div className="actions end">
        <Button onClick={onClose}>Cancel</Button>
        {writers.length > 0 && <Button look={fresh.length ? "primary" : "plain"} busy={busy} onClick={review}>See what it would write</Button>}
        {!fresh.length && <Button look="primary" busy={busy} onClick={() => run(false)}>{connection && writers.length ? `Run in ${environmentWord(connection).toLowerCase()}` : "Run"}</Button>}
      </div>
    </Dialog>
  );
}
