// Small parts that every screen uses.
import { useEffect, useId, useRef, useState, type ButtonHTMLAttributes, type ReactNode } from "react";
import { ApiError } from "../api/client";
import { Icon } from "./icons";
import { SHAPES, stateLook } from "./states";
import { ago, fullTime, utcTime } from "./time";

type ButtonProps = ButtonHTMLAttributes<HTMLButtonElement> & {
  look?: "plain" | "primary" | "danger" | "quiet";
  icon?: string;
  /** Why it cannot be pressed; it stays visible and says so. */
  bar?: string | null;
  busy?: boolean;
};

export function Button({ look = "plain", icon, bar, busy, children, title, disabled, ...rest }: ButtonProps) {
  return (
    <button type="button" {...rest} className={`button ${look} ${rest.className ?? ""}`} disabled={disabled || busy || !!bar}
      title={bar ?? title} aria-busy={busy || undefined}>
      {icon && <Icon name={icon} />}
      {children}
    </button>
  );
}

export function IconButton({ icon, label, ...rest }: ButtonHTMLAttributes<HTMLButtonElement> & { icon: string; label: string }) {
  return (
    <button type="button" {...rest} className={`icon-button ${rest.className ?? ""}`} aria-label={label} title={rest.title ?? label}>
      <Icon name={icon} />
    </button>
  );
}

export function Field({ label, term, help, error, children }: {
  label: string;
  term?: string;
  help?: ReactNode;
  error?: string | null;
  children: (id: string, describedBy: string | undefined) => ReactNode;
}) {
  const id = useId();
  const told = error || help ? `${id}-told` : undefined;
  return (
    <div className={`field ${error ? "wrong" : ""}`}>
      <label htmlFor={id}>
        {label}
        {term && <span className="term"> ({term})</span>}
      </label>
      {children(id, told)}
      {(error || help) && (
        <div id={told} className={error ? "field-error" : "field-help"}>
          {error || help}
        </div>
      )}
    </div>
  );
}

export function TextField({ label, term, help, error, value, onChange, type = "text", ...rest }: {
  label: string;
  term?: string;
  help?: ReactNode;
  error?: string | null;
  value: string;
  onChange: (value: string) => void;
  type?: string;
  autoComplete?: string;
  autoFocus?: boolean;
  placeholder?: string;
  required?: boolean;
  spellCheck?: boolean;
  list?: string;
}) {
  return (
    <Field label={label} {...(term ? { term } : {})} help={help} error={error ?? null}>
      {(id, told) => <input id={id} type={type} value={value} aria-describedby={told} {...rest} onChange={(event) => onChange(event.target.value)} />}
    </Field>
  );
}

export function SelectField({ label, term, help, value, onChange, options }: {
  label: string;
  term?: string;
  help?: ReactNode;
  value: string;
  onChange: (value: string) => void;
  options: { value: string; label: string; disabled?: boolean }[];
}) {
  return (
    <Field label={label} {...(term ? { term } : {})} help={help}>
      {(id, told) => (
        <select id={id} value={value} aria-describedby={told} onChange={(event) => onChange(event.target.value)}>
          {options.map((option) => (
            <option key={option.value} value={option.value} disabled={option.disabled ?? false}>
              {option.label}
            </option>
          ))}
        </select>
      )}
    </Field>
  );
}

/** An error that says what, why and what to do. */
export function ErrorBox({ error, children }: { error: unknown; children?: ReactNode }) {
  const box = useRef<HTMLDivElement>(null);
  useEffect(() => {
    void box.current?.scrollIntoView({ block: "nearest" }); // newer browsers answer with a promise, which is no clean-up
  }, [error]);
  if (!error) return null;
  const problem = error instanceof ApiError ? error : null;
  return (
    <div ref={box} className="error-box" role="alert">
      <Icon name="warn" />
      <div>
        <strong>{problem ? problem.body.message : String(error)}</strong>
        {problem?.body.where && <span className="term"> ({problem.body.where})</span>}
        {problem?.body.cause && <p>{problem.body.cause}</p>}
        {problem?.body.hint && <p>{problem.body.hint}</p>}
        {problem && problem.more.some((one) => one.message !== problem.body.message) && (
          <ul>
            {problem.more.map((one, at) => (
              <li key={at}>
                {one.where && <code>{one.where}</code>} {one.message} {one.hint && <span className="muted">{one.hint}</span>}
              </li>
            ))}
          </ul>
        )}
        {problem?.body.id && <p className="muted">Number for your administrator: <code>{problem.body.id}</code></p>}
        {children}
      </div>
    </div>
  );
}

export function Empty({ icon, title, children, actions }: { icon: string; title: string; children?: ReactNode; actions?: ReactNode }) {
  return (
    <div className="empty">
      <div className="empty-picture">
        <Icon name={icon} size={32} />
      </div>
      <h2>{title}</h2>
      {children && <div className="empty-text">{children}</div>}
      {actions && <div className="actions">{actions}</div>}
    </div>
  );
}

/** Appears only when something takes longer than a blink. */
export function Loading({ what = "Loading" }: { what?: string }) {
  const [late, setLate] = useState(false);
  useEffect(() => {
    const timer = window.setTimeout(() => setLate(true), 150);
    return () => window.clearTimeout(timer);
  }, []);
  return (
    <div className="loading" role="status">
      {late && (
        <>
          <span className="skeleton" />
          <span className="skeleton" />
          <span className="skeleton" />
          <span className="visually-hidden">{what}</span>
        </>
      )}
    </div>
  );
}

export function Time({ at, none = "–", exact = false }: { at: string | null | undefined; none?: string; exact?: boolean }) {
  if (!at) return <span className="muted">{none}</span>;
  return (
    <time dateTime={at} title={`${fullTime(at)} · ${utcTime(at)}`}>
      {exact ? fullTime(at) : ago(at)}
    </time>
  );
}

export function StateMark({ state, words = true }: { state: string; words?: boolean }) {
  const look = stateLook(state);
  return (
    <span className={`state tone-${look.tone}`}>
      <svg width="12" height="12" viewBox="0 0 12 12" aria-hidden="true">
        <path d={SHAPES[look.icon]} fill="currentColor" fillRule="evenodd" />
      </svg>
      {words ? <span>{look.word}</span> : <span className="visually-hidden">{look.word}</span>}
    </span>
  );
}

export function Bar({ done, total, label, tone = "accent" }: { done: number; total: number | null; label: string; tone?: string }) {
  const share = total ? Math.min(1, done / total) : 0;
  return (
    <div className={`bar tone-${tone} ${total ? "" : "unknown"}`} role="progressbar" aria-label={label} aria-valuemin={0}
      aria-valuemax={100} {...(total ? { "aria-valuenow": Math.round(share * 100) } : {})}>
      <div style={{ transform: `scaleX(${total ? share : 1})` }} />
    </div>
  );
}

export function Copy({ text, label = "Copy" }: { text: string; label?: string }) {
  const [copied, setCopied] = useState(false);
  return (
    <Button look="quiet" icon={copied ? "check" : "copy"} onClick={() => {
      void navigator.clipboard.writeText(text).then(() => {
        setCopied(true);
        window.setTimeout(() => setCopied(false), 1500);
      });
    }}>
      {copied ? "Copied" : label}
    </Button>
  );
}
