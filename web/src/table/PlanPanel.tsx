// What a run would write, beside the table that it would write from.
import { useAnswer } from "../api/cache";
import type { Connection, Plan, Run } from "../api/types";
import { environmentWord, orgName } from "../ui/Environment";
import { Panel } from "../ui/Panel";
import { Bar, Button, ErrorBox, Loading } from "../ui/parts";
import { PlanDeeds, PlanReview } from "../plans/PlanReview";
import { useProgress } from "./RunStrip";

export function PlanPanel({ runId, connection, onClose }: { runId: number; connection: Connection | undefined; onClose: () => void }) {
  const run = useAnswer<Run>(`/runs/${runId}`);
  const ended = !!run.data?.ended;
  const answer = useAnswer<Plan>(ended ? `/runs/${runId}/plan` : null);
  const progress = useProgress(run.data);
  const plan = answer.data?.state === "being made" ? undefined : answer.data;
  const failed = run.data?.error ?? null;
  return (
    <Panel wide title={plan ? `What it would write · plan ${plan.id}` : "What it would write"} sub={connection ? `${environmentWord(connection)} · ${orgName(connection)}` : undefined} onClose={onClose}
      foot={plan ? <PlanDeeds plan={plan} connection={connection} onClose={onClose} /> : <Button onClick={onClose}>Close</Button>}>
      <ErrorBox error={run.error ?? (failed ? null : answer.error)} />
      {failed && <p className="tone-err">{failed}</p>}
      {!ended && (
        <div className="plan-wait" role="status">
          <p>Working out what would change; nothing is sent.</p>
          <Bar done={progress?.done ?? 0} total={progress?.total ?? null} label="Rows planned" />
        </div>
      )}
      {ended && !plan && !failed && !answer.error && <Loading />}
      {plan && <PlanReview plan={plan} connection={connection} />}
    </Panel>
  );
}
