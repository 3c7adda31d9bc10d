// When a column runs, beside its condition: what it needs first, how long it waits, and how
// often it runs by itself although nothing has changed.
import type { ColumnRules } from "../api/types";
import { SelectField, TextField } from "../ui/parts";
import type { RecipeValue } from "./recipe";

export interface Times {
  required: string;
  delay: string;
  every: string;
  rows: string;
}

const UNITS: [string, number][] = [["h", 3600_000], ["m", 60_000], ["s", 1000]];
const ROWS = [
  { value: "all", label: "all rows, again" },
  { value: "due", label: "what is due or out of date" },
  { value: "empty", label: "what is empty" },
  { value: "errors", label: "what failed" },
];

function spell(ms: number): string {
  const [unit, size] = UNITS.find(([, one]) => ms % one === 0) ?? ["s", 1000];
  return `${ms / size}${unit}`;
}
export function timesOf(rules: ColumnRules | null | undefined): Times {
  return {
    required: (rules?.required ?? []).join(", "),
    delay: rules?.delay_ms ? spell(rules.delay_ms) : "",
    every: rules?.schedule?.every ?? "",
    rows: rules?.schedule?.rows ?? "all",
  };
}
/** The keys of the recipe that say the same. */
export function timesEntry(times: Times): Record<string, RecipeValue> {
  const required = times.required.split(",").map((name) => name.trim()).filter((name) => name);
  const every = times.every.trim();
  return {
    ...(required.length ? { required } : {}),
    ...(times.delay.trim() ? { delay: times.delay.trim() } : {}),
    ...(every ? { schedule: times.rows === "all" ? every : { every, rows: times.rows } } : {}),
  };
}

export function ColumnTimes({ times, onChange }: { times: Times; onChange: (times: Times) => void }) {
  const set = (key: keyof Times) => (value: string) => onChange({ ...times, [key]: value });
  return (
    <details open={!!(times.required || times.delay || times.every)}>
      <summary>When it runs</summary>
      <TextField label="Needs first" value={times.required} onChange={set("required")} help="Columns, with commas: rows in which one of them is blank wait." />
      <TextField label="Delay" value={times.delay} onChange={set("delay")} placeholder="none" help="30s, 10m, 2h: a cell is computed so long after it became due." />
      <TextField label="Schedule" value={times.every} onChange={set("every")} placeholder="only when something changes" help="7d, daily at 06:00 Europe/Berlin: it runs by itself then, changed or not, while the table's auto-update is on." />
      {times.every.trim() && <SelectField label="The schedule runs" value={times.rows} onChange={set("rows")} options={ROWS} />}
    </details>
  );
}
