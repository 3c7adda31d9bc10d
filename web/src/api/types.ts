// What the API answers, as /api/v1/openapi.json has it; only what the app reads.

export type Role = "viewer" | "runner" | "builder" | "admin";

export interface Person {
  id: number;
  login: string;
  name: string | null;
  zone: string | null;
  role: Role;
}
export interface Session {
  person: Person;
  csrf: string | null;
  proved_until: string | null;
  workspace: string;
  version: string;
}

/** When a column computes, beside its condition. */
export interface ColumnRules {
  required?: string[];
  delay_ms?: number;
  schedule?: { every: string; rows: string };
}
export interface Column {
  id: number;
  name: string;
  type: string;
  kind: string;
  title: string | null;
  writes: boolean;
  /** People type it. */
  typed: boolean;
  config: unknown;
  only_run_if: string | null;
  source_field: string | null;
  auto_update: boolean;
  rules: ColumnRules | null;
  approved: string | null;
  depends: number[];
}
export interface Source {
  id: number;
  name: string;
  kind: string;
  connection: string | null;
  object: string | null;
  config: unknown;
  row_count: number;
}
export interface Table {
  id: number;
  name: string;
  connection: string | null;
  object: string | null;
  auto_update: boolean;
  row_count: number;
  created: string | null;
  changed: string | null;
  next_sync: string | null;
  guard: unknown;
  rules: { auto_dedupe?: { by: string; keep?: string; as?: string }; history_ms?: number } | null;
  sources: Source[];
  columns: Column[];
}
export interface ColumnStates {
  column_id: number;
  states: Record<string, number>;
}
export interface TableStates {
  columns: ColumnStates[];
  waiting: number;
}

/** A cell in a window: its text when its state is plain, else an object. */
export type WireCell = string | null | { v: string | null; s?: string; m?: string; op?: number; len?: number };
export interface WireRow {
  id: number;
  key: string | null;
  cells: WireCell[];
  deleted?: boolean;
}
export interface RowWindow {
  columns: number[];
  rows: WireRow[];
  at: number | null;
  at_error: number;
  last: string | null;
  total: number | null;
  indexed: boolean;
}
export interface RowList {
  columns: number[];
  rows: WireRow[];
  next: number | null;
  total: number;
}
export interface Cell {
  column_id: number;
  value: string | null;
  state: string;
  code: string | null;
  message: string | null;
  operation_id: number | null;
  attempt: number;
  not_before: string | null;
  changed: string | null;
}
export interface CellDetails {
  cell: Cell;
  inputs: Cell[];
  operation: Operation | null;
}
export interface Row {
  id: number;
  key: string | null;
  deleted: boolean;
  cells: Cell[];
}
export interface View {
  name: string;
  config: { filter?: unknown; sorts?: { column: string; descending?: boolean }[]; hidden?: string[] } | null;
  changed: string | null;
  problem: string | null;
}

