// What a run would write, field by field, old beside new; approving starts the real run.
import { useVirtualizer } from "@tanstack/react-virtual";
import { useRef, useState } from "react";
import { invalidate, useAnswer } from "../api/cache";
import { post, seg } from "../api/client";
import type { Connection, Plan, PlannedWrite, Run, Table } from "../api/types";
import { go } from "../app/router";
import { useBar } from "../app/session";
import { note } from "../ui/Dialog";
import { environmentWord, orgName } from "../ui/Environment";
import { Panel } from "../ui/Panel";
import { Bar, Button, Empty, ErrorBox, Loading } from "../ui/parts";
import { count, plural } from "../ui/time";
import { RecordId, show } from "../journal/OperationCard";
import { useProgress } from "./RunStrip";

interface Line {
  write: PlannedWrite;
  field: string;
  first: boolean;
}
function linesOf(writes: PlannedWrite[], kind: string, field: string): Line[] {
  return writes.filter((write) => !kind || write.kind === kind).flatMap((write) => {
    const fields = Object.keys(write.set ?? {}).filter((name) => !field || name === field);
    return fields.length ? fields.map((name, at) => ({ write, field: name, first: at === 0 })) : field ? [] : [{ write, field: "", first: true }];
  });
}

function Writes({ writes, connection }: { writes: PlannedWrite[]; connection: Connection | undefined }) {
  const [kind, setKind] = useState("");
  const [field, setField] = useState("");
  const box = useRef<HTMLDivElement>(null);
  const kinds = [...new Set(writes.map((write) => write.kind))];
  const fields = [...new Set(writes.flatMap((write) => Object.keys(write.set ?? {})))].sort();
  const lines = linesOf(writes, kind, field);
  const list = useVirtualizer({ count: lines.length, getScrollElement: () => box.current, estimateSize: () => 30, overscan: 10 });
  return (
    <>
      <div className="plan-filter">
        <div className="chips" role="group" aria-label="Kind of write">
          <button type="button" className="chip" aria-pressed={!kind} onClick={() => setKind("")}>All {count(writes.length)}</button>
          {kinds.map((one) => <button key={one} type="button" className="chip" aria-pressed={kind === one} onClick={() => setKind(one)}>{one} {count(writes.filter((write) => write.kind === one).length)}</button>)}
        </div>
        <select aria-label="Field" value={field} onChange={(event) => setField(event.target.value)}>
          <option value="">every field</option>
          {fields.map((one) => <option key={one}>{one}</option>)}
        </select>
      </div>
      <div className="plan-head" aria-hidden="true"><span>Record</span><span>Field</span><span>Now</span><span>Will be</span></div>
      <div ref={box} className="plan-list" tabIndex={0} role="list" aria-label="Planned writes">
        <div style={{ height: list.getTotalSize(), position: "relative" }} role="presentation">
          {list.getVirtualItems().map((item) => {
            const line = lines[item.index];
            if (!line) return null;
            const old = line.write.before && line.field in line.write.before;
            return (
              <div key={item.key} role="listitem" className={`plan-line ${line.first ? "first" : ""}`} style={{ transform: `translateY(${item.start}px)` }}>
                <span>{line.first && <>{line.write.kind} <RecordId id={line.write.target} connection={connection} />{!line.write.target && line.write.row_key ? <span className="muted"> of {line.write.row_key}</span> : null}</>}</span>
                <span>{line.field}</span>
                <span>{old ? <del>{show(line.write.before?.[line.field])}</del> : <span className="muted">{line.write.target ? "–" : "(new)"}</span>}</span>
                <span><ins>{show(line.write.set?.[line.field])}</ins></span>
              </div>
            );
          })}
        </div>
      </div>
    </>
  );
}

function orderOfScope(run: Run): Record<string, unknown> {
  const { column, rows, row_ids, first } = (run.scope ?? {}) as Record<string, unknown>;
  return { ...(column ? { column } : {}), ...(rows ? { rows } : {}), ...(row_ids ? { row_ids } : {}), ...(first ? { first } : {}) };
}

export function PlanPanel({ table, runId, connection, onClose }: { table: Table; runId: number; connection: Connection | undefined; onClose: () => void }) {
  const run = useAnswer<Run>(`/runs/${runId}`);
  const ended = !!run.data?.ended;
  const plan = useAnswer<Plan>(ended ? `/runs/${runId}/plan` : null);
  const progress = useProgress(run.data);
  const [busy, setBusy] = useState(false);
  const [problem, setProblem] = useState<unknown>(null);
  const bar = useBar("builder");
  const total = plan.data?.total ?? 0;
  const approve = () => {
    if (!run.data) return;
    setBusy(true);
    post<Run>(`/tables/${seg(table.name)}/runs`, { ...orderOfScope(run.data), approve: true }).then((real) => {
      invalidate("/runs");
      note(`Run ${real.id} began.`);
      go(`/runs/${real.id}`);
    }, (wrong: unknown) => {
      setProblem(wrong);
      setBusy(false);
    });
  };
  const where = connection ? `${orgName(connection)} (${environmentWord(connection).toLowerCase()})` : "the org";
  return (
    <Panel wide title={`What it would write · plan ${runId}`} sub={connection ? `${environmentWord(connection)} · ${orgName(connection)}` : undefined} onClose={onClose} foot={
      <>
        <span className="muted">Nothing has been sent.</span>
        <span className="spring" />
        <Button onClick={onClose}>Close</Button>
        <Button look="primary" bar={bar} busy={busy} disabled={!total} onClick={approve}>Approve {plural(total, "write")} to {connection ? environmentWord(connection).toLowerCase() : "the org"}</Button>
      </>
    }>
      <ErrorBox error={run.error ?? plan.error ?? problem} />
      {run.data?.error && <p className="tone-err">{run.data.error}</p>}
      {!ended && (
        <div className="plan-wait" role="status">
          <p>Working out what would change; nothing is sent.</p>
          <Bar done={progress?.done ?? 0} total={progress?.total ?? null} label="Rows planned" />
        </div>
      )}
      {ended && !plan.data && !plan.error && <Loading />}
      {plan.data && !total && <Empty icon="check" title="Nothing to change">Every row that was looked at is equal already, skipped, or refused. The cells say which.</Empty>}
      {plan.data && total > 0 && (
        <>
          <p>This would change <strong>{plural(total, "record")}</strong> in <strong>{where}</strong>. E-mails or flows that it triggers in Salesforce cannot be recalled.</p>
          {plan.data.shown < total && <p className="tone-warn">The first {count(plan.data.shown)} of {count(total)} are listed; all are counted.</p>}
          <Writes writes={plan.data.writes} connection={connection} />
        </>
      )}
    </Panel>
  );
}
