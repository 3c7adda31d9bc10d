// A plan as a person decides on it: counted, field by field, old beside new; single
// writes are edited or taken out, the whole is approved or rejected. What is approved is
// exactly what stands here.
import { useVirtualizer } from "@tanstack/react-virtual";
import { useRef, useState, type ReactNode } from "react";
import { invalidate } from "../api/cache";
import { post, put } from "../api/client";
import type { Connection, Plan, PlannedWrite, Run } from "../api/types";
import { Link } from "../app/Link";
import { go } from "../app/router";
import { useBar } from "../app/session";
import { attempt, Confirm, note } from "../ui/Dialog";
import { environmentWord, orgName } from "../ui/Environment";
import { Button, Empty, ErrorBox, IconButton, Loading, TextField, Time } from "../ui/parts";
import { count, plural } from "../ui/time";
import { RecordId, show } from "../journal/OperationCard";
import { usePlanWrites } from "./usePlanWrites";

interface Line {
  write: PlannedWrite;
  field: string;
  first: boolean;
}
function linesOf(writes: PlannedWrite[], group: string, field: string): Line[] {
  return writes.filter((write) => !group || groupOf(write) === group).flatMap((write) => {
    const fields = Object.keys(write.set ?? {}).filter((name) => !field || name === field);
    return fields.length ? fields.map((name, at) => ({ write, field: name, first: at === 0 })) : field ? [] : [{ write, field: "", first: true }];
  });
}
function groupOf(write: PlannedWrite): string {
  return write.state === "blocked" || write.state === "rejected" ? write.state : write.kind;
}

interface Deeds {
  reject: (write: PlannedWrite) => void;
  edit: (write: PlannedWrite, field: string) => void;
  restore: (write: PlannedWrite) => void;
}

function LineView({ line, connection, deeds }: { line: Line; connection: Connection | undefined; deeds: Deeds | null }) {
  const { write, field, first } = line;
  const old = write.before && field in write.before;
  const out = write.state === "rejected";
  const name = write.target ?? write.row_key ?? `row ${write.row_id}`;
  return (
    <>
      <span>{first && <>{write.kind} <RecordId id={write.target} connection={connection} />{!write.target && write.row_key ? <span className="muted"> of {write.row_key}</span> : null}</>}</span>
      <span>{write.state === "blocked" ? <span className="tone-warn">blocked</span> : field}</span>
      {write.state === "blocked" ? <span className="plan-why" title={write.reason ?? ""}>{write.reason}</span> : (
        <>
          <span>{old ? <del>{show(write.before?.[field])}</del> : <span className="muted">{write.target ? "–" : "(new)"}</span>}</span>
          <span>{out ? <span className="muted" title={write.reason ?? ""}>taken out: {write.reason}</span> : <ins>{show(write.set?.[field])}</ins>}{write.state === "edited" && first ? <span className="tone-accent small"> edited by {write.decided_by}</span> : null}</span>
        </>
      )}
      <span className="plan-deeds">
        {deeds && write.state !== "blocked" && !out && <IconButton icon="edit" label={`Edit ${field} of ${name}`} onClick={() => deeds.edit(write, field)} />}
        {deeds && first && write.state !== "blocked" && (out
          ? <IconButton icon="sync" label={`Put ${name} back`} onClick={() => deeds.restore(write)} />
          : <IconButton icon="close" label={`Take ${name} out`} onClick={() => deeds.reject(write)} />)}
      </span>
    </>
  );
}