export interface Progress {
  what: string;
  done: number;
  total: number | null;
  calls: number;
  began: string | null;
  /** Rows a second. */
  rate: number | null;
  left_ms: number | null;
}
export interface Run {
  id: number;
  table_id: number;
  kind: "sync" | "run" | "undo";
  cause: string | null;
  who: string | null;
  scope: Record<string, unknown> | null;
  state: string;
  queued: string | null;
  started: string | null;
  ended: string | null;
  report: Record<string, unknown> | null;
  error: string | null;
  progress: Progress | null;
}
export interface PlannedWrite {
  column_id: number;
  column: string | null;
  row_id: number;
  row_key: string | null;
  state: "planned" | "rejected" | "edited" | "blocked";
  kind: string;
  object: string | null;
  target: string | null;
  set: Record<string, unknown> | null;
  before: Record<string, unknown> | null;
  reason: string | null;
  decided_by: string | null;
}
export interface Plan {
  id: number;
  table_id: number;
  run_id: number | null;
  state: "being made" | "waiting" | "approved" | "rejected" | "applied";
  made: string | null;
  who: string | null;
  scope: Record<string, unknown> | null;
  report: Record<string, unknown> | null;
  writes: number;
  edited: number;
  rejected: number;
  blocked: number;
  decided: string | null;
  decided_by: string | null;
  reason: string | null;
  applied_run: number | null;
}
export interface UndoLine {
  verdict: string;
  object: string | null;
  record_id: string | null;
  field: string | null;
  before: unknown;
  written: unknown;
  now: unknown;
  reason: string | null;
}
export interface UndoPreview {
  operations: number;
  records: number;
  counts: Record<string, number>;
  lines: UndoLine[];
  more: boolean;
}
export interface WhyWrite {
  operation_id: number;
  state: string;
  kind: string;
  at: string | null;
  field: string | null;
  before: unknown;
  wrote: unknown;
  table: string | null;
  column: string | null;
  row_id: number;
  row_key: string | null;
  connection: string | null;
  run_id: number;
  run_kind: string | null;
  who: string | null;
  cause: string | null;
  undoes: number | null;
}
export interface Why {
  record_id: string | null;
  object: string | null;
  writes: WhyWrite[];
  more: boolean;
  verdict: "not asked" | "ours" | "changed" | "never ours" | "gone";
  now: unknown;
  modified: string | null;
  modified_by: string | null;
}
export interface Doubt {
  operation: Operation;
  table: string | null;
  column: string | null;
  row_key: string | null;
  connection: string | null;
  how_far: string;
  status: number | null;
  overdue: boolean;
  looked: string | null;
  candidates: { id: string | null; url: string | null; record: Record<string, unknown> | null; deleted: boolean }[];
  more_candidates: boolean;
}
export interface ContractField {
  field: string;
  direction: string;
  status: string;
  rule: string;
  when: string | null;
  ticket: string | null;
  sensitivity: string | null;
  note: string | null;
}
export interface Contract {
  connection: string;
  version: number;
  at: string | null;
  who: string | null;
  ticket: string | null;
  note: string | null;
  text: string;
  default: string;
  approve_above: number | null;
  fields: ContractField[];
  guards: Record<string, string>;
}

export interface Operation {
  id: number;
  key: string;
  state: string;
  kind: string;
  mode: string;
  object: string;
  table_id: number;
  column_id: number;
  row_id: number;
  run_id: number;
  connection_id: number;
  target_id: string | null;
  key_field: string | null;
  record_id: string | null;
  values: Record<string, unknown> | null;
  before: Record<string, unknown> | null;
  evidence: unknown;
  adopted: boolean;
  attempt: number;
  code: string | null;
  message: string | null;
  created: string | null;
  sent: string | null;
  done: string | null;
  not_before: string | null;
}

export interface Connection {
  id: number;
  name: string;
  connector: string | null;
  environment: string | null;
  status: string | null;
  username: string | null;
  org_id: string | null;
  org_name: string | null;
  login_url: string | null;
  instance_url: string | null;
  client_id: string | null;
  scopes: string | null;
  connected: string | null;
  last_used: string | null;
  daily_call_budget: number | null;
  is_default: boolean;
  may_build: boolean;
}
export interface Finding {
  check: string;
  verdict: "pass" | "warning" | "fail" | "unknown";
  evidence: string | null;
  cause: string | null;
  fix: string | null;
  who: string | null;
}
export interface Problem {
  code: string;
  message: string;
  cause?: string | null;
  hint?: string | null;
}
export interface SignInState {
  state: "none" | "waiting" | "connected" | "failed";
  since: string | null;
  problem: Problem | null;
  lacks: Finding[];
}
export interface Identity {
  username: string | null;
  display_name: string | null;
  email: string | null;
  profile: string | null;
  licence: string | null;
  permission_sets: string[] | null;
  org_id: string | null;
  org_name: string | null;
  edition: string | null;
  sandbox: boolean;
  integration_user: boolean;
  scopes_asked: string | null;
  scopes_missing: string | null;
  limit_used: number | null;
  limit_max: number | null;
}
export interface OrgObject {
  name: string;
  label: string | null;
  custom: boolean;
  queryable?: boolean;
  createable?: boolean;
  updateable?: boolean;
}
export interface Choice {
  value: string;
  label: string | null;
  active: boolean;
}
export interface Field {
  name: string;
  label: string | null;
  type: string;
  length: number;
  required: boolean;
  createable: boolean;
  updateable: boolean;
  unique: boolean;
  external_id: boolean;
  calculated: boolean;
  custom: boolean;
  restricted: boolean;
  choices: Choice[];
  refers_to: string[];
  relationship: string | null;
}

