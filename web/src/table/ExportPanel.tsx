// Rows as CSV, the ones in view, made in this browser from the server's windows.
import { useRef, useState } from "react";
import { get, seg, withQuery } from "../api/client";
import type { RowWindow, Table } from "../api/types";
import { cellValue } from "../grid/cells";
import { Panel } from "../ui/Panel";
import { Bar, Button, ErrorBox } from "../ui/parts";
import { count, plural } from "../ui/time";

const AT_ONCE = 1000;

function field(value: string | null, safe: boolean): string {
  const text = value ?? "";
  const guarded = safe && /^[=+\-@\t\r]/.test(text) && Number.isNaN(Number(text)) ? `'${text}` : text;
  return /[",\n\r]/.test(guarded) ? `"${guarded.replaceAll('"', '""')}"` : guarded;
}

export function ExportPanel({ table, onClose }: { table: Table; onClose: () => void }) {
  const query = new URLSearchParams(window.location.search);
  const look = { view: query.get("view"), filter: query.get("filter"), search: query.get("search"), sort: query.get("sort") };
  const filtered = !!(look.view || look.filter || look.search);
  const [safe, setSafe] = useState(true);
  const [done, setDone] = useState<number | null>(null);
  const [problem, setProblem] = useState<unknown>(null);
  const stopped = useRef(false);

  async function run(): Promise<void> {
    const parts: string[] = [`${["row_key", ...table.columns.map((column) => column.name)].map((name) => field(name, safe)).join(",")}\r\n`];
    let behind: string | null = null;
    let rows = 0;
    setDone(0);
    do {
      const answer: RowWindow = await get(withQuery(`/tables/${seg(table.name)}/window`, { ...look, limit: AT_ONCE, behind }));
      const cut = answer.rows.find((row) => row.cells.some((cell) => cell && typeof cell === "object" && cell.len));
      if (cut) throw new Error(`Row ${cut.key ?? cut.id} holds a text of more than 4 KB, which a window cuts. Use: argil export ${table.name}`);
      parts.push(answer.rows.map((row) => `${[row.key, ...row.cells.map(cellValue)].map((value) => field(value, safe)).join(",")}\r\n`).join(""));
      rows += answer.rows.length;
      setDone(rows);
      behind = answer.rows.length === AT_ONCE ? answer.last : null;
    } while (behind && !stopped.current);
    if (stopped.current) return;
    const link = document.createElement("a");
    link.href = URL.createObjectURL(new Blob(parts, { type: "text/csv" }));
    link.download = `${table.name}.csv`;
    link.click();
    URL.revokeObjectURL(link.href);
  }

  return (
    <Panel title="Export rows as CSV" sub={filtered ? "The rows that pass the filter, in this order" : "All rows"} onClose={() => {
      stopped.current = true;
      onClose();
    }} foot={<Button look="primary" disabled={done !== null && !problem} onClick={() => {
      setProblem(null);
      run().then(() => setDone(null), setProblem);
    }}>Export</Button>}>
      <label className="check">
        <input type="checkbox" checked={safe} onChange={(event) => setSafe(event.target.checked)} />
        <span>Safe for spreadsheets<span className="muted small"> An apostrophe before = + - @, so that no value becomes a formula.</span></span>
      </label>
      {done !== null && !problem && (
        <>
          <Bar done={done} total={filtered ? null : table.row_count} label="Rows exported" />
          <p className="muted">{filtered ? count(done) : `${count(done)} of ${plural(table.row_count, "row")}`}</p>
        </>
      )}
      <ErrorBox error={problem} />
    </Panel>
  );
}
