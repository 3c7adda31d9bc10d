// Objects and their fields as describe tells of them to the OAuth user.
import { useState } from "react";
import { useAnswer } from "../api/cache";
import { seg } from "../api/client";
import type { Field, OrgObject } from "../api/types";
import { fieldFacts } from "../table/Mapping";
import { ErrorBox, Loading } from "../ui/parts";

const SHOWN = 40;

function yes(flag: boolean | undefined): string {
  return flag ? "✓" : "–";
}

function Fields({ connection, object }: { connection: string; object: string }) {
  const answer = useAnswer<{ fields: Field[] }>(`/connections/${seg(connection)}/objects/${seg(object)}/fields`);
  if (answer.error) return <ErrorBox error={answer.error} />;
  if (!answer.data) return <Loading />;
  return (
    <table className="list dense">
      <thead><tr><th scope="col">Field</th><th scope="col">Type</th><th scope="col">Create</th><th scope="col">Update</th></tr></thead>
      <tbody>
        {answer.data.fields.map((field) => (
          <tr key={field.name}>
            <td>{field.label ?? field.name} <span className="muted small">{field.name}{field.required ? " · required" : ""}</span></td>
            <td className="muted">{fieldFacts(field)}</td>
            <td>{yes(field.createable)}</td>
            <td>{yes(field.updateable)}</td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

export function ObjectTree({ connection, objects }: { connection: string; objects: OrgObject[] }) {
  const [search, setSearch] = useState("");
  const [open, setOpen] = useState<string | null>(null);
  const found = objects.filter((one) => `${one.label ?? ""} ${one.name}`.toLowerCase().includes(search.toLowerCase()));
  return (
    <>
      <input type="search" aria-label="Find an object" placeholder="Find an object" value={search} onChange={(event) => setSearch(event.target.value)} />
      <table className="list dense">
        <thead><tr><th scope="col">Object</th><th scope="col">Read</th><th scope="col">Create</th><th scope="col">Update</th></tr></thead>
        <tbody>
          {found.slice(0, SHOWN).map((one) => [
            <tr key={one.name}>
              <td><button type="button" className="link" aria-expanded={open === one.name} onClick={() => setOpen(open === one.name ? null : one.name)}>{open === one.name ? "▾" : "▸"} {one.label ?? one.name}</button> <span className="muted small">{one.name}</span></td>
              <td>{yes(one.queryable)}</td>
              <td>{yes(one.createable)}</td>
              <td>{yes(one.updateable)}</td>
            </tr>,
            open === one.name && <tr key={`${one.name}/fields`}><td colSpan={4}><Fields connection={connection} object={one.name} /></td></tr>,
          ])}
        </tbody>
      </table>
      {found.length > SHOWN && <p className="muted small">{SHOWN} of {found.length} are shown; search for more.</p>}
    </>
  );
}
