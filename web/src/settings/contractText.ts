// The contract's YAML, changed where the grid was: entries that stay keep their comments.
import type { Contract, ContractField } from "../api/types";

export interface ContractDraft {
  default: string;
  approve_above: string;
  fields: ContractField[];
  guards: [string, string][];
}

export function draftOf(contract: Contract | null): ContractDraft {
  return {
    default: contract?.default ?? "deny",
    approve_above: contract?.approve_above === null || contract?.approve_above === undefined ? "" : String(contract.approve_above),
    fields: contract?.fields ?? [],
    guards: Object.entries(contract?.guards ?? {}),
  };
}

/** One entry as its YAML has it: what is usual is not said. */
function entryOf(field: ContractField): Record<string, string> {
  const out: Record<string, string> = { field: field.field };
  if (field.direction !== "write") out["direction"] = field.direction;
  if (field.status !== "active") out["status"] = field.status;
  if (field.rule !== "always") out["rule"] = field.rule;
  for (const name of ["when", "ticket", "sensitivity", "note"] as const) if (field[name]) out[name] = field[name];
  return out;
}

const OURS = new Set(["field", "direction", "status", "rule", "when", "ticket", "sensitivity", "note"]);

/** What an entry says beyond the grid's columns (a ranked rule's sources) stays. */
function others(node: { toJSON: () => unknown } | undefined): Record<string, unknown> {
  const all = (node?.toJSON() ?? {}) as Record<string, unknown>;
  return Object.fromEntries(Object.entries(all).filter(([name]) => !OURS.has(name)));
}

export async function contractText(connection: string, old: Contract | null, draft: ContractDraft): Promise<string> {
  const { parseDocument, YAMLMap, YAMLSeq } = await import("yaml");
  const document = parseDocument(old?.text ?? `connection: ${JSON.stringify(connection)}\n`);
  document.set("default", draft.default);
  if (draft.approve_above.trim()) document.set("approve_above", Number(draft.approve_above));
  else document.delete("approve_above");
  const before = document.get("fields");
  const kept = new Map<string, InstanceType<typeof YAMLMap>>();
  if (before instanceof YAMLSeq)
    for (const item of before.items) if (item instanceof YAMLMap) kept.set(String(item.get("field")), item);
  const list = new YAMLSeq();
  for (const field of draft.fields) {
    const was = old?.fields.find((one) => one.field === field.field);
    const node = kept.get(field.field);
    if (node && was && JSON.stringify(was) === JSON.stringify(field)) list.add(node);
    else list.add(document.createNode({ ...others(node), ...entryOf(field) }, { flow: true }));
  }
  document.set("fields", list);
  const guards = draft.guards.filter(([name]) => name.trim());
  if (guards.length) document.set("guards", document.createNode(Object.fromEntries(guards)));
  else document.delete("guards");
  return document.toString({ lineWidth: 120 });
}
