// The approval queue: plans that wait for a person, and what became of earlier ones.
import { useAnswer } from "../api/cache";
import type { Connection, Plan, Table } from "../api/types";
import { Link } from "../app/Link";
import { go, tablePath, usePlace } from "../app/router";
import { EnvironmentBand } from "../ui/Environment";
import { Page } from "../ui/Page";
import { Empty, ErrorBox, Loading, Time } from "../ui/parts";
import { count } from "../ui/time";
import { PlanDeeds, PlanReview } from "./PlanReview";

const TONES: Record<string, string> = { waiting: "accent", approved: "warn", rejected: "err", applied: "ok", "being made": "muted" };
const LIMIT = 100;

function PlanDetails({ id, tables, connections }: { id: number; tables: Table[]; connections: Connection[] }) {
  const answer = useAnswer<Plan>(`/plans/${id}`);
  const plan = answer.data;
  if (answer.error) return <ErrorBox error={answer.error} />;
  if (!plan) return <Loading />;
  const table = tables.find((one) => one.id === plan.table_id);
  const connection = connections.find((one) => one.name === table?.connection);
  return (
    <section className="details plan-details" aria-label={`Plan ${id}`}>
      <EnvironmentBand connection={connection} />
      <header>
        <h2>Plan {id}</h2>
        <span className={`pill tone-${TONES[plan.state]}`}>{plan.state}</span>
        <span>{table ? <Link to={tablePath(table.name)}>{table.name}</Link> : "its table is gone"} · asked by {plan.who ?? "–"} <Time at={plan.made} /></span>
      </header>
      <PlanReview plan={plan} connection={connection} />
      <div className="actions plan-actions"><PlanDeeds plan={plan} connection={connection} /></div>
    </section>
  );
}

export function ApprovalsPage({ chosen }: { chosen: number | null }) {
  const place = usePlace();
  const all = place.query.get("all") === "1";
  const answer = useAnswer<{ plans: Plan[]; more: boolean }>(all ? `/plans?limit=${LIMIT}` : `/plans?state=waiting&limit=${LIMIT}`);
  const tables = useAnswer<{ tables: Table[] }>("/tables");
  const connections = useAnswer<{ connections: Connection[] }>("/connections");
  const plans = answer.data?.plans.filter((plan) => plan.state !== "being made") ?? [];
  const query = all ? "?all=1" : "";
  return (
    <Page title="Approvals" wide lead="What a run would write, kept until somebody decides. What is approved is exactly what is written." actions={
      <div className="chips" role="group" aria-label="Which plans">
        <button type="button" className="chip" aria-pressed={!all} onClick={() => go(`/approvals${chosen ? `/${chosen}` : ""}`)}>Waiting</button>
        <button type="button" className="chip" aria-pressed={all} onClick={() => go(`/approvals${chosen ? `/${chosen}` : ""}?all=1`)}>All</button>
      </div>
    }>
      <ErrorBox error={answer.error} />
      {!answer.data && !answer.error && <Loading />}
      {answer.data && !plans.length && !chosen && <Empty icon="check" title="Nothing waits for you">A plan is made by “See what it would write” before a run, or where a field contract wants one. It stays here until somebody approves or rejects it.</Empty>}
      {plans.length > 0 && (
        <table className="list">
          <thead><tr><th scope="col">Plan</th><th scope="col">Table</th><th scope="col">State</th><th scope="col">Asked by</th><th scope="col">Made</th><th scope="col" className="numeric">Writes</th><th scope="col" className="numeric">Blocked</th></tr></thead>
          <tbody>
            {plans.map((plan) => (
              <tr key={plan.id} className={plan.id === chosen ? "chosen" : ""} onClick={() => go(`/approvals/${plan.id}${query}`)}>
                <td><Link className="strong" to={`/approvals/${plan.id}${query}`} onClick={(event) => event.stopPropagation()}>Plan {plan.id}</Link></td>
                <td>{tables.data?.tables.find((table) => table.id === plan.table_id)?.name ?? <span className="muted">gone</span>}</td>
                <td><span className={`pill tone-${TONES[plan.state]}`}>{plan.state}</span></td>
                <td>{plan.who}</td>
                <td><Time at={plan.made} /></td>
                <td className="numeric">{count(plan.writes)}</td>
                <td className="numeric">{count(plan.blocked)}</td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
      {answer.data?.more && <p className="muted">Only the newest {LIMIT} are listed.</p>}
      {chosen && <PlanDetails key={chosen} id={chosen} tables={tables.data?.tables ?? []} connections={connections.data?.connections ?? []} />}
    </Page>
  );
}
