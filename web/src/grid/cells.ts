// What a cell says: its text, its state, how it is aligned. Values come as text from
// the server and stay text; nothing here makes HTML.
import type { Column, WireCell } from "../api/types";
import { stateLook } from "../ui/states";
import { fullTime } from "../ui/time";

export interface CellLook {
  text: string;
  /** null: plain, no mark. */
  state: string | null;
  tone: string;
  icon: string;
  muted: boolean;
}

const NUMERIC = new Set(["number", "currency", "percent", "integer"]);
const LONGEST = 300; // more never fits a cell

export function isNumeric(type: string): boolean {
  return NUMERIC.has(type);
}

/** The parts of a structured value, for one line. */
function shortJson(text: string): string {
  try {
    const value: unknown = JSON.parse(text);
    if (Array.isArray(value)) return value.length === 1 ? shortValue(value[0]) : `${value.length} items`;
    return shortValue(value);
  } catch {
    return text;
  }
}
function shortValue(value: unknown): string {
  if (value === null || typeof value !== "object") return String(value ?? "");
  const parts = Object.values(value).filter((part) => part !== null && typeof part !== "object" && part !== "");
  return parts.length ? parts.slice(0, 4).join(" · ") : "{…}";
}

export function valueText(value: string | null, type: string): string {
  if (value === null) return "";
  if (type === "json") return shortJson(value).slice(0, LONGEST);
  if (type === "checkbox") return value === "true" ? "✓" : "–";
  if (type === "datetime" && /^\d{4}-\d\d-\d\dT/.test(value)) {
    const at = Date.parse(value);
    if (!Number.isNaN(at)) return fullTime(new Date(at).toISOString());
  }
  return value.length > LONGEST ? value.slice(0, LONGEST) : value;
}

const PLAIN: Pick<CellLook, "state" | "tone" | "icon" | "muted"> = { state: null, tone: "", icon: "", muted: false };
const WORD_ONLY = new Set(["due", "queued", "running", "waiting", "skipped"]);

export function cellLook(cell: WireCell | undefined, column: Pick<Column, "type">): CellLook {
  if (cell === undefined) return { ...PLAIN, text: "" };
  if (cell === null || typeof cell === "string") return { ...PLAIN, text: valueText(cell, column.type) };
  const text = valueText(cell.v, column.type);
  if (!cell.s) return { ...PLAIN, text };
  const look = stateLook(cell.s);
  const said = text || (cell.m && !WORD_ONLY.has(cell.s) ? cell.m : look.word);
  return { text: said, state: cell.s, tone: look.tone, icon: look.icon, muted: !text };
}

export function cellValue(cell: WireCell | undefined): string | null {
  if (cell === undefined || cell === null || typeof cell === "string") return cell ?? null;
  return cell.v;
}