function Writes({ writes, whole, connection, deeds }: { writes: PlannedWrite[]; whole: boolean; connection: Connection | undefined; deeds: Deeds | null }) {
  const [group, setGroup] = useState("");
  const [field, setField] = useState("");
  const box = useRef<HTMLDivElement>(null);
  const groups = [...new Set(writes.map(groupOf))];
  const fields = [...new Set(writes.flatMap((write) => Object.keys(write.set ?? {})))].sort();
  const lines = linesOf(writes, group, field);
  const list = useVirtualizer({ count: lines.length, getScrollElement: () => box.current, estimateSize: () => 30, overscan: 10 });
  return (
    <>
      <div className="plan-filter">
        <div className="chips" role="group" aria-label="Kind of write">
          <button type="button" className="chip" aria-pressed={!group} onClick={() => setGroup("")}>All {count(writes.length)}{whole ? "" : "+"}</button>
          {groups.map((one) => <button key={one} type="button" className="chip" aria-pressed={group === one} onClick={() => setGroup(one)}>{one} {count(writes.filter((write) => groupOf(write) === one).length)}</button>)}
        </div>
        <select aria-label="Field" value={field} onChange={(event) => setField(event.target.value)}>
          <option value="">every field</option>
          {fields.map((one) => <option key={one}>{one}</option>)}
        </select>
      </div>
      <div className="plan-head" aria-hidden="true"><span>Record</span><span>Field</span><span>Now</span><span>Will be</span><span /></div>
      <div ref={box} className="plan-list" tabIndex={0} role="list" aria-label="Planned writes">
        <div style={{ height: list.getTotalSize(), position: "relative" }} role="presentation">
          {list.getVirtualItems().map((item) => {
            const line = lines[item.index];
            return line && (
              <div key={item.key} role="listitem" className={`plan-line ${line.first ? "first" : ""} ${line.write.state}`} style={{ transform: `translateY(${item.start}px)` }}>
                <LineView line={line} connection={connection} deeds={deeds} />
              </div>
            );
          })}
        </div>
      </div>
    </>
  );
}

function linePath(plan: Plan, write: PlannedWrite): string {
  return `/plans/${plan.id}/writes/${write.column_id}/${write.row_id}`;
}

function RejectLine({ plan, write, onClose }: { plan: Plan; write: PlannedWrite; onClose: () => void }) {
  const [reason, setReason] = useState("");
  return (
    <Confirm title="Take this write out?" deed="Take out" ready={!!reason.trim()} onClose={onClose} run={async () => {
      await put(linePath(plan, write), { deed: "reject", reason: reason.trim() });
      invalidate("/plans");
    }}>
      <p>{write.kind} {write.object} {write.target ?? ""}: it is not made, and its cell says why.</p>
      <TextField label="Why *" value={reason} onChange={setReason} autoFocus />
    </Confirm>
  );
}

function EditLine({ plan, write, field, onClose }: { plan: Plan; write: PlannedWrite; field: string; onClose: () => void }) {
  const now = write.set?.[field];
  const [value, setValue] = useState(now === null || now === undefined ? "" : String(now));
  return (
    <Confirm title={`${field}: write something else`} deed="Change" onClose={onClose} run={async () => {
      await put(linePath(plan, write), { deed: "edit", set: { [field]: value === "" ? null : value } });
      invalidate("/plans");
    }}>
      <p>It is checked as a row's value is. Only this write changes; the row and the column stay as they are.</p>
      <TextField label={field} value={value} onChange={setValue} autoFocus />
    </Confirm>
  );
}

function RejectPlan({ plan, onClose }: { plan: Plan; onClose: () => void }) {
  const [reason, setReason] = useState("");
  return (
    <Confirm title={`Reject plan ${plan.id}?`} deed="Reject" danger ready={!!reason.trim()} onClose={onClose} run={async () => {
      await post(`/plans/${plan.id}/decision`, { approve: false, reason: reason.trim() });
      invalidate("/plans", "/runs");
      note("Rejected; nothing was sent.");
    }}>
      <p>Nothing of it is written. Whoever asked for it sees your reason.</p>
      <TextField label="Why *" value={reason} onChange={setReason} autoFocus />
    </Confirm>
  );
}

async function approve(plan: Plan): Promise<void> {
  if (plan.state === "waiting") await post<Plan>(`/plans/${plan.id}/decision`, { approve: true });
  const run = await post<Run>(`/plans/${plan.id}/apply`);
  invalidate("/runs", "/plans");
  note(`Run ${run.id} began.`);
  go(`/runs/${run.id}`);
}

