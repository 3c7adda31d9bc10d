// One row for each value of a column: what it would merge is shown before it holds; what
// was merged is listed and comes back.
import { useState } from "react";
import { invalidate, useAnswer } from "../api/cache";
import { post, seg, withQuery } from "../api/client";
import type { DedupePreview, MergedRow, Table } from "../api/types";
import { useBar } from "../app/session";
import { attempt, Confirm, note } from "../ui/Dialog";
import { Panel } from "../ui/Panel";
import { Button, ErrorBox, Loading, SelectField, Time } from "../ui/parts";
import { count, plural } from "../ui/time";
import { changeSetting } from "./recipe";

const AS = [
  { value: "", label: "as its type says" },
  { value: "text", label: "text, without case, accents and extra space" },
  { value: "email", label: "e-mail address" },
  { value: "domain", label: "domain, without www." },
  { value: "phone", label: "phone number" },
];
const KEEP = [{ value: "oldest", label: "the oldest row" }, { value: "newest", label: "the newest row" }];

interface Rule {
  by: string;
  as: string;
  keep: string;
}

function Would({ table, rule }: { table: Table; rule: Rule }) {
  const answer = useAnswer<DedupePreview>(withQuery(`/tables/${seg(table.name)}/dedupe-preview`, { ...rule }));
  const found = answer.data;
  if (answer.error) return <ErrorBox error={answer.error} />;
  if (!found) return <Loading what="Looking for the same rows" />;
  return (
    <section aria-label="What it would merge" className="preview">
      <p><strong>{found.merged ? `${plural(found.merged, "row")} of ${count(found.rows)} would be merged into others.` : `No two of ${plural(found.rows, "row")} are the same.`}</strong></p>
      <p className="muted small">{plural(found.values, "different value")}{found.blank ? `; ${plural(found.blank, "row has", "rows have")} none and ${found.blank === 1 ? "stays" : "stay"}` : ""}.</p>
      {found.first.length > 0 && (
        <table className="list dense">
          <thead><tr><th scope="col">Value</th><th scope="col">Row that stays</th><th scope="col">Merged into it</th></tr></thead>
          <tbody>{found.first.map((same) => <tr key={same.row}><td>{same.value}</td><td><code>{same.key ?? same.row}</code></td><td>{count(same.others)}</td></tr>)}</tbody>
        </table>
      )}
    </section>
  );
}

function Merged({ table, bar }: { table: Table; bar: string | null }) {
  const path = `/tables/${seg(table.name)}/merged`;
  const [after, setAfter] = useState(0);
  const [all, setAll] = useState(false);
  const answer = useAnswer<{ merged: number; rows: MergedRow[]; next: number | null }>(withQuery(path, { after: after || null }));
  if (answer.error) return <ErrorBox error={answer.error} />;
  if (!answer.data) return <Loading />;
  const { merged, rows, next } = answer.data;
  const restore = async (which: string) => {
    const done = await post<{ restored: number }>(`${path}${which}/restore`);
    invalidate("/tables");
    note(`${plural(done.restored, "row is", "rows are")} back. ${done.restored === 1 ? "It stands" : "They stand"} apart as long as the value stays as it is.`);
  };
  return (
    <section aria-label="Merged rows" className="merged">
      <h3>{plural(merged, "row is", "rows are")} merged</h3>
      {!rows.length && <p className="muted">Nothing was merged.</p>}
      {rows.length > 0 && (
        <table className="list dense">
          <thead><tr><th scope="col">Row</th><th scope="col">Into</th><th scope="col">Same</th><th scope="col"><span className="visually-hidden">Deeds</span></th></tr></thead>
          <tbody>
            {rows.map((row) => (
              <tr key={row.row}>
                <td><code>{row.key ?? row.row}</code></td>
                <td><code>{row.into_key ?? "(gone)"}</code></td>
                <td>{row.same} <span className="muted small"><Time at={row.at} /></span></td>
                <td>{row.restored ? <span className="muted">restored</span> : <Button bar={bar} onClick={() => attempt(restore(`/${row.row}`))}>Restore</Button>}</td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
      <div className="actions">
        {after > 0 && <Button look="quiet" onClick={() => setAfter(0)}>From the beginning</Button>}
        {next !== null && <Button look="quiet" onClick={() => setAfter(next)}>More</Button>}
        {merged > 1 && <Button bar={bar} onClick={() => setAll(true)}>Restore all {count(merged)}…</Button>}
      </div>
      {all && (
        <Confirm title={`Restore all ${count(merged)} merged rows?`} deed={`Restore ${count(merged)}`} onClose={() => setAll(false)} run={() => restore("")}>
          <p>Each is a row of its own again, beside the one it was merged into, as long as its value stays as it is.</p>
        </Confirm>
      )}
    </section>
  );
}

export function DedupePanel({ table, onClose }: { table: Table; onClose: () => void }) {
  const held = table.rules?.auto_dedupe;
  const [rule, setRule] = useState<Rule>({ by: held?.by ?? "", as: held?.as ?? "", keep: held?.keep ?? "oldest" });
  const [busy, setBusy] = useState(false);
  const [problem, setProblem] = useState<unknown>(null);
  const bar = useBar("builder");
  const same = held && held.by === rule.by && (held.as ?? "") === rule.as && (held.keep ?? "oldest") === rule.keep;
  const save = (to: Rule | null) => {
    setBusy(true);
    setProblem(null);
    changeSetting(table, "auto_dedupe", to && { by: to.by, ...(to.as ? { as: to.as } : {}), keep: to.keep })
      .then(() => note(to ? `From now on there is one row for each ${to.by}.` : "Auto-dedupe is off. What was merged stays so until it is restored."), setProblem)
      .finally(() => setBusy(false));
  };
  return (
    <Panel least={540} title="Auto-dedupe" sub={held ? `${table.name}: one row for each ${held.by}` : `${table.name}: off`} onClose={onClose} foot={
      <>
        {held && <Button bar={bar} busy={busy} onClick={() => save(null)}>Turn off</Button>}
        <span className="spring" />
        <Button look="primary" bar={bar} busy={busy} disabled={!rule.by || !!same} onClick={() => save(rule)}>{held ? "Change the rule" : "Turn on"}</Button>
      </>
    }>
      <p className="muted">Rows with the same value in one column become one row. The others go out of sight, are kept up to date, and come back when you say so. Nothing in Salesforce is merged.</p>
      <SelectField label="One row for each" value={rule.by} onChange={(by) => setRule({ ...rule, by })} options={[{ value: "", label: "(choose a column)" }, ...table.columns.filter((one) => one.type !== "json").map((one) => ({ value: one.name, label: one.name }))]} />
      <SelectField label="Compared as" value={rule.as} onChange={(as) => setRule({ ...rule, as })} options={AS} />
      <SelectField label="What stays" value={rule.keep} onChange={(keep) => setRule({ ...rule, keep })} options={KEEP} />
      <ErrorBox error={problem} />
      {rule.by && !same && <Would table={table} rule={rule} />}
      <Merged table={table} bar={bar} />
    </Panel>
  );
}
