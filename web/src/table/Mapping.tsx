// Salesforce field ← value, a line each; describe says what each field is, what is
// required, what the OAuth user may not write. Nothing is mapped without being shown.
import { useState } from "react";
import type { Field as OrgField } from "../api/types";
import { Button, IconButton } from "../ui/parts";
import type { FormContext } from "./OptionField";
import type { RecipeValue } from "./recipe";
import { TemplateInput } from "./TemplateField";

interface Line {
  field: string;
  value: string;
}
function linesOf(value: RecipeValue | undefined): Line[] {
  if (!value || typeof value !== "object" || Array.isArray(value)) return [];
  return Object.entries(value).map(([field, one]) => ({ field, value: one === null ? "null" : String(one) }));
}
function valueOf(lines: Line[]): RecipeValue | undefined {
  const whole = lines.filter((line) => line.field && line.value !== "");
  if (!whole.length) return undefined;
  return Object.fromEntries(whole.map((line) => [line.field, line.value === "null" ? null : line.value]));
}

export function fieldFacts(field: OrgField): string {
  const length = field.length > 0 && ["string", "textarea", "email", "phone", "url"].includes(field.type) ? ` ${field.length}` : "";
  const marks = [field.unique ? "unique" : "", field.external_id ? "External ID" : "", field.restricted ? "fixed choices" : ""].filter(Boolean);
  return [`${field.type}${length}`, ...marks].join(", ");
}
/** Why a value cannot go there, or null. */
function blocked(field: OrgField | undefined, creates: boolean): string | null {
  if (!field) return null;
  if (field.calculated) return "A formula field: Salesforce computes it. (Formula)";
  if (creates ? field.createable : field.updateable) return null;
  return `The OAuth user may not ${creates ? "fill" : "change"} it. (Field-Level Security)`;
}
function choiceProblem(field: OrgField | undefined, value: string): string | null {
  if (!field?.restricted || !field.choices.length || value.includes("{{") || value === "null") return null;
  const fits = field.choices.some((one) => one.active && (one.value === value || one.label === value));
  return fits ? null : `Not a choice. There are: ${field.choices.filter((one) => one.active).slice(0, 6).map((one) => one.value).join(", ")}${field.choices.length > 6 ? ", …" : ""}`;
}

export function MappingField({ label, help, error, value, onChange, context, creates }: {
  label: string;
  help: string | null;
  error: string | null;
  value: RecipeValue | undefined;
  onChange: (value: RecipeValue | undefined) => void;
  context: FormContext;
  creates: boolean;
}) {
  const [lines, setLines] = useState<Line[]>(() => linesOf(value));
  const put = (to: Line[]) => {
    setLines(to);
    onChange(valueOf(to));
  };
  const known = new Map(context.fields.map((field) => [field.name, field]));
  const used = new Set(lines.map((line) => line.field));
  const missing = creates ? context.fields.filter((field) => field.required && field.createable && !used.has(field.name)) : [];
  const free = context.fields.filter((field) => !used.has(field.name));
  const byName = () => {
    const proposed = free.flatMap((field) => {
      const column = context.columns.find((one) => [field.name, field.label].some((name) => name?.toLowerCase() === one.name.toLowerCase()));
      return column && !blocked(field, creates) ? [{ field: field.name, value: `{{${column.name}}}` }] : [];
    });
    if (proposed.length) put([...lines, ...proposed]);
  };
  return (
    <fieldset className="mapping">
      <legend>{label}</legend>
      {(help || error) && <div className={error ? "field-error" : "field-help"}>{error ?? help}</div>}
      {lines.map((line, at) => {
        const field = known.get(line.field);
        const problem = blocked(field, creates) ?? choiceProblem(field, line.value) ?? context.errors[`${label}/${line.field}`] ?? null;
        return (
          <div key={at} className="map-line">
            <div className="map-field">
              <strong>{field?.label ?? line.field}{field?.required && creates ? " *" : ""}</strong>
              <span className="muted small">{line.field}{field ? ` · ${fieldFacts(field)}` : ""}</span>
            </div>
            <TemplateInput label={`Value of ${field?.label ?? line.field}`} value={line.value} columns={context.columns} onChange={(to) => put(lines.map((one, place) => (place === at ? { ...one, value: to } : one)))} />
            <IconButton icon="close" label={`Do not set ${line.field}`} onClick={() => put(lines.filter((_, place) => place !== at))} />
            {problem && <div className="map-problem tone-warn">{problem}</div>}
          </div>
        );
      })}
      {missing.length > 0 && (
        <p className="tone-warn small">
          Required and not mapped yet: {missing.map((field) => field.label ?? field.name).join(", ")}. Salesforce would refuse the row. (Required field)
        </p>
      )}
      <div className="actions">
        <select aria-label={`Add a field to ${label}`} value="" onChange={(event) => put([...lines, { field: event.target.value, value: "" }])}>
          <option value="">+ Salesforce field…</option>
          {free.map((field) => {
            const why = blocked(field, creates);
            return <option key={field.name} value={field.name} disabled={!!why}>{`${field.required && creates ? "* " : ""}${field.label ?? field.name} (${field.name})${why ? ` · ${why}` : ""}`}</option>;
          })}
        </select>
        <Button look="quiet" onClick={byName}>Match by name</Button>
      </div>
    </fieldset>
  );
}
