// All tables at a glance: how many rows, how fresh, whether they update by themselves,
// what went wrong.
import { useAnswer } from "../api/cache";
import { seg } from "../api/client";
import { isComputed, type Connection, type Table, type TableStates } from "../api/types";
import { Link } from "../app/Link";
import { go, tablePath } from "../app/router";
import { useBar } from "../app/session";
import { progressOf } from "../grid/Head";
import { Button, Empty, ErrorBox, Loading, Time } from "../ui/parts";
import { Page } from "../ui/Page";
import { count } from "../ui/time";
import { Environment } from "../ui/Environment";

function TableLine({ table, connections }: { table: Table; connections: Connection[] }) {
  const states = useAnswer<TableStates>(`/tables/${seg(table.name)}/states`);
  const connection = connections.find((one) => one.name === table.connection);
  const bad = (states.data?.columns ?? []).reduce((sum, one) => sum + progressOf(one, 0).bad, 0);
  const computed = table.columns.filter((column) => isComputed(column)).length;
  return (
    <tr onClick={() => go(tablePath(table.name))}>
      <td>
        <Link to={tablePath(table.name)} className="strong" onClick={(event) => event.stopPropagation()}>{table.name}</Link>
        <div className="muted small">{table.object ? `${table.object} · ` : ""}{table.columns.length} columns, {computed} computed</div>
      </td>
      <td className="numeric">{count(table.row_count)}</td>
      <td>{connection ? <Environment connection={connection} /> : <span className="muted">{table.sources[0]?.kind ?? "–"}</span>}</td>
      <td>{table.auto_update ? <span className="pill on">On</span> : <span className="pill">Off</span>}</td>
      <td className="numeric">{states.data?.waiting ? count(states.data.waiting) : <span className="muted">–</span>}</td>
      <td className="numeric">{bad ? <span className="tone-err">{count(bad)}</span> : <span className="muted">–</span>}</td>
      <td><Time at={table.next_sync} none="by hand" /></td>
    </tr>
  );
}

export function TablesPage() {
  const answer = useAnswer<{ tables: Table[] }>("/tables");
  const connections = useAnswer<{ connections: Connection[] }>("/connections");
  const bar = useBar("builder");
  const add = <Button look="primary" icon="plus" bar={bar} onClick={() => go("/tables/new")}>New table</Button>;
  const tables = answer.data?.tables;
  return (
    <Page title="Tables" wide actions={tables?.length ? add : undefined}>
      <ErrorBox error={answer.error} />
      {!tables && answer.loading && <Loading />}
      {tables && !tables.length && <NoTables connections={connections.data?.connections ?? []} add={add} />}
      {tables && tables.length > 0 && (
        <table className="list">
          <thead>
            <tr>
              <th scope="col">Table</th>
              <th scope="col" className="numeric">Rows</th>
              <th scope="col">Salesforce</th>
              <th scope="col">Auto-update</th>
              <th scope="col" className="numeric">Waiting</th>
              <th scope="col" className="numeric">Failed</th>
              <th scope="col">Next sync</th>
            </tr>
          </thead>
          <tbody>{tables.map((table) => <TableLine key={table.id} table={table} connections={connections.data?.connections ?? []} />)}</tbody>
        </table>
      )}
    </Page>
  );
}

function NoTables({ connections, add }: { connections: Connection[]; add: React.ReactNode }) {
  if (!connections.length)
    return (
      <Empty icon="cloud" title="Connect Salesforce first" actions={
        <>
          <Link to="/settings/connections" className="button primary">Connect Salesforce</Link>
          <Link to="/tables/new?source=csv" className="button plain">Begin with a CSV file</Link>
        </>
      }>
        A table shows records of your org, adds columns that look up, ask and compute, and writes back what you approve.
        One sign-in serves the whole workspace.
      </Empty>
    );
  return (
    <Empty icon="tables" title="Bring in your first rows" actions={add}>
      Pick an object, a list view, a report, a SOQL query or a CSV file. Argil shows a preview and its cost in API calls before it reads anything.
    </Empty>
  );
}
