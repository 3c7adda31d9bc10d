// One cell: what it holds, what it was made from, what it wrote, and why.
import { useState } from "react";
import { useAnswer } from "../api/cache";
import { seg } from "../api/client";
import { isComputed, type Cell, type CellDetails, type CellEdit, type Column, type Operation, type Table } from "../api/types";
import { goQuery } from "../app/router";
import { useBar } from "../app/session";
import { Panel, Tabs } from "../ui/Panel";
import { Button, Copy, Empty, ErrorBox, Loading, StateMark, Time } from "../ui/parts";
import { ValueView } from "../ui/Tree";
import { WhyList } from "../records/WhyList";
import { OperationCard } from "../journal/OperationCard";
import { HistoryList } from "./HistoryList";
import type { RunOrder } from "./RunDialog";

const TABS = ["Result", "Inputs", "History", "Why"] as const;

function Reason({ cell }: { cell: Cell }) {
  if (cell.state === "ok" || (cell.state === "empty" && !cell.message)) return null;
  return (
    <div className="reason">
      <StateMark state={cell.state} />
      {cell.message && <p>{cell.message}</p>}
      {cell.code && <p className="muted small"><code>{cell.code}</code>{cell.attempt > 1 ? ` · attempt ${cell.attempt}` : ""}</p>}
      {cell.not_before && <p className="muted small">Next try <Time at={cell.not_before} /></p>}
      {cell.changed && <p className="muted small">Since <Time at={cell.changed} /></p>}
    </div>
  );
}

function Inputs({ cells, table }: { cells: Cell[]; table: Table }) {
  if (!cells.length) return <p className="muted">This column reads no other column.</p>;
  return (
    <>
      {cells.map((cell) => {
        const column = table.columns.find((one) => one.id === cell.column_id);
        return (
          <section key={cell.column_id} className="input">
            <h3>{column?.name}</h3>
            <Reason cell={cell} />
            <ValueView text={cell.value} json={column?.type === "json"} base={column?.name ?? ""} />
          </section>
        );
      })}
    </>
  );
}

function Typed({ table, column, rowId }: { table: Table; column: Column; rowId: number }) {
  const answer = useAnswer<{ edits: CellEdit[]; more: boolean }>(`/tables/${seg(table.name)}/rows/${rowId}/cells/${column.id}/edits`);
  if (answer.error) return <ErrorBox error={answer.error} />;
  if (!answer.data) return <Loading />;
  if (!answer.data.edits.length) return <p className="muted">Nobody has typed here yet.</p>;
  return (
    <>
      <ol className="why">
        {answer.data.edits.map((edit) => (
          <li key={edit.id}>
            <p><strong>{edit.who}</strong> <Time at={edit.at} /></p>
            <p><del>{edit.old ?? "(blank)"}</del> → <ins>{edit.new ?? "(blank)"}</ins></p>
          </li>
        ))}
      </ol>
      {answer.data.more && <p className="muted">Older changes are left out.</p>}
    </>
  );
}

function Wrote({ table, column, rowId }: { table: Table; column: Column; rowId: number }) {
  const answer = useAnswer<{ operations: Operation[] }>(`/journal?table=${seg(table.name)}&column_id=${column.id}&row_id=${rowId}&limit=50`);
  if (answer.error) return <ErrorBox error={answer.error} />;
  if (!answer.data) return <Loading />;
  if (!answer.data.operations.length) return <p className="muted">This cell has written nothing to Salesforce yet.</p>;
  return <>{answer.data.operations.map((operation) => <OperationCard key={operation.id} operation={operation} />)}</>;
}

const RECORD = /^[a-zA-Z0-9]{15}([a-zA-Z0-9]{3})?$/;

/** Which record's which field this cell is about: of an object's own field, or what a write column wrote. */
function recordOf(column: Column, details: CellDetails, rowKey: string): { record: string; field: string | null } | null {
  const wrote = details.operation?.record_id ?? details.operation?.target_id;
  if (column.writes) return wrote ? { record: wrote, field: null } : null;
  return column.kind === "source" && column.source_field && RECORD.test(rowKey) ? { record: rowKey, field: column.source_field } : null;
}

