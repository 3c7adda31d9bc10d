// A connection that may not write since the workspace was restored: what was found out
// about the operations that the lost time may have sent, and letting it write again.
import { useState } from "react";
import { invalidate, keep, useAnswer } from "../api/cache";
import { post, seg } from "../api/client";
import type { Hold } from "../api/types";
import { Link } from "../app/Link";
import { useBar } from "../app/session";
import { Confirm, note } from "../ui/Dialog";
import { Icon } from "../ui/icons";
import { Button, Time } from "../ui/parts";
import { plural } from "../ui/time";

export function useHold(connection: string | null | undefined): Hold | undefined {
  const answer = useAnswer<{ holds: Hold[] }>(connection ? "/holds" : null);
  return answer.data?.holds.find((hold) => hold.connection === connection && hold.held);
}

function Release({ hold, onClose }: { hold: Hold; onClose: () => void }) {
  const [forget, setForget] = useState(false);
  return (
    <Confirm title={`Let ${hold.connection} write again?`} deed="Let it write" danger onClose={onClose} run={async () => {
      keep("/holds", await post<{ holds: Hold[] }>(`/connections/${seg(hold.connection)}/release`, forget ? { forget } : {}));
      invalidate("/connections", "/journal", "/tables");
      note(`${hold.connection} writes again.`);
    }}>
      <p>Make sure that no other copy of this workspace runs anywhere: it cannot be told from here.</p>
      <p>{hold.to_send ? `${plural(hold.to_send, "operation")} that had not been made will be sent with the next run.` : "Nothing waits to be sent."}</p>
      {hold.lost_from && (
        <label className="check">
          <input type="checkbox" checked={forget} onChange={(event) => setForget(event.target.checked)} />
          <span>Do not look for new records in the lost time <span className="muted small">(faster; a record that the lost history made may come twice)</span></span>
        </label>
      )}
    </Confirm>
  );
}

/** The card on the connection's page. */
export function Held({ connection }: { connection: string }) {
  const hold = useHold(connection);
  const [asking, setAsking] = useState(false);
  const bar = useBar("admin");
  if (!hold) return null;
  const numbers: [string, number][] = [["may have been sent", hold.operations], ["still looked for", hold.unsure], ["found: had been made", hold.adopted], ["not made: to send", hold.to_send], ["in doubt", hold.in_doubt]];
  return (
    <section className="card held" aria-label="Held">
      <h2><Icon name="lock" /> Nothing is written through this connection</h2>
      <p>{hold.why} <span className="muted">· since <Time at={hold.since} exact />{hold.lost_from && <>; what happened from <Time at={hold.lost_from} exact /> on is not remembered here</>}</span></p>
      {hold.old_sign_in && <p className="tone-warn">Its sign-in is that of the copy and may be used up: reconnect it.</p>}
      <div className="numbers">{numbers.map(([what, number]) => <div key={what}><strong>{number.toLocaleString("en-US")}</strong><span>{what}</span></div>)}</div>
      {hold.in_doubt > 0 && <p><Link to="/doubt">Say what became of those in doubt</Link></p>}
      <div className="actions">
        <Button look="primary" bar={bar ?? (hold.unsure ? `${plural(hold.unsure, "operation is", "operations are")} still looked for in the org.` : null)} onClick={() => setAsking(true)}>Let it write again…</Button>
      </div>
      {asking && <Release hold={hold} onClose={() => setAsking(false)} />}
    </section>
  );
}

/** The line over a table's grid. */
export function HeldLine({ connection }: { connection: string | null }) {
  const hold = useHold(connection);
  if (!hold) return null;
  return (
    <div className="gate-line" role="status">
      <Icon name="lock" />
      <span>This workspace was put back from a copy: nothing is written through {hold.connection} until somebody says that it may.</span>
      <Link to={`/settings/connections/${encodeURIComponent(hold.connection)}`}>What was found</Link>
    </div>
  );
}
