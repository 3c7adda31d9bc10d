// What holds a table's writes back until a person says so: a canary batch that wants a
// look, and the lock of a table that was built on a Test Env.
import { useState } from "react";
import { invalidate, useAnswer } from "../api/cache";
import { post, seg } from "../api/client";
import type { Connection, Gate, Table } from "../api/types";
import { Link } from "../app/Link";
import { useBar } from "../app/session";
import { attempt, Confirm, note } from "../ui/Dialog";
import { environmentWord, orgName } from "../ui/Environment";
import { Icon } from "../ui/icons";
import { Button, TextField, Time } from "../ui/parts";
import { count } from "../ui/time";

async function decide(table: Table, body: Record<string, unknown>): Promise<void> {
  await post(`/tables/${seg(table.name)}/gates`, body);
  invalidate("/tables", "/runs");
}

function Canary({ table, gate, bar }: { table: Table; gate: Gate; bar: string | null }) {
  const rest = (gate.due ?? 0) - (gate.rows ?? 0);
  return (
    <div className="gate-line" role="status">
      <Icon name="warn" />
      <span><strong>{gate.column}</strong>: the first {count(gate.rows ?? 0)} records were written{gate.run ? <> by <Link to={`/journal?run=${gate.run}`}>run {gate.run}</Link></> : ""} <Time at={gate.at} />; {rest > 0 ? `${count(rest)} wait` : "the rest waits"} until somebody has looked at them in Salesforce.</span>
      <Button bar={bar} onClick={() => attempt(decide(table, { verdict: "stop", column: gate.column }), "The rest is not written.")}>Stop</Button>
      <Button look="primary" bar={bar} onClick={() => attempt(decide(table, { verdict: "approve", column: gate.column }), "Approved: the next run writes the rest.")}>They are right: go on</Button>
    </div>
  );
}

function Unlock({ table, connection, onClose }: { table: Table; connection: Connection; onClose: () => void }) {
  const [typed, setTyped] = useState("");
  return (
    <Confirm title={`Let ${table.name} write to ${orgName(connection)}?`} deed="Unlock" danger ready={typed.trim() === orgName(connection)} onClose={onClose} run={async () => {
      await decide(table, { verdict: "unlock", connection: connection.name });
      note(`${table.name} may write to ${orgName(connection)}.`);
    }}>
      <p>It was built on a Test Env. From now on its columns may change records in <strong>{orgName(connection)} ({environmentWord(connection).toLowerCase()})</strong>.</p>
      <TextField label={`Type ${orgName(connection)} to say that you mean it`} value={typed} onChange={setTyped} autoFocus spellCheck={false} />
    </Confirm>
  );
}

interface QuietHours {
  from?: string;
  to?: string;
  zone?: string;
  days?: string[];
}
/** When nothing is sent by itself, in words; null: the table has no such hours. */
export function quietText(table: Table): string | null {
  const quiet = (table.guard as { quiet_hours?: QuietHours } | null)?.quiet_hours;
  return quiet ? `${quiet.from ?? "?"} to ${quiet.to ?? "?"} ${quiet.zone ?? "UTC"}${quiet.days?.length ? `, ${quiet.days.join(", ")}` : ""}` : null;
}

export function Gates({ table, connection }: { table: Table; connection: Connection | undefined }) {
  const answer = useAnswer<{ gates: Gate[] }>(`/tables/${seg(table.name)}/gates`);
  const bar = useBar("builder");
  const [unlocking, setUnlocking] = useState(false);
  const gates = answer.data?.gates ?? [];
  const locked = gates.some((gate) => gate.kind === "lock" && gate.state === "test") && !!connection && connection.environment !== "sandbox";
  return (
    <>
      {gates.filter((gate) => gate.kind === "canary" && gate.state === "waiting").map((gate) => <Canary key={`${gate.column}`} table={table} gate={gate} bar={bar} />)}
      {locked && (
        <div className="gate-line" role="status">
          <Icon name="lock" />
          <span>This table was built on a Test Env: it writes nothing to {connection && orgName(connection)} ({connection && environmentWord(connection).toLowerCase()}) until somebody unlocks it.</span>
          <Button bar={bar} onClick={() => setUnlocking(true)}>Unlock…</Button>
        </div>
      )}
      {unlocking && connection && <Unlock table={table} connection={connection} onClose={() => setUnlocking(false)} />}
    </>
  );
}