export interface KindOption {
  name: string;
  type: string;
  required: boolean;
  help: string | null;
  fallback: string | null;
  allowed: string[];
  min: number | null;
  max: number | null;
}
export interface ColumnKind {
  name: string;
  title: string;
  help: string | null;
  bare: string | null;
  writes: boolean;
  typed: boolean;
  type: string;
  options: KindOption[];
}
export interface SourceKind {
  name: string;
  key: string;
  chosen_by: string | null;
  title: string;
  help: string | null;
  bare: string | null;
  every: string | null;
  when_deleted: string | null;
  options: KindOption[];
}
export interface Preview {
  rows: {
    row_id: number;
    value: string | null;
    state: string;
    code: string | null;
    message: string | null;
    write: { kind: string; object: string; target: string | null; set: Record<string, unknown>; before: Record<string, unknown> | null } | null;
  }[];
  calls: number;
}
export interface Scheduled {
  table_id: number;
  table: string;
  /** One of these two is null. */
  source: string | null;
  column: string | null;
  column_id: number | null;
  rows: string | null;
  kind: string | null;
  connection: string | null;
  every: string | null;
  next: string | null;
  last: string | null;
  run_id: number | null;
  missed: number;
  skipped: number;
  running: boolean;
  paused: boolean;
  problem: string | null;
}
export interface User {
  id: number;
  login: string;
  name: string | null;
  role: Role;
  disabled: boolean;
  invited: boolean;
  created: string | null;
  signed_in: string | null;
}
export interface CellEditResult {
  saved: number;
  same: number;
  unfit: { row_id: number; column_id: number; message: string }[];
  crossed: { row_id: number; column_id: number; value: string | null; who: string | null; at: string | null }[];
}
export interface CellEdit {
  id: number;
  at: string | null;
  who: string;
  old: string | null;
  new: string | null;
}
/** Something computes it: it comes neither from the source nor from people. */
export function isComputed(column: Pick<Column, "kind" | "typed">): boolean {
  return column.kind !== "source" && !column.typed;
}
export interface Gate {
  kind: "canary" | "lock";
  state: string;
  column: string | null;
  run: number | null;
  rows: number | null;
  due: number | null;
  who: string | null;
  at: string | null;
}
interface AlertWay {
  state: string;
  tries: number;
  next: string | null;
  error: string | null;
}
export interface Alert {
  id: number;
  kind: string;
  table_id: number | null;
  run_id: number | null;
  at: string | null;
  last: string | null;
  times: number;
  subject: string | null;
  message: string | null;
  seen: string | null;
  seen_by: string | null;
  email: AlertWay;
  webhook: AlertWay;
}
export interface AlertSettings {
  email: string[];
  from: string | null;
  server: string | null;
  user: string | null;
  password_secret: string | null;
  ca_file: string | null;
  webhook: string | null;
  authorization: string | null;
  webhook_private: boolean;
  failure_rate: number;
}

export interface TableVersion {
  number: number;
  at: string | null;
  who: string | null;
  note: string | null;
  auto_update: boolean;
  recipe?: string;
}
export interface MergedRow {
  row: number;
  key: string | null;
  into: number;
  into_key: string | null;
  same: string;
  at: string;
  restored: boolean;
}
export interface DedupePreview {
  as: string;
  rows: number;
  blank: number;
  values: number;
  merged: number;
  first: { value: string; row: number; key: string | null; others: number }[];
}
export interface HistoryLine {
  id: number;
  at: string;
  what: string;
  by: "import" | "result" | "person";
  column_id: number | null;
  run_id: number | null;
  old: string | null;
  new: string | null;
}
export interface WritePromise {
  writes: boolean;
  mode: string | null;
  promise: string | null;
  object: string | null;
  key: string | null;
  approved_mode: string | null;
  advice: string | null;
}
export interface Seal {
  object: string;
  field: string;
  sealed: boolean;
  there: boolean;
  steps: string[];
  clicks: string[];
  why?: string | null;
}
export interface Hold {
  connection: string;
  held: boolean;
  why: string | null;
  since: string;
  lost_from: string | null;
  released: string | null;
  released_by: string | null;
  old_sign_in: boolean;
  operations: number;
  unsure: number;
  adopted: number;
  to_send: number;
  in_doubt: number;
}
