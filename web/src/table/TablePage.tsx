// A table: band, bar, filter line, what runs, the grid, and one panel beside it. What is
// open is in the address.
import { useCallback, useEffect, useRef, useState } from "react";
import { useAnswer } from "../api/cache";
import { seg } from "../api/client";
import type { Column, Connection, Table, TableStates, View } from "../api/types";
import { go, goQuery, usePlace } from "../app/router";
import { useBar } from "../app/session";
import { Grid, type Chosen, type GridHandle, type GridState } from "../grid/Grid";
import { useGridColumns } from "../grid/useColumns";
import type { SortOf } from "../grid/Head";
import { attempt, note } from "../ui/Dialog";
import { EnvironmentBand } from "../ui/Environment";
import { HeldLine } from "../settings/Held";
import { Button, Empty, ErrorBox, Loading } from "../ui/parts";
import { useTitle } from "../ui/Page";
import { plural } from "../ui/time";
import { columnMenu } from "./columnMenu";
import { applySort, FilterBar, type Density } from "./FilterBar";
import { lookOf, nextSort, sortsOf } from "./look";
import { Gates } from "./Gates";
import { keepersOf, RunDialog, startRun, writersOf, type RunOrder } from "./RunDialog";
import { RunStrip } from "./RunStrip";
import { TablePanel } from "./TablePanel";
import { TopBar } from "./TopBar";
import { DeleteColumn } from "./ColumnDialogs";

const ROWS_MOST = 5000; // of a selection that is run

export function TablePage({ name }: { name: string }) {
  const answer = useAnswer<Table>(`/tables/${seg(name)}`);
  useTitle(name);
  if (answer.error && !answer.data)
    return <Empty icon="tables" title="This table cannot be shown" actions={<Button onClick={() => go("/tables")}>To the tables</Button>}><ErrorBox error={answer.error} /></Empty>;
  if (!answer.data) return <Loading />;
  return <TableView table={answer.data} />;
}

function chosenText(chosen: Chosen): string {
  if (chosen.rows * chosen.columns <= 1) return "";
  return `${plural(chosen.rows, "row")} × ${plural(chosen.columns, "column")} selected`;
}

function useDensity(): [Density, (density: Density) => void] {
  const [density, setDensity] = useState<Density>(() => (Number(window.localStorage.getItem("argil.density")) as Density) || 32);
  return [density, (to) => {
    window.localStorage.setItem("argil.density", String(to));
    setDensity(to);
  }];
}

function TableView({ table }: { table: Table }) {
  const place = usePlace();
  const connections = useAnswer<{ connections: Connection[] }>("/connections");
  const states = useAnswer<TableStates>(`/tables/${seg(table.name)}/states`);
  const views = useAnswer<{ views: View[] }>(`/tables/${seg(table.name)}/views`);
  const columns = useGridColumns(table);
  const [density, setDensity] = useDensity();
  const [gridState, setGridState] = useState<GridState>({ total: null, counting: false, inexact: false, error: null });
  const [chosen, setChosen] = useState<Chosen>({ rows: 1, columns: 1, column: undefined });
  const [order, setOrder] = useState<RunOrder | null>(null);
  const [deleting, setDeleting] = useState<Column | null>(null);
  const grid = useRef<GridHandle>(null);
  const runner = useBar("runner");
  const builder = useBar("builder");

  const connection = connections.data?.connections.find((one) => one.name === table.connection);
  const look = lookOf(table, place.query);
  const view = views.data?.views.find((one) => one.name === look.view);
  const sorts = sortsOf(look.sort, view);
  const panel = place.query.get("panel");

  const close = useCallback(() => {
    goQuery({ panel: null, kind: null, text: null, name: null });
    grid.current?.focus();
  }, []);
  useEffect(() => void grid.current?.focus(), []);

  function run(wanted: RunOrder): void {
    if (runner) note(runner, "err");
    else if (!writersOf(table, wanted).length && (wanted.rows !== "all" || (wanted.row_ids?.length === 1 && !keepersOf(table, wanted).length))) attempt(startRun(table, wanted, false), "The run began.");
    else setOrder(wanted);
  }
  function runChosen(): void {
    void grid.current?.chosenIds().then((ids) => {
      if (ids.length > ROWS_MOST) note(`A selection of up to ${ROWS_MOST} rows can be run; filter and run the column instead.`, "err");
      else if (ids.length) setOrder({ rows: "all", row_ids: ids, label: plural(ids.length, "selected row") });
    });
  }
  const sort = (to: SortOf[]) => attempt(applySort(table, to));

  return (
    <div className="table-page">
      <EnvironmentBand connection={connection} />
      <TopBar table={table} chosenRows={chosen.rows} onRun={run} onRunChosen={runChosen} />
      <FilterBar table={table} query={place.query} sorts={sorts} columns={columns} state={gridState} density={density} onDensity={setDensity} chosen={chosenText(chosen)} />
      <RunStrip table={table} />
      <Gates table={table} connection={connection} />
      <HeldLine connection={table.connection} />
      <div className="table-work">
        <div className="grid-box">
          <Grid table={table} look={look} columns={columns} typist={runner} states={states.data?.columns ?? []} rowHeight={density} sorts={sorts}
            onSort={(column) => sort(nextSort(sorts, column.name))}
            menuOf={(column) => columnMenu({ table, column, columns, states: states.data, chosenRows: chosen.rows, runner, builder, onRun: run, onRunChosen: runChosen, onSort: sort, onDelete: setDeleting })}
            onCell={(row, column) => goQuery({ panel: `cell:${row}:${column}` })} onRow={(row) => goQuery({ panel: `row:${row}` })}
            onChosen={setChosen} onState={setGridState} onRunKey={runChosen} handle={grid}
            onShowBad={(column) => goQuery({ filter: JSON.stringify({ all: [{ column: column.name, state: ["error", "refused", "in doubt"] }] }) })} />
          <GridNote table={table} state={gridState} filtered={!!(look.filter || look.search || look.view)} />
        </div>
        <TablePanel panel={panel} table={table} connection={connection} grid={grid} onClose={close} onRun={run} />
      </div>
      {order && <RunDialog table={table} order={order} connection={connection} onClose={() => setOrder(null)} />}
      {deleting && <DeleteColumn table={table} column={deleting} onClose={() => setDeleting(null)} />}
    </div>
  );
}

/** What lies over the grid when it has no rows to show. */
function GridNote({ table, state, filtered }: { table: Table; state: GridState; filtered: boolean }) {
  if (state.error) return <div className="grid-note"><ErrorBox error={state.error}><Button onClick={() => goQuery({ filter: null, sort: null, search: null, view: null })}>Show all rows</Button></ErrorBox></div>;
  if (state.total !== 0 || state.counting) return null;
  if (filtered)
    return (
      <div className="grid-note">
        <Empty icon="filter" title="No row passes" actions={<Button look="primary" onClick={() => go(`/tables/${encodeURIComponent(table.name)}`)}>Show all rows</Button>}>
          {`The table has ${plural(table.row_count, "row")}; none of them passes this filter and search.`}
        </Empty>
      </div>
    );
  return (
    <div className="grid-note">
      <Empty icon="sync" title="No rows yet">Press Sync to read them from the source. It runs by itself from then on, as its schedule says.</Empty>
    </div>
  );
}
