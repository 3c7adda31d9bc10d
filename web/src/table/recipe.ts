// A table is its recipe: adding, changing and deleting a column are changes of that
// text, which keep its comments. The server checks the whole against the org and applies
// it in one step or not at all.
import { invalidate } from "../api/cache";
import { get, post, seg } from "../api/client";
import type { Table } from "../api/types";

export type RecipeValue = string | number | boolean | null | RecipeValue[] | { [key: string]: RecipeValue };
export interface ColumnEntry {
  name: string;
  type?: string;
  only_run_if?: string;
  auto_update?: boolean;
  [kind: string]: RecipeValue | undefined;
}
export interface Applied {
  table: string;
  creates: boolean;
  changes: string[];
  applied: boolean;
}

export async function applyRecipe(recipe: string, connection: string | null, dryRun = false): Promise<Applied> {
  const answer = await post<Applied>("/recipes", { recipe, dry_run: dryRun, ...(connection ? { connection } : {}) });
  if (!dryRun) invalidate("/tables", "/schedules");
  return answer;
}

async function change(table: Table, edit: (columns: import("yaml").YAMLSeq, create: (value: unknown) => import("yaml").Node) => void): Promise<Applied> {
  const { parseDocument, YAMLSeq } = await import("yaml");
  const { recipe } = await get<{ recipe: string }>(`/tables/${seg(table.name)}/recipe`);
  const document = parseDocument(recipe);
  let columns = document.get("columns");
  if (!(columns instanceof YAMLSeq)) {
    columns = new YAMLSeq();
    document.set("columns", columns);
  }
  edit(columns as import("yaml").YAMLSeq, (value) => document.createNode(value) as import("yaml").Node);
  return applyRecipe(document.toString({ lineWidth: 120 }), table.connection);
}

function indexOf(columns: import("yaml").YAMLSeq, name: string): number {
  return columns.items.findIndex((item) => {
    const node = item as { get?: (key: string) => unknown };
    return node.get?.("name") === name;
  });
}

export function addColumn(table: Table, entry: ColumnEntry): Promise<Applied> {
  return change(table, (columns, create) => columns.add(create(entry)));
}
export function replaceColumn(table: Table, name: string, entry: ColumnEntry): Promise<Applied> {
  return change(table, (columns, create) => {
    const at = indexOf(columns, name);
    if (at < 0) throw new Error(`The recipe has no column ${name}; open the recipe to change it.`);
    columns.set(at, create(entry));
  });
}
export function deleteColumn(table: Table, name: string): Promise<Applied> {
  return change(table, (columns) => {
    const at = indexOf(columns, name);
    if (at < 0) throw new Error(`The recipe has no column ${name}; open the recipe to change it.`);
    columns.delete(at);
  });
}
/** A setting of the table itself (auto_dedupe, history, ...); null takes it away. */
export async function changeSetting(table: Table, key: string, value: RecipeValue): Promise<Applied> {
  const { parseDocument } = await import("yaml");
  const { recipe } = await get<{ recipe: string }>(`/tables/${seg(table.name)}/recipe`);
  const document = parseDocument(recipe);
  if (value === null) document.delete(key);
  else document.set(key, document.createNode(value));
  return applyRecipe(document.toString({ lineWidth: 120 }), table.connection);
}
export async function toYaml(value: RecipeValue): Promise<string> {
  const { stringify } = await import("yaml");
  return stringify(value, { lineWidth: 120 });
}
export async function fromYaml(text: string): Promise<RecipeValue> {
  const { parse } = await import("yaml");
  return parse(text) as RecipeValue;
}
