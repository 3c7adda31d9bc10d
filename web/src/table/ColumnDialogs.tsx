// Deleting a column: what goes and what stays.
import type { Column, Table } from "../api/types";
import { note, Confirm } from "../ui/Dialog";
import { deleteColumn } from "./recipe";

export function DeleteColumn({ table, column, onClose }: { table: Table; column: Column; onClose: () => void }) {
  const readers = table.columns.filter((one) => one.depends.includes(column.id)).map((one) => one.name);
  return (
    <Confirm title={`Delete ${column.name}?`} deed="Delete column" danger ready={!readers.length} onClose={onClose} run={async () => {
      await deleteColumn(table, column.name);
      note(`The column ${column.name} is gone.`);
    }}>
      {readers.length ? <p className="tone-err">{readers.join(", ")} read it. Change or delete them first.</p> : <p>Its values go. What it wrote to Salesforce stays there, and in the journal.</p>}
    </Confirm>
  );
}
