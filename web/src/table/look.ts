// How the table is looked at, kept in the address: view, filter, search, sort.
import type { SortOf } from "../grid/Head";
import type { Look } from "../grid/cache";
import type { Table, View } from "../api/types";

export interface Condition {
  column: string;
  is: string; // a test's name, "state", or a denied test
  value: string;
}
export const TESTS: { is: string; label: string; values: 0 | 1 | 2 }[] = [
  { is: "contains", label: "contains", values: 1 },
  { is: "contains not", label: "contains not", values: 1 },
  { is: "is", label: "is", values: 1 },
  { is: "is not", label: "is not", values: 1 },
  { is: "empty", label: "is empty", values: 0 },
  { is: "not empty", label: "is not empty", values: 0 },
  { is: "starts with", label: "starts with", values: 1 },
  { is: "ends with", label: "ends with", values: 1 },
  { is: "one of", label: "is one of (commas)", values: 1 },
  { is: "more than", label: "is more than / after", values: 1 },
  { is: "at least", label: "is at least", values: 1 },
  { is: "less than", label: "is less than / before", values: 1 },
  { is: "at most", label: "is at most", values: 1 },
  { is: "between", label: "is between (A, B)", values: 2 },
  { is: "state", label: "has the state", values: 1 },
];

/** As the server takes it; null when nothing is asked. */
export function filterText(conditions: Condition[]): string | null {
  const whole = conditions.filter((one) => one.column && (one.value !== "" || (TESTS.find((test) => test.is === one.is)?.values ?? 1) === 0));
  if (!whole.length) return null;
  return JSON.stringify({ all: whole.map(toJson) });
}
function toJson(one: Condition): unknown {
  const list = () => one.value.split(",").map((part) => part.trim()).filter(Boolean);
  if (one.is === "state") return { column: one.column, state: list() };
  if (one.is === "one of" || one.is === "between") return { column: one.column, is: one.is, value: list() };
  if (one.is === "empty" || one.is === "not empty") return { column: one.column, is: one.is };
  return { column: one.column, is: one.is, value: one.value };
}

interface WireTest {
  column?: string;
  is?: string;
  value?: string | number | string[];
  state?: string[];
}
/** Back from the address; null when it holds more than this editor can show. */
export function conditionsOf(text: string | null): Condition[] | null {
  if (!text) return [];
  try {
    const json = JSON.parse(text) as { all?: WireTest[] };
    if (!Array.isArray(json.all)) return null;
    return json.all.map((test) => {
      if (!test.column) throw new Error("a group");
      if (test.state) return { column: test.column, is: "state", value: test.state.join(", ") };
      const value = Array.isArray(test.value) ? test.value.join(", ") : String(test.value ?? "");
      return { column: test.column, is: test.is ?? "is", value };
    });
  } catch {
    return null;
  }
}

export function sortsOf(text: string | null, view: View | undefined): SortOf[] {
  if (text) {
    try {
      return (JSON.parse(text) as { column: string; descending?: boolean }[]).map((one) => ({ name: one.column, descending: !!one.descending }));
    } catch {
      return [];
    }
  }
  return (view?.config?.sorts ?? []).map((one) => ({ name: one.column, descending: !!one.descending }));
}
export function sortText(sorts: SortOf[]): string | null {
  return sorts.length ? JSON.stringify(sorts.map((one) => ({ column: one.name, descending: one.descending }))) : null;
}
/** A click on a column: up, down, not at all. */
export function nextSort(sorts: SortOf[], name: string): SortOf[] {
  const now = sorts.length === 1 && sorts[0]?.name === name ? sorts[0] : null;
  if (!now) return [{ name, descending: false }];
  return now.descending ? [] : [{ name, descending: true }];
}

export function lookOf(table: Table, query: URLSearchParams): Look {
  return { table: table.name, view: query.get("view"), filter: query.get("filter"), search: query.get("search"), sort: query.get("sort") };
}
