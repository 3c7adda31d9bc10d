// Where the rows come from, how often they are read, which rows could not be taken.
import { useState } from "react";
import { invalidate, useAnswer } from "../api/cache";
import { get, post, seg } from "../api/client";
import type { Scheduled, Source, Table } from "../api/types";
import { useBar } from "../app/session";
import { attempt, note } from "../ui/Dialog";
import { Panel } from "../ui/Panel";
import { Button, Copy, ErrorBox, TextField, Time } from "../ui/parts";
import { count, plural } from "../ui/time";
import { UploadButton } from "../tables/Upload";
import { Icon } from "../ui/icons";
import { quietText } from "./Gates";
import { applyRecipe } from "./recipe";

interface Reject {
  at: number;
  code: string | null;
  message: string | null;
}

async function setEvery(table: Table, source: Source, every: string): Promise<void> {
  const { parseDocument } = await import("yaml");
  const { recipe } = await get<{ recipe: string }>(`/tables/${seg(table.name)}/recipe`);
  const document = parseDocument(recipe);
  const list = document.get("sources");
  const at = table.sources.indexOf(source);
  if (list) document.setIn(["sources", at, "every"], every);
  else document.setIn(["source", "every"], every);
  await applyRecipe(document.toString({ lineWidth: 120 }), table.connection);
}

function SourceCard({ table, source, schedule }: { table: Table; source: Source; schedule: Scheduled | undefined }) {
  const rejects = useAnswer<{ rejects: Reject[] }>(`/tables/${seg(table.name)}/sources/${seg(source.name)}/rejects`);
  const [every, setText] = useState(schedule?.every ?? "");
  const [problem, setProblem] = useState<unknown>(null);
  const builder = useBar("builder");
  const runner = useBar("runner");
  const file = source.kind === "csv";
  const hook = source.kind === "webhook";
  return (
    <section className="card">
      <h3>{source.name} <span className="muted small">{source.kind.replaceAll("_", " ")}{source.object ? ` · ${source.object}` : ""}</span></h3>
      <dl className="facts">
        <div><dt>Rows</dt><dd>{count(source.row_count)}</dd></div>
        <div><dt>Next</dt><dd><Time at={schedule?.next} none="by hand" /></dd></div>
        <div><dt>Last by schedule</dt><dd><Time at={schedule?.last} none="never" /></dd></div>
        {!!schedule?.missed && <div><dt>Missed</dt><dd>{plural(schedule.missed, "time")} while nobody was there</dd></div>}
      </dl>
      {schedule?.problem && <p className="tone-err">{schedule.problem}</p>}
      {!file && !hook && (
        <form className="inline" onSubmit={(event) => {
          event.preventDefault();
          setProblem(null);
          setEvery(table, source, every).then(() => note("The schedule is changed."), setProblem);
        }}>
          <TextField label="Read every" value={every} onChange={setText} placeholder="24h" help="manual, 15m, 1h, 24h, daily at 06:00 Europe/Berlin, cron &quot;0 6 * * 1-5&quot;" />
          <Button type="submit" bar={builder}>Save</Button>
        </form>
      )}
      <ErrorBox error={problem} />
      <div className="actions">
        {file ? <UploadButton table={table.name} source={source.name} bar={runner} /> : hook ? <HookKey table={table} source={source} /> : (
          <>
            <Button icon="sync" bar={runner} onClick={() => attempt(post(`/tables/${seg(table.name)}/syncs`, { source: source.name }).then(() => invalidate("/runs")), "Reading what changed.")}>Read what changed</Button>
            <Button bar={runner} onClick={() => attempt(post(`/tables/${seg(table.name)}/syncs`, { source: source.name, full: true }).then(() => invalidate("/runs")), "Reading everything again.")}>Read everything</Button>
          </>
        )}
      </div>
      {!!rejects.data?.rejects.length && (
        <details>
          <summary className="tone-warn">{plural(rejects.data.rejects.length, "row")} could not be taken</summary>
          <ul className="plain">{rejects.data.rejects.slice(0, 100).map((one) => <li key={one.at}><code>line {one.at}</code> {one.message}</li>)}</ul>
        </details>
      )}
    </section>
  );
}

/** Where others send rows to; the key is shown once. */
function HookKey({ table, source }: { table: Table; source: Source }) {
  const [key, setKey] = useState<string | null>(null);
  const [problem, setProblem] = useState<unknown>(null);
  const bar = useBar("builder");
  const address = `${window.location.origin}/api/v1/hooks/${encodeURIComponent(table.name)}/${encodeURIComponent(source.name)}`;
  return (
    <div>
      <p className="small">Send a JSON object, or a list of some, with <code>Authorization: Bearer KEY</code> to:</p>
      <pre className="code wrap">{address}</pre>
      <div className="actions">
        <Copy text={address} label="Copy the address" />
        <Button icon="key" bar={bar} onClick={() => void post<{ key: string }>(`/tables/${seg(table.name)}/sources/${seg(source.name)}/key`).then((made) => setKey(made.key), setProblem)}>New key</Button>
      </div>
      {key && <><p className="small">The key is shown only now; an earlier one has ended.</p><pre className="code wrap">{key}</pre><Copy text={key} /></>}
      <ErrorBox error={problem} />
    </div>
  );
}

export function SourcesPanel({ table, onClose }: { table: Table; onClose: () => void }) {
  const schedules = useAnswer<{ schedules: Scheduled[] }>("/schedules");
  const quiet = quietText(table);
  return (
    <Panel title="Schedule and sources" sub={table.name} onClose={onClose}>
      <ErrorBox error={schedules.error} />
      {quiet && <p><Icon name="clock" /> <strong>Quiet hours {quiet}.</strong> Nothing is sent to Salesforce by itself then; a run that a person asks for goes.</p>}
      {schedules.data && table.sources.map((source) => (
        <SourceCard key={source.id} table={table} source={source} schedule={schedules.data?.schedules.find((one) => one.table_id === table.id && one.source === source.name)} />
      ))}
    </Panel>
  );
}
