// What is going on in this table right now, with a way to stop it.
import { useEffect, useState } from "react";
import { invalidate, useAnswer } from "../api/cache";
import { listen } from "../api/events";
import { post, seg } from "../api/client";
import type { Progress, Run, Table } from "../api/types";
import { Link } from "../app/Link";
import { useBar } from "../app/session";
import { attempt } from "../ui/Dialog";
import { Bar, Button } from "../ui/parts";
import { count } from "../ui/time";

const ESTIMATE_AFTER_S = 10;

/** Rate and what is left, once the run is old enough for both to mean something. */
export function leftText(progress: Progress): string {
  if (!progress.began || Date.now() - Date.parse(progress.began) < ESTIMATE_AFTER_S * 1000) return "";
  const said = [];
  if (progress.rate !== null) said.push(`${count(Math.round(progress.rate))} rows a second`);
  if (progress.left_ms !== null) said.push(progress.left_ms < 90_000 ? `${Math.ceil(progress.left_ms / 1000)} s left` : `${Math.ceil(progress.left_ms / 60_000)} min left`);
  return said.length ? `· ${said.join(" · ")}` : "";
}

export function useProgress(run: Run | undefined): Progress | null {
  const [live, setLive] = useState<{ id: number; progress: Progress | null } | null>(null);
  const id = run?.id;
  useEffect(() => listen("run", (event) => {
    if (event.run_id === id) setLive({ id: event.run_id, progress: event.progress });
  }), [id]);
  return (live && live.id === id ? live.progress : null) ?? run?.progress ?? null;
}

export function RunStrip({ table }: { table: Table }) {
  const runs = useAnswer<{ runs: Run[] }>(`/runs?table=${seg(table.name)}&limit=5`);
  const run = runs.data?.runs.find((one) => one.state === "running" || one.state === "queued");
  const progress = useProgress(run);
  const bar = useBar("runner");
  if (!run) return null;
  return (
    <div className="run-strip" role="status">
      <Link to={`/runs/${run.id}`} className="strong">{run.kind === "sync" ? "Sync" : "Run"} {run.id}</Link>
      <span>{run.state === "queued" ? "waits for its turn" : progress?.what ?? "begins"}</span>
      <Bar done={progress?.done ?? 0} total={progress?.total ?? null} label="Rows settled" />
      <span className="numeric">
        {progress ? `${count(progress.done)}${progress.total ? ` of ${count(progress.total)}` : ""}` : ""}
        {progress?.calls ? ` · ${count(progress.calls)} API calls` : ""}
        {progress ? ` ${leftText(progress)}` : ""}
      </span>
      <Button icon="stop" bar={bar} onClick={() => attempt(post(`/runs/${run.id}/stop`).then(() => invalidate("/runs")), "Stops at the next batch. What was sent cannot be recalled.")}>Stop</Button>
    </div>
  );
}
