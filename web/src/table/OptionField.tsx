// One option of a column kind or source kind as a form field: the kind's own table says
// name, type, help, what is taken without it.
import { useEffect, useState } from "react";
import type { Column, Connection, Field as OrgField, KindOption, OrgObject } from "../api/types";
import { Field, SelectField, TextField } from "../ui/parts";
import { fromYaml, toYaml, type RecipeValue } from "./recipe";
import { MappingField } from "./Mapping";
import { TemplateField } from "./TemplateField";

export interface FormContext {
  columns: Column[];
  connections: Connection[];
  objects: OrgObject[];
  fields: OrgField[];
  /** Mapping for a record that is made: required fields count. */
  creates: boolean;
  errors: Record<string, string>;
}

export function optionLabel(name: string): string {
  const words = name.replaceAll("_", " ");
  return words.charAt(0).toUpperCase() + words.slice(1);
}

function labelOf(option: KindOption): string {
  return optionLabel(option.name) + (option.required ? " *" : "");
}

/** Any structure, as YAML: for the options that have no form of their own. */
function YamlField({ option, value, onChange, error }: { option: KindOption; value: RecipeValue | undefined; onChange: (value: RecipeValue | undefined) => void; error: string | null }) {
  const [text, setText] = useState<string | null>(value === undefined ? "" : null);
  const [wrong, setWrong] = useState<string | null>(null);
  useEffect(() => {
    if (text === null && value !== undefined) void toYaml(value).then(setText);
  }, [text, value]);
  return (
    <Field label={labelOf(option)} term="YAML" help={option.help} error={wrong ?? error}>
      {(id, told) => (
        <textarea id={id} aria-describedby={told} rows={3} spellCheck={false} className="code" value={text ?? ""} onChange={(event) => {
          setText(event.target.value);
          if (!event.target.value.trim()) {
            setWrong(null);
            onChange(undefined);
            return;
          }
          fromYaml(event.target.value).then((parsed) => {
            setWrong(null);
            onChange(parsed);
          }, (problem: unknown) => setWrong(problem instanceof Error ? problem.message.split("\n")[0] ?? "" : String(problem)));
        }} />
      )}
    </Field>
  );
}

function listText(value: RecipeValue | undefined): string {
  return Array.isArray(value) ? value.map((one) => (typeof one === "string" ? one : JSON.stringify(one))).join(", ") : typeof value === "string" ? value : "";
}
function textList(text: string): RecipeValue | undefined {
  if (text.trim() === "all") return "all";
  const list = text.split(",").map((one) => one.trim()).filter(Boolean);
  return list.length ? list : undefined;
}

/** A list that is typed as text keeps its commas while one types. */
function ListField({ option, value, onChange, error, names }: { option: KindOption; value: RecipeValue | undefined; onChange: (value: RecipeValue | undefined) => void; error: string | null; names: string[] }) {
  const [text, setText] = useState(() => listText(value));
  const left = names.filter((name) => !textIncludes(text, name));
  return (
    <Field label={labelOf(option)} help={help(option)} error={error}>
      {(id, told) => (
        <>
          <input id={id} aria-describedby={told} value={text} spellCheck={false} onChange={(event) => {
            setText(event.target.value);
            onChange(textList(event.target.value));
          }} />
          {left.length > 0 && (
            <select aria-label={`Add to ${option.name}`} value="" onChange={(event) => {
              const longer = text ? `${text}, ${event.target.value}` : event.target.value;
              setText(longer);
              onChange(textList(longer));
            }}>
              <option value="">+ add a field…</option>
              {left.map((name) => <option key={name}>{name}</option>)}
            </select>
          )}
        </>
      )}
    </Field>
  );
}
function textIncludes(text: string, name: string): boolean {
  return text.split(",").some((one) => one.trim() === name);
}

function help(option: KindOption): string | null {
  if (!option.help) return option.fallback ? `Without it: ${option.fallback}.` : null;
  const sentence = option.help.charAt(0).toUpperCase() + option.help.slice(1);
  return option.fallback ? `${sentence}. Without it: ${option.fallback}.` : `${sentence}.`;
}

export function OptionField({ option, value, onChange, context }: {
  option: KindOption;
  value: RecipeValue | undefined;
  onChange: (value: RecipeValue | undefined) => void;
  context: FormContext;
}) {
  const label = labelOf(option);
  const error = context.errors[option.name] ?? null;
  const text = typeof value === "string" ? value : value === undefined || value === null ? "" : String(value);
  const put = (to: string) => onChange(to === "" ? undefined : to);
  const told = { help: help(option), error };
  switch (option.type) {
    case "connection name":
      return <SelectField label={label} help={told.help} value={text} onChange={put} options={[{ value: "", label: "choose…" }, ...context.connections.map((one) => ({ value: one.name, label: `${one.name} · ${one.org_name ?? one.environment ?? ""}` }))]} />;
    case "object name":
      return (
        <>
          <TextField label={label} {...told} value={text} onChange={put} list="org-objects" spellCheck={false} />
          <datalist id="org-objects">{context.objects.map((one) => <option key={one.name} value={one.name}>{one.label}</option>)}</datalist>
        </>
      );
    case "field name":
      return <SelectField label={label} help={told.help} value={text} onChange={put} options={[{ value: "", label: "choose…" }, ...context.fields.map((one) => ({ value: one.name, label: `${one.label ?? one.name} (${one.name})` }))]} />;
    case "template":
    case "formula":
    case "query":
    case "rule":
      return <TemplateField label={label} {...told} value={text} onChange={put} columns={option.type === "rule" ? [] : context.columns} lines={option.type === "template" ? 1 : 4} />;
    case "mapping of fields to templates":
      return <MappingField label={label} {...told} value={value} onChange={onChange} context={context} creates={context.creates && option.name === "set"} />;
    case "true or false":
      return <SelectField label={label} help={told.help} value={value === undefined ? "" : String(value)} onChange={(to) => onChange(to === "" ? undefined : to === "true")} options={[{ value: "", label: `as usual${option.fallback ? ` (${option.fallback})` : ""}` }, { value: "true", label: "yes" }, { value: "false", label: "no" }]} />;
    case "one of the allowed words":
      return <SelectField label={label} help={told.help} value={text} onChange={put} options={[{ value: "", label: option.fallback ? `as usual (${option.fallback})` : "as usual" }, ...option.allowed.map((one) => ({ value: one, label: one }))]} />;
    case "whole number":
      return <TextField label={label} type="number" {...told} value={text} onChange={(to) => onChange(to === "" ? undefined : Number(to))} />;
    case "list of fields":
    case "list of texts":
    case "list of fields, or all":
      return <ListField option={option} value={value} onChange={onChange} error={error} names={option.type === "list of texts" ? [] : context.fields.map((one) => one.name)} />;
    case "text":
    case "rate like 5/s":
      return <TextField label={label} {...told} value={text} onChange={put} spellCheck={false} />;
    default:
      return <YamlField option={option} value={value} onChange={onChange} error={error} />;
  }
}
