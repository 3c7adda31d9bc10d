// One write, as the journal has it: what, where, old beside new, what Salesforce said.
import type { Connection, Operation } from "../api/types";
import { recordLink } from "../ui/record";
import { Icon } from "../ui/icons";
import { Time } from "../ui/parts";

const TONES: Record<string, string> = { done: "ok", rejected: "err", unknown: "doubt", reconciling: "doubt", "in doubt": "doubt", "retry safe": "warn", sending: "accent", planned: "muted", cancelled: "muted" };

export function show(value: unknown): string {
  if (value === null || value === undefined || value === "") return "(blank)";
  return typeof value === "object" ? JSON.stringify(value) : String(value);
}

export function OldNew({ before, values, past = false }: { before: Record<string, unknown> | null; values: Record<string, unknown> | null; past?: boolean }) {
  const fields = Object.keys(values ?? {});
  if (!fields.length) return null;
  if (!before || !Object.keys(before).length)
    return <dl className="facts new-values">{fields.map((field) => <div key={field}><dt>{field}</dt><dd><ins>{show(values?.[field])}</ins></dd></div>)}</dl>;
  return (
    <table className="old-new">
      <thead><tr><th scope="col">Field</th><th scope="col">{past ? "Before" : "Now"}</th><th scope="col">{past ? "After" : "Will be"}</th></tr></thead>
      <tbody>
        {fields.map((field) => (
          <tr key={field}>
            <th scope="row">{field}</th>
            <td>{field in before ? <del>{show(before[field])}</del> : <span className="muted">–</span>}</td>
            <td><ins>{show(values?.[field])}</ins></td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

export function RecordId({ id, connection }: { id: string | null; connection?: Connection | undefined }) {
  if (!id) return <span className="muted">new record</span>;
  const href = recordLink(connection, id);
  return href ? <a href={href} target="_blank" rel="noreferrer"><code>{id}</code> <Icon name="out" size={12} /></a> : <code>{id}</code>;
}

export function OperationCard({ operation, connection }: { operation: Operation; connection?: Connection | undefined }) {
  return (
    <article className="operation">
      <header>
        <span className={`pill tone-${TONES[operation.state] ?? "muted"}`}>{operation.state}</span>
        <strong>{operation.adopted ? "found" : operation.kind} {operation.object}</strong>
        <RecordId id={operation.record_id ?? operation.target_id} connection={connection} />
        <span className="spring" />
        <Time at={operation.done ?? operation.sent ?? operation.created} />
      </header>
      <OldNew before={operation.before} values={operation.values} past={operation.state === "done"} />
      {operation.message && <p className={operation.state === "done" ? "muted" : "tone-err"}>{operation.message}</p>}
      <p className="muted small">#{operation.id} · run {operation.run_id} · {operation.mode}{operation.key_field ? ` by ${operation.key_field}` : ""}</p>
    </article>
  );
}