function Why({ column, details, rowKey, table }: { column: Column; details: CellDetails; rowKey: string; table: Table }) {
  const { cell } = details;
  const about = recordOf(column, details, rowKey);
  const names = column.depends.map((id) => table.columns.find((one) => one.id === id)?.name).filter(Boolean);
  return (
    <>
      <dl className="facts">
        <div><dt>Made by</dt><dd>{column.kind === "source" ? `Salesforce field ${column.source_field ?? column.name}` : column.title}</dd></div>
        {names.length > 0 && <div><dt>From</dt><dd>{names.join(", ")}</dd></div>}
        {column.only_run_if && <div><dt>Only if</dt><dd><code>{column.only_run_if}</code></dd></div>}
        <div><dt>State</dt><dd><StateMark state={cell.state} /></dd></div>
        {cell.operation_id && <div><dt>Operation</dt><dd>#{cell.operation_id} in the journal</dd></div>}
      </dl>
      {column.kind !== "source" && <Button look="quiet" icon="edit" onClick={() => goQuery({ panel: `column:${column.id}` })}>Open the column</Button>}
      {about && <WhyList {...about} connection={table.connection} />}
    </>
  );
}

export function CellPanel({ table, rowId, columnId, rowKey, onClose, onRun }: {
  table: Table;
  rowId: number;
  columnId: number;
  rowKey: string;
  onClose: () => void;
  onRun: (order: RunOrder) => void;
}) {
  const column = table.columns.find((one) => one.id === columnId);
  const answer = useAnswer<CellDetails>(`/tables/${seg(table.name)}/rows/${rowId}/cells/${columnId}`);
  const [tab, setTab] = useState<(typeof TABS)[number]>("Result");
  const bar = useBar("runner");
  if (!column) return <Panel title="No such column" onClose={onClose}><Empty icon="search" title="The column is gone" /></Panel>;
  const details = answer.data;
  const addLeaf = (path: string, name: string) => goQuery({ panel: "column:new", kind: "formula", text: `{{${path}}}`, name: `${column.name} ${name}` });
  return (
    <Panel title={column.name} sub={rowKey} onClose={onClose} foot={
      <>
        {isComputed(column) && <Button icon="runs" bar={bar} onClick={() => onRun({ column: column.name, rows: "all", row_ids: [rowId], label: "this cell" })}>Run this cell</Button>}
        {details?.cell.value && <Copy text={details.cell.value} />}
        <Button look="quiet" icon="list" onClick={() => goQuery({ panel: `row:${rowId}` })}>Whole row</Button>
      </>
    }>
      <Tabs label="Cell" names={TABS} now={tab} onChoose={setTab} />
      <ErrorBox error={answer.error} />
      {!details && !answer.error && <Loading />}
      {details && tab === "Result" && (
        <>
          <Reason cell={details.cell} />
          {!(details.cell.value === null && details.cell.state !== "ok") && <ValueView text={details.cell.value} json={column.type === "json"} base={column.name} onLeaf={addLeaf} />}
          {details.cell.state === "empty" && isComputed(column) && <p className="muted">This cell has never run.</p>}
        </>
      )}
      {details && tab === "Inputs" && <Inputs cells={details.inputs} table={table} />}
      {details && tab === "History" && (
        <>
          {column.typed && <><h3>Typed</h3><Typed table={table} column={column} rowId={rowId} /></>}
          {column.writes && <><h3>Written to Salesforce</h3><Wrote table={table} column={column} rowId={rowId} /></>}
          {!column.typed && <><h3>Values</h3><HistoryList table={table} rowId={rowId} columnId={columnId} /></>}
        </>
      )}
      {details && tab === "Why" && <Why column={column} details={details} rowKey={rowKey} table={table} />}
    </Panel>
  );
}
