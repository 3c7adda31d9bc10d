// What the table was at each change of structure or settings: looked at, compared with
// now, and made so again; values stay.
import { useState } from "react";
import { invalidate, useAnswer } from "../api/cache";
import { post, seg } from "../api/client";
import type { Table, TableVersion } from "../api/types";
import { useBar } from "../app/session";
import { Confirm, note } from "../ui/Dialog";
import { compareLines } from "../ui/lines";
import { Panel } from "../ui/Panel";
import { Button, ErrorBox, Loading, Time } from "../ui/parts";
import type { Applied } from "./recipe";

const MARKS = { same: " ", gone: "−", new: "+" };

function Compare({ then, now }: { then: string; now: string }) {
  const lines = compareLines(then, now);
  if (lines.every((line) => line.kind === "same")) return <p className="muted">Its recipe is what holds now.</p>;
  return (
    <>
      <p className="muted small">From that version to now: <del>gone</del>, <ins>come</ins>.</p>
      <pre className="code compare" tabIndex={0} role="region" aria-label="What changed since">
        {lines.map((line, at) => {
          const text = `${MARKS[line.kind]} ${line.text}\n`;
          return line.kind === "same" ? <span key={at}>{text}</span> : line.kind === "gone" ? <del key={at}>{text}</del> : <ins key={at}>{text}</ins>;
        })}
      </pre>
    </>
  );
}

function Restore({ table, version, onClose }: { table: Table; version: number; onClose: () => void }) {
  const [checked, setChecked] = useState<Applied | null>(null);
  const path = `/tables/${seg(table.name)}/versions/${version}/restore`;
  return (
    <Confirm title={`Make ${table.name} what it was at version ${version}?`} deed={checked ? "Restore" : "See what would change"} keep={!checked} onClose={onClose} run={async () => {
      if (!checked) return setChecked(await post<Applied>(path, { dry_run: true }));
      await post(path, {});
      invalidate("/tables", "/schedules");
      note(`${table.name} is what it was at version ${version}.`);
    }}>
      {!checked && <p>Columns, sources and settings become what they were. Nothing is written to Salesforce, and it is a new version itself: it can be taken back.</p>}
      {checked && !checked.changes.length && <p>Nothing would change.</p>}
      {checked && <ul className="plain">{checked.changes.map((line, at) => <li key={at}>{line}</li>)}</ul>}
    </Confirm>
  );
}

function Details({ table, version, newest }: { table: Table; version: number; newest: boolean }) {
  const then = useAnswer<TableVersion>(`/tables/${seg(table.name)}/versions/${version}`);
  const now = useAnswer<{ recipe: string }>(`/tables/${seg(table.name)}/recipe`);
  const [restoring, setRestoring] = useState(false);
  const bar = useBar("builder");
  if (then.error) return <ErrorBox error={then.error} />;
  if (!then.data || !now.data) return <Loading />;
  return (
    <div className="version-details">
      <Compare then={then.data.recipe ?? ""} now={now.data.recipe} />
      {!newest && <Button bar={bar} onClick={() => setRestoring(true)}>Restore version {version}…</Button>}
      {restoring && <Restore table={table} version={version} onClose={() => setRestoring(false)} />}
    </div>
  );
}

export function VersionsPanel({ table, onClose }: { table: Table; onClose: () => void }) {
  const [before, setBefore] = useState<number[]>([]);
  const [open, setOpen] = useState<number | null>(null);
  return (
    <Panel least={540} title="Versions" sub={`${table.name}: each change of its columns, sources and settings`} onClose={onClose}>
      {[null, ...before].map((from, at, all) => (
        <VersionPage key={from ?? 0} table={table} before={from} open={open} onOpen={setOpen} onMore={at === all.length - 1 ? (next) => setBefore([...before, next]) : null} />
      ))}
    </Panel>
  );
}

function VersionPage({ table, before, open, onOpen, onMore }: { table: Table; before: number | null; open: number | null; onOpen: (version: number | null) => void; onMore: ((next: number) => void) | null }) {
  const answer = useAnswer<{ versions: TableVersion[]; next: number | null }>(`/tables/${seg(table.name)}/versions${before ? `?before=${before}` : ""}`);
  if (answer.error) return <ErrorBox error={answer.error} />;
  if (!answer.data) return <Loading />;
  const { versions, next } = answer.data;
  return (
    <>
      <ol className="why versions">
        {versions.map((version, at) => {
          const newest = before === null && at === 0;
          return (
            <li key={version.number}>
              <button type="button" className="link" aria-expanded={open === version.number} onClick={() => onOpen(open === version.number ? null : version.number)}>Version {version.number}{newest ? ", now" : ""}</button>
              <p className="muted small"><Time at={version.at} /> {version.who}{version.note ? ` · ${version.note}` : ""}</p>
              {open === version.number && <Details table={table} version={version.number} newest={newest} />}
            </li>
          );
        })}
      </ol>
      {next !== null && onMore && <Button look="quiet" onClick={() => onMore(next)}>Older versions</Button>}
    </>
  );
}
