// Who did what, newest first; the chain of lines can be checked.
import { useState } from "react";
import { useAnswer } from "../api/cache";
import { get } from "../api/client";
import { Page } from "../ui/Page";
import { Button, ErrorBox, Loading, Time } from "../ui/parts";
import { attempt } from "../ui/Dialog";
import { plural } from "../ui/time";

interface Line {
  id: number;
  at: string | null;
  who: string;
  what: string;
  detail: unknown;
}
interface Lines {
  lines: Line[];
  next: number | null;
}

export function AuditPage() {
  const answer = useAnswer<Lines>("/audit?limit=100");
  const [older, setOlder] = useState<Lines>({ lines: [], next: null });
  const [checked, setChecked] = useState<string | null>(null);
  const [problem, setProblem] = useState<unknown>(null);
  const lines = [...(answer.data?.lines ?? []), ...older.lines];
  const next = older.lines.length ? older.next : answer.data?.next ?? null;
  return (
    <Page title="Audit" wide lead="Each line seals the one before it." actions={<Button icon="check" onClick={() => void get<{ lines: number }>("/audit/check").then((done) => setChecked(`The chain of ${plural(done.lines, "line")} is whole.`), setProblem)}>Check the chain</Button>}>
      {checked && <p className="tone-ok" role="status">{checked}</p>}
      <ErrorBox error={answer.error ?? problem} />
      {!answer.data && !answer.error && <Loading />}
      <table className="list dense">
        <thead><tr><th scope="col">When</th><th scope="col">Who</th><th scope="col">What</th><th scope="col">Detail</th></tr></thead>
        <tbody>
          {lines.map((line) => (
            <tr key={line.id}>
              <td><Time at={line.at} exact /></td>
              <td>{line.who}</td>
              <td>{line.what}</td>
              <td className="muted small detail">{line.detail === null ? "" : JSON.stringify(line.detail)}</td>
            </tr>
          ))}
        </tbody>
      </table>
      {next && <Button onClick={() => attempt(get<Lines>(`/audit?limit=100&before=${next}`).then((more) => setOlder({ lines: [...older.lines, ...more.lines], next: more.next })))}>Older</Button>}
    </Page>
  );
}