/** The buttons that end the waiting. */
export function PlanDeeds({ plan, connection, onClose }: { plan: Plan; connection: Connection | undefined; onClose?: () => void }) {
  const [busy, setBusy] = useState(false);
  const [rejecting, setRejecting] = useState(false);
  const bar = useBar("builder");
  const open = plan.state === "waiting" || plan.state === "approved";
  const act = () => {
    setBusy(true);
    attempt(approve(plan).finally(() => setBusy(false)));
  };
  return (
    <>
      <span className="muted">{open ? "Nothing has been sent." : ""}</span>
      <span className="spring" />
      {onClose && <Button onClick={onClose}>Close</Button>}
      {plan.state === "waiting" && <Button bar={bar} onClick={() => setRejecting(true)}>Reject…</Button>}
      {open && <Button look="primary" bar={bar} busy={busy} disabled={!plan.writes} onClick={act}>
        {plan.state === "waiting" ? "Approve" : "Apply"} {plural(plan.writes, "write")} to {connection ? environmentWord(connection).toLowerCase() : "the org"}
      </Button>}
      {rejecting && <RejectPlan plan={plan} onClose={() => setRejecting(false)} />}
    </>
  );
}

function Decided({ plan }: { plan: Plan }): ReactNode {
  if (plan.state === "waiting" || plan.state === "being made") return null;
  return (
    <p className="statement">
      {plan.state} by <strong>{plan.decided_by ?? "–"}</strong> <Time at={plan.decided} />{plan.reason ? `: ${plan.reason}` : ""}
      {plan.applied_run && <> · <Link to={`/runs/${plan.applied_run}`}>run {plan.applied_run}</Link> wrote it</>}
    </p>
  );
}

export function PlanReview({ plan, connection }: { plan: Plan; connection: Connection | undefined }) {
  const { writes, whole, cut, error } = usePlanWrites(plan);
  const [rejecting, setRejecting] = useState<PlannedWrite | null>(null);
  const [editing, setEditing] = useState<{ write: PlannedWrite; field: string } | null>(null);
  const bar = useBar("builder");
  const deeds: Deeds | null = plan.state !== "waiting" || bar ? null : {
    reject: setRejecting,
    edit: (write, field) => setEditing({ write, field }),
    restore: (write) => attempt(put(linePath(plan, write), { deed: "restore" }).then(() => invalidate("/plans"))),
  };
  const where = connection ? `${orgName(connection)} (${environmentWord(connection).toLowerCase()})` : "the org";
  const all = plan.writes + plan.rejected + plan.blocked;
  return (
    <>
      <Decided plan={plan} />
      {!all && <Empty icon="check" title="Nothing to change">Every row that was looked at is equal already, skipped, or refused. The cells say which.</Empty>}
      {all > 0 && (
        <>
          <p>
            This would change <strong>{plural(plan.writes, "record")}</strong> in <strong>{where}</strong>
            {plan.blocked > 0 && <>; <span className="tone-warn">{count(plan.blocked)} blocked</span></>}
            {plan.rejected > 0 && <>; {count(plan.rejected)} taken out</>}
            {plan.edited > 0 && <>; {count(plan.edited)} edited</>}.
            {" "}It can be undone afterwards; e-mails or flows that it triggers in Salesforce cannot be recalled.
          </p>
          {cut && <p className="tone-warn">The first {count(writes.length)} of {count(all)} are listed; all are counted, and all are approved with the plan.</p>}
          <ErrorBox error={error} />
          {!writes.length && !error && <Loading />}
          {writes.length > 0 && <Writes writes={writes} whole={whole || cut} connection={connection} deeds={deeds} />}
        </>
      )}
      {rejecting && <RejectLine plan={plan} write={rejecting} onClose={() => setRejecting(null)} />}
      {editing && <EditLine plan={plan} {...editing} onClose={() => setEditing(null)} />}
    </>
  );
}
