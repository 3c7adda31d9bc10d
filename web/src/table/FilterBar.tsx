// The second line: view, filter, sort, hidden columns, density, how many rows.
import { useState } from "react";
import { invalidate, useAnswer } from "../api/cache";
import { post, put, remove, seg } from "../api/client";
import type { Table, View } from "../api/types";
import { goQuery } from "../app/router";
import { useBar } from "../app/session";
import type { GridState } from "../grid/Grid";
import type { SortOf } from "../grid/Head";
import type { GridColumns } from "../grid/useColumns";
import { attempt, Confirm, note } from "../ui/Dialog";
import { Icon } from "../ui/icons";
import { Menu } from "../ui/Menu";
import { TextField } from "../ui/parts";
import { count, plural } from "../ui/time";
import { conditionsOf, sortText } from "./look";
import { FilterEditor } from "./FilterEditor";

export type Density = 28 | 32 | 40;
const DENSITIES: [Density, string][] = [[28, "Compact"], [32, "Standard"], [40, "Relaxed"]];

/** Sorting a large table needs an index: made before the order changes. */
export async function applySort(table: Table, sorts: SortOf[]): Promise<void> {
  const text = sortText(sorts);
  if (text) {
    if (table.row_count > 100_000) note("Preparing the order; this takes a few seconds, once.");
    await post(`/tables/${seg(table.name)}/sorts`, { sort: text });
  }
  goQuery({ sort: text });
}

function SaveView({ table, query, columns, onClose }: { table: Table; query: URLSearchParams; columns: GridColumns; onClose: () => void }) {
  const [name, setName] = useState(query.get("view") ?? "");
  return (
    <Confirm title="Keep this view" deed="Keep" ready={name.trim() !== ""} onClose={onClose} run={async () => {
      const filter = query.get("filter");
      const sort = query.get("sort");
      await put(`/tables/${seg(table.name)}/views/${seg(name.trim())}`, { config: {
        ...(filter ? { filter: JSON.parse(filter) as unknown } : {}),
        ...(sort ? { sorts: JSON.parse(sort) as unknown } : {}),
        hidden: columns.hidden.map((column) => column.name),
      } });
      invalidate(`/tables/${seg(table.name)}/views`);
      goQuery({ view: name.trim(), filter: null, sort: null });
    }}>
      <p>The filter, the order and the hidden columns, under a name that everybody sees.</p>
      <TextField label="Name" value={name} onChange={setName} autoFocus />
    </Confirm>
  );
}

export function FilterBar({ table, query, sorts, columns, state, density, onDensity, chosen }: {
  table: Table;
  query: URLSearchParams;
  sorts: SortOf[];
  columns: GridColumns;
  state: GridState;
  density: Density;
  onDensity: (density: Density) => void;
  chosen: string;
}) {
  const views = useAnswer<{ views: View[] }>(`/tables/${seg(table.name)}/views`);
  const [filtering, setFiltering] = useState<DOMRect | null>(null);
  const [saving, setSaving] = useState(false);
  const bar = useBar("runner");
  const view = query.get("view");
  const conditions = conditionsOf(query.get("filter"));
  const filtered = !!(query.get("filter") || query.get("search") || view);
  return (
    <div className="filter-bar" role="toolbar" aria-label="View, filter and sort">
      <Menu label="View" className="button quiet" entries={() => [
        { label: "All rows", checked: !view, run: () => goQuery({ view: null }) },
        ...(views.data?.views ?? []).map((one) => ({ label: one.name, checked: view === one.name, bar: one.problem, run: () => {
          goQuery({ view: one.name, filter: null, sort: null });
          for (const column of table.columns) columns.setHidden(column.id, !!one.config?.hidden?.includes(column.name));
        } })),
        "line",
        { label: "Keep this view…", bar, run: () => setSaving(true) },
        ...(view ? [{ label: `Forget view ${view}`, danger: true, bar, run: () => attempt(remove(`/tables/${seg(table.name)}/views/${seg(view)}`).then(() => {
          goQuery({ view: null });
          invalidate(`/tables/${seg(table.name)}/views`);
        }), "The view is forgotten; no row was touched.") }] : []),
      ]}>
        <Icon name="list" /> {view ?? "All rows"} <Icon name="caret" size={12} />
      </Menu>
      <button type="button" className={`button quiet ${conditions?.length ? "active" : ""}`} aria-expanded={!!filtering} onClick={(event) => setFiltering(event.currentTarget.getBoundingClientRect())}>
        <Icon name="filter" /> Filter{conditions?.length ? ` ${conditions.length}` : conditions === null ? " (own)" : ""}
      </button>
      <Menu label="Sort" className={`button quiet ${sorts.length ? "active" : ""}`} entries={() => [
        ...table.columns.map((column) => {
          const sort = sorts.find((one) => one.name === column.name);
          return { label: column.name, checked: !!sort, ...(sort ? { hint: sort.descending ? "down" : "up" } : {}), run: () => attempt(applySort(table, sort && !sort.descending ? sorts.map((one) => one === sort ? { ...one, descending: true } : one) : sort ? sorts.filter((one) => one !== sort) : [...sorts, { name: column.name, descending: false }])) };
        }),
        "line",
        { label: "In the order of arrival", run: () => goQuery({ sort: null }) },
      ]}>
        <Icon name="sort" /> Sort{sorts.length ? ` ${sorts.length}` : ""}
      </Menu>
      <Menu label="Columns" className={`button quiet ${columns.hidden.length ? "active" : ""}`} entries={() => [
        ...table.columns.map((column) => ({ label: column.name, checked: !columns.hidden.includes(column), run: () => columns.setHidden(column.id, !columns.hidden.includes(column)) })),
        "line",
        { label: "Show all", run: columns.showAll },
      ]}>
        <Icon name="hide" /> {columns.hidden.length ? `Hidden ${columns.hidden.length}` : "Columns"}
      </Menu>
      <Menu label="Row height" className="button quiet" entries={() => DENSITIES.map(([height, label]) => ({ label, checked: density === height, run: () => onDensity(height) }))}>
        <Icon name="list" /> <span className="visually-hidden">Row height</span>
      </Menu>
      <span className="filter-bar-end">
        {chosen && <span className="muted">{chosen}</span>}
        <span aria-live="polite">
          {state.total === null ? "…" : filtered ? `${count(state.total)}${state.counting ? " so far" : ""} of ${plural(table.row_count, "row")}` : plural(state.total, "row")}
        </span>
      </span>
      {filtering && <FilterEditor table={table} at={filtering} text={query.get("filter")} onClose={() => setFiltering(null)} />}
      {saving && <SaveView table={table} query={query} columns={columns} onClose={() => setSaving(false)} />}
    </div>
  );
}
