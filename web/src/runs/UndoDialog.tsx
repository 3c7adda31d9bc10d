// Taking back what a run wrote: first, from the org as it is now, what would happen.
import { useState } from "react";
import { invalidate, useAnswer } from "../api/cache";
import { post } from "../api/client";
import type { Connection, Run, UndoLine, UndoPreview } from "../api/types";
import { go } from "../app/router";
import { Dialog, note } from "../ui/Dialog";
import { environmentWord, orgName } from "../ui/Environment";
import { Button, ErrorBox, Loading } from "../ui/parts";
import { count, plural } from "../ui/time";
import { RecordId, show } from "../journal/OperationCard";

const WORDS: [string, string][] = [["restore", "Restore"], ["delete", "Delete (we created it)"], ["already so", "Already as before"], ["changed since", "Leave: changed since"], ["kept", "Leave: created by the run"], ["gone", "Leave: gone"], ["cannot", "Cannot be taken back"]];

function Lines({ lines, connection }: { lines: UndoLine[]; connection: Connection | undefined }) {
  return (
    <div className="undo-lines" tabIndex={0} role="region" aria-label="What would be taken back">
      <table className="list dense">
        <thead><tr><th scope="col">What</th><th scope="col">Record</th><th scope="col">Field</th><th scope="col">Now</th><th scope="col">Back to</th></tr></thead>
        <tbody>
          {lines.map((line, at) => (
            <tr key={at}>
              <td className={line.verdict === "restore" || line.verdict === "delete" ? "" : "muted"}>{line.verdict}{line.reason ? `: ${line.reason}` : ""}</td>
              <td><RecordId id={line.record_id} connection={connection} /></td>
              <td>{line.field}</td>
              <td>{line.field && (line.verdict === "restore" ? <del>{show(line.now)}</del> : show(line.now))}</td>
              <td>{line.field && line.verdict === "restore" ? <ins>{show(line.before)}</ins> : ""}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

export function UndoDialog({ run, connection, onClose }: { run: Run; connection: Connection | undefined; onClose: () => void }) {
  const [created, setCreated] = useState(false);
  const [busy, setBusy] = useState(false);
  const [problem, setProblem] = useState<unknown>(null);
  const answer = useAnswer<UndoPreview>(`/runs/${run.id}/undo?limit=500${created ? "&delete_created=true" : ""}`);
  const look = answer.data;
  const writes = (look?.counts["restore"] ?? 0) + (look?.counts["delete"] ?? 0);
  const begin = () => {
    setBusy(true);
    post<Run>(`/runs/${run.id}/undo`, { delete_created: created }).then((undo) => {
      invalidate("/runs");
      note(`Run ${undo.id} takes run ${run.id} back.`);
      onClose();
      go(`/runs/${undo.id}`);
    }, (wrong: unknown) => {
      setProblem(wrong);
      setBusy(false);
    });
  };
  return (
    <Dialog wide title={`Undo run ${run.id}`} onClose={onClose}>
      <ErrorBox error={answer.error ?? problem} />
      {!look && !answer.error && <><p>Asking Salesforce what these records hold now…</p><Loading /></>}
      {look && (
        <>
          <ul className="undo-counts">{WORDS.filter(([verdict]) => look.counts[verdict]).map(([verdict, words]) => <li key={verdict}><strong className="numeric">{count(look.counts[verdict] ?? 0)}</strong> {words}</li>)}</ul>
          {!writes && <p>Nothing left to restore.</p>}
          <p className="muted">A field that somebody changed since stays theirs. E-mails and flows that the run triggered are not taken back. The undo is a run of its own and can be undone.</p>
          <label className="check"><input type="checkbox" checked={created} onChange={(event) => setCreated(event.target.checked)} /> Also delete records that the run created and nobody else touched</label>
          <Lines lines={look.lines} connection={connection} />
          {look.more && <p className="muted">The first {count(look.lines.length)} lines; all are counted.</p>}
        </>
      )}
      <div className="actions end">
        <Button onClick={onClose}>Cancel</Button>
        <Button look="danger" busy={busy} disabled={!writes} onClick={begin}>Undo {plural(writes, "write")}{connection ? ` in ${orgName(connection)} (${environmentWord(connection).toLowerCase()})` : ""}</Button>
      </div>
    </Dialog>
  );
}
