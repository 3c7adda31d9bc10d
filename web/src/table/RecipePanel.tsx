// The table as text: read, change, check against the org, apply as a whole.
import { useEffect, useState } from "react";
import { useAnswer } from "../api/cache";
import { seg } from "../api/client";
import type { Table } from "../api/types";
import { useBar } from "../app/session";
import { note } from "../ui/Dialog";
import { Panel } from "../ui/Panel";
import { Button, Copy, ErrorBox, Loading } from "../ui/parts";
import { applyRecipe, type Applied } from "./recipe";

export function RecipePanel({ table, onClose }: { table: Table; onClose: () => void }) {
  const answer = useAnswer<{ recipe: string }>(`/tables/${seg(table.name)}/recipe`);
  const [text, setText] = useState<string | null>(null);
  const [checked, setChecked] = useState<Applied | null>(null);
  const [problem, setProblem] = useState<unknown>(null);
  const [busy, setBusy] = useState(false);
  const bar = useBar("builder");
  useEffect(() => {
    if (text === null && answer.data) setText(answer.data.recipe);
  }, [answer.data, text]);
  const act = (dryRun: boolean) => {
    setBusy(true);
    setProblem(null);
    applyRecipe(text ?? "", table.connection, dryRun).then((done) => {
      setChecked(done);
      if (!dryRun) note(done.changes.length ? "The recipe is applied." : "Nothing had to change.");
    }, setProblem).finally(() => setBusy(false));
  };
  return (
    <Panel wide title="Recipe" sub="The table as YAML; applying checks all of it first" onClose={onClose} foot={
      <>
        {text !== null && <Copy text={text} />}
        <span className="spring" />
        <Button bar={bar} busy={busy} onClick={() => act(true)}>Check</Button>
        <Button look="primary" bar={bar} busy={busy} disabled={!checked || checked.applied} onClick={() => act(false)}>Apply</Button>
      </>
    }>
      <ErrorBox error={answer.error ?? problem} />
      {text === null ? <Loading /> : (
        <textarea className="code recipe" aria-label="Recipe" spellCheck={false} value={text} readOnly={!!bar} onChange={(event) => {
          setText(event.target.value);
          setChecked(null);
        }} />
      )}
      {checked && (
        <div className="checked" role="status">
          <strong>{checked.applied ? "Applied" : checked.changes.length ? "This would change" : "Nothing would change"}</strong>
          <ul>{checked.changes.map((line, at) => <li key={at}>{line}</li>)}</ul>
        </div>
      )}
    </Panel>
  );
}
