// One row: every cell, its Salesforce record, and what was written for it.
import { useState } from "react";
import { useAnswer } from "../api/cache";
import { seg } from "../api/client";
import type { Connection, Operation, Row, Table } from "../api/types";
import { goQuery } from "../app/router";
import { useBar } from "../app/session";
import { OperationCard } from "../journal/OperationCard";
import { recordLink } from "../ui/record";
import { Icon } from "../ui/icons";
import { Panel, Tabs } from "../ui/Panel";
import { Button, ErrorBox, Loading, StateMark } from "../ui/parts";
import { valueText } from "../grid/cells";
import { HistoryList } from "./HistoryList";
import type { RunOrder } from "./RunDialog";

const TABS = ["Values", "Salesforce", "History"] as const;

function Operations({ table, rowId, connection }: { table: Table; rowId: number; connection: Connection | undefined }) {
  const answer = useAnswer<{ operations: Operation[] }>(`/journal?table=${seg(table.name)}&row_id=${rowId}&limit=50`);
  if (answer.error) return <ErrorBox error={answer.error} />;
  if (!answer.data) return <Loading />;
  if (!answer.data.operations.length) return <p className="muted">Nothing was written to Salesforce for this row.</p>;
  return <>{answer.data.operations.map((operation) => <OperationCard key={operation.id} operation={operation} connection={connection} />)}</>;
}

export function RowPanel({ table, rowId, connection, onClose, onRun }: {
  table: Table;
  rowId: number;
  connection: Connection | undefined;
  onClose: () => void;
  onRun: (order: RunOrder) => void;
}) {
  const answer = useAnswer<Row>(`/tables/${seg(table.name)}/rows/${rowId}`);
  const [tab, setTab] = useState<(typeof TABS)[number]>("Values");
  const bar = useBar("runner");
  const row = answer.data;
  const named = row?.cells.find((cell) => table.columns.find((column) => column.id === cell.column_id)?.name === "Name");
  const href = row?.key ? recordLink(connection, row.key) : null;
  return (
    <Panel title={named?.value || row?.key || `Row ${rowId}`} onClose={onClose}
      sub={row?.key ? href ? <a href={href} target="_blank" rel="noreferrer"><code>{row.key}</code> <Icon name="out" size={12} /></a> : <code>{row.key}</code> : undefined}
      foot={<Button icon="runs" bar={bar} onClick={() => onRun({ rows: "all", row_ids: [rowId], label: "this row" })}>Run this row</Button>}>
      <Tabs label="Row" names={TABS} now={tab} onChoose={setTab} />
      <ErrorBox error={answer.error} />
      {!row && !answer.error && <Loading />}
      {row?.deleted && <p className="tone-warn">The source does not have this record any more.</p>}
      {row && tab === "Values" && (
        <dl className="facts wide">
          {row.cells.map((cell) => {
            const column = table.columns.find((one) => one.id === cell.column_id);
            if (!column) return null;
            const plain = cell.state === "ok" || cell.state === "empty";
            return (
              <div key={cell.column_id}>
                <dt>{column.name}</dt>
                <dd>
                  <button type="button" className="fact-open" onClick={() => goQuery({ panel: `cell:${rowId}:${column.id}` })}>
                    {!plain && <StateMark state={cell.state} words={!cell.value && !cell.message} />}
                    <span className={plain ? "" : "muted"}>{valueText(cell.value, column.type) || (plain ? "–" : cell.message ?? "")}</span>
                  </button>
                </dd>
              </div>
            );
          })}
        </dl>
      )}
      {row && tab === "History" && <HistoryList table={table} rowId={rowId} columnId={null} />}
      {row && tab === "Salesforce" && <Operations table={table} rowId={rowId} connection={connection} />}
    </Panel>
  );
}
