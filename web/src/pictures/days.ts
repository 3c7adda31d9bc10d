// Runs counted by day, for pictures and for the tables beside them: the same numbers.
import type { Run, Table } from "../api/types";

export const DAYS = 14;
export const RUNS_ASKED = 500;
const DAY_MS = 86_400_000;

export interface Day {
  day: string; // UTC, 2026-11-28
  calls: number;
  byTable: Map<string, number>;
  ended: Map<string, number>; // state -> runs
  runs: number;
}

export function daysOf(runs: Run[], tables: Table[]): Day[] {
  const days = new Map<string, Day>();
  for (let back = DAYS - 1; back >= 0; back--) {
    const day = new Date(Date.now() - back * DAY_MS).toISOString().slice(0, 10);
    days.set(day, { day, calls: 0, byTable: new Map(), ended: new Map(), runs: 0 });
  }
  const names = new Map(tables.map((table) => [table.id, table.name]));
  for (const run of runs) {
    const day = days.get((run.started ?? run.queued ?? "").slice(0, 10));
    if (!day) continue;
    const calls = typeof run.report?.["calls"] === "number" ? run.report["calls"] : 0;
    const name = names.get(run.table_id) ?? "(deleted)";
    day.runs++;
    day.calls += calls;
    day.byTable.set(name, (day.byTable.get(name) ?? 0) + calls);
    day.ended.set(run.state, (day.ended.get(run.state) ?? 0) + 1);
  }
  return [...days.values()];
}

/** What today's calls come to at 24:00 UTC when they go on as they did; null while the day is too young to say. */
export function forecast(days: Day[], now = Date.now()): number | null {
  const today = days.at(-1);
  const gone = (now % DAY_MS) / DAY_MS;
  if (!today || gone < 1 / 24) return null;
  return Math.round(today.calls / gone);
}
