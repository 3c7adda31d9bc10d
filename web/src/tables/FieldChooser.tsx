// Which fields come along: searched, ticked; those of a parent by path (Owner.Name).
import { useVirtualizer } from "@tanstack/react-virtual";
import { useRef, useState } from "react";
import type { Field } from "../api/types";
import type { RecipeValue } from "../table/recipe";
import { fieldFacts } from "../table/Mapping";
import { Button, TextField } from "../ui/parts";

const USUAL = ["Id", "Name", "FirstName", "LastName", "Email", "Phone", "Company", "Website", "Industry", "Status", "StageName", "Amount", "CloseDate", "Title", "BillingCity", "BillingCountry", "NumberOfEmployees"];

export function FieldChooser({ fields, value, onChange }: { fields: Field[]; value: RecipeValue | undefined; onChange: (value: RecipeValue | undefined) => void }) {
  const [search, setSearch] = useState("");
  const [path, setPath] = useState("");
  const chosen = Array.isArray(value) ? value.map(String) : [];
  const wanted = search.toLowerCase();
  const shown = fields.filter((field) => `${field.label ?? ""} ${field.name}`.toLowerCase().includes(wanted));
  const box = useRef<HTMLDivElement>(null);
  const list = useVirtualizer({ count: shown.length, getScrollElement: () => box.current, estimateSize: () => 28, overscan: 8 });
  const put = (names: string[]) => onChange(names.length ? names : undefined);
  const toggle = (name: string) => put(chosen.includes(name) ? chosen.filter((one) => one !== name) : [...chosen, name]);
  return (
    <fieldset className="chooser">
      <legend>Fields * <span className="muted small">{chosen.length} of {fields.length}</span></legend>
      <div className="actions">
        <input type="search" aria-label="Find a field" placeholder="Find a field" value={search} onChange={(event) => setSearch(event.target.value)} />
        <Button look="quiet" onClick={() => put(USUAL.filter((name) => fields.some((field) => field.name === name)))}>The usual</Button>
        <Button look="quiet" onClick={() => put(fields.map((field) => field.name))}>All</Button>
        <Button look="quiet" onClick={() => put([])}>None</Button>
      </div>
      <div ref={box} className="chooser-list" tabIndex={0} role="group" aria-label="Fields">
        <div style={{ height: list.getTotalSize(), position: "relative" }}>
          {list.getVirtualItems().map((item) => {
            const field = shown[item.index];
            return field && (
              <label key={field.name} className="check" style={{ position: "absolute", insetInline: 0, transform: `translateY(${item.start}px)` }}>
                <input type="checkbox" checked={chosen.includes(field.name)} onChange={() => toggle(field.name)} />
                <span>{field.label ?? field.name} <span className="muted small">{field.name} · {fieldFacts(field)}</span></span>
              </label>
            );
          })}
        </div>
      </div>
      <form className="inline" onSubmit={(event) => {
        event.preventDefault();
        if (path.trim()) toggle(path.trim());
        setPath("");
      }}>
        <TextField label="A field of a parent" value={path} onChange={setPath} placeholder="Owner.Name" help={`Relationships: ${fields.filter((field) => field.relationship).slice(0, 6).map((field) => field.relationship).join(", ")}`} />
        <Button type="submit">Add</Button>
      </form>
      {chosen.some((name) => name.includes(".")) && <p className="small">From parents: {chosen.filter((name) => name.includes(".")).join(", ")}</p>}
    </fieldset>
  );
}
