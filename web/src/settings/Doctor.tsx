// What may be in the way, each with its evidence, its cause, who must click where.
import { useState } from "react";
import { post, seg } from "../api/client";
import type { Finding, Problem } from "../api/types";
import { Icon } from "../ui/icons";
import { Button, Copy, ErrorBox } from "../ui/parts";

const MARKS: Record<Finding["verdict"], { icon: string; tone: string; word: string }> = {
  pass: { icon: "check", tone: "ok", word: "Fine" },
  warning: { icon: "warn", tone: "warn", word: "Warning" },
  fail: { icon: "close", tone: "err", word: "In the way" },
  unknown: { icon: "doubt", tone: "muted", word: "Cannot be told" },
};
const ORDER: Finding["verdict"][] = ["fail", "warning", "unknown", "pass"];

function FindingLine({ finding }: { finding: Finding }) {
  const mark = MARKS[finding.verdict];
  const instructions = [finding.cause, finding.fix && `Where: ${finding.fix}`, finding.who && `Who: ${finding.who}`].filter(Boolean).join("\n");
  return (
    <li className={`finding ${finding.verdict}`}>
      <span className={`tone-${mark.tone}`}><Icon name={mark.icon} /><span className="visually-hidden">{mark.word}</span></span>
      <div>
        <strong>{finding.check.charAt(0).toUpperCase() + finding.check.slice(1)}</strong>
        {finding.cause && finding.verdict !== "pass" && <p>{finding.cause}</p>}
        {finding.fix && finding.verdict !== "pass" && <p><span className="term">Where</span> {finding.fix}</p>}
        {finding.who && finding.verdict !== "pass" && <p><span className="term">Who</span> {finding.who}</p>}
        {finding.evidence && (finding.verdict === "pass" ? <span className="muted small"> {finding.evidence}</span> : <details><summary>Evidence</summary><p className="small">{finding.evidence}</p></details>)}
      </div>
      {finding.verdict !== "pass" && instructions && <Copy text={instructions} label="Copy instructions" />}
    </li>
  );
}

export function Doctor({ name, bar }: { name: string; bar: string | null }) {
  const [findings, setFindings] = useState<Finding[] | null>(null);
  const [busy, setBusy] = useState(false);
  const [problem, setProblem] = useState<unknown>(null);
  const check = () => {
    setBusy(true);
    setProblem(null);
    post<{ findings: Finding[] }>(`/connections/${seg(name)}/doctor`).then((answer) => setFindings(answer.findings), setProblem).finally(() => setBusy(false));
  };
  const sorted = [...(findings ?? [])].sort((a, b) => ORDER.indexOf(a.verdict) - ORDER.indexOf(b.verdict));
  return (
    <section className="card" aria-label="Doctor">
      <header>
        <div>
          <h2>Doctor</h2>
          <p className="muted">Checks network, sign-in, the app's policies, licence, permissions and limits, and says who must click where.</p>
        </div>
        <Button icon="check" bar={bar} busy={busy} onClick={check}>{findings ? "Check again" : "Check"}</Button>
      </header>
      <ErrorBox error={problem} />
      {findings && <ul className="findings">{sorted.map((finding) => <FindingLine key={finding.check} finding={finding} />)}</ul>}
    </section>
  );
}

/** Why a sign-in did not work: one cause, what to do, the words of Salesforce. Another user
 *  of the same org may take over once what they lack was seen. */
export function SignInProblem({ problem, lacks, onAgain, onTakeOver }: { problem: Problem; lacks: Finding[]; onAgain: () => void; onTakeOver: () => void }) {
  const instructions = [problem.message, problem.cause, problem.hint].filter(Boolean).join("\n");
  return (
    <div className="error-box big" role="alert">
      <Icon name="close" size={20} />
      <div>
        <h2>{problem.message}</h2>
        {problem.cause && <p>{problem.cause}</p>}
        {problem.hint && <p><span className="term">What to do</span> {problem.hint}</p>}
        {lacks.length > 0 && <ul className="findings" aria-label="What the new user lacks">{lacks.map((lack) => <li key={lack.evidence} className="finding fail"><div>{lack.evidence}{lack.fix && <p><span className="term">Where</span> {lack.fix}</p>}</div></li>)}</ul>}
        <div className="actions">
          <Copy text={instructions} label="Copy instructions" />
          {problem.code === "run.approval_needed" && <Button onClick={onTakeOver}>Let the new user take over</Button>}
          <Button look="primary" onClick={onAgain}>Try again</Button>
        </div>
        <p className="muted small"><code>{problem.code}</code> · Nothing was stored.</p>
      </div>
    </div>
  );
}
