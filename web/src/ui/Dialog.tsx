// Questions that want an answer before anything goes on, and short notes that do not.
import { useEffect, useId, useRef, useState, useSyncExternalStore, type ReactNode } from "react";
import { Button, ErrorBox } from "./parts";

export function Dialog({ title, onClose, children, wide = false }: { title: string; onClose: () => void; children: ReactNode; wide?: boolean }) {
  const box = useRef<HTMLDialogElement>(null);
  const id = useId();
  useEffect(() => {
    const dialog = box.current;
    if (dialog && !dialog.open) dialog.showModal();
    return () => dialog?.close();
  }, []);
  return (
    <dialog ref={box} className={`dialog ${wide ? "wide" : ""}`} aria-labelledby={id} onCancel={(event) => {
      event.preventDefault();
      onClose();
    }}>
      <h2 id={id}>{title}</h2>
      {children}
    </dialog>
  );
}

/** A question with one deed; stays open and says why when the deed fails. */
export function Confirm({ title, children, deed, danger = false, onClose, run, ready = true, keep = false }: {
  title: string;
  children: ReactNode;
  deed: string;
  danger?: boolean;
  ready?: boolean;
  /** The deed is only a step: the question stays open behind it. */
  keep?: boolean;
  onClose: () => void;
  run: () => Promise<unknown>;
}) {
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<unknown>(null);
  return (
    <Dialog title={title} onClose={onClose}>
      <form onSubmit={(event) => {
        event.preventDefault();
        setBusy(true);
        setError(null);
        run().then(() => (keep ? setBusy(false) : onClose()), (problem: unknown) => {
          setError(problem);
          setBusy(false);
        });
      }}>
        {children}
        <ErrorBox error={error} />
        <div className="actions end">
          <Button onClick={onClose}>Cancel</Button>
          <Button type="submit" look={danger ? "danger" : "primary"} busy={busy} disabled={!ready}>
            {deed}
          </Button>
        </div>
      </form>
    </Dialog>
  );
}

/* ---- notes at the bottom */
interface Note {
  id: number;
  text: string;
  tone: "ok" | "err";
  deed?: { label: string; run: () => void };
}
let notes: Note[] = [];
let nextNote = 1;
const noteWatchers = new Set<() => void>();

function setNotes(list: Note[]): void {
  notes = list;
  for (const told of noteWatchers) told();
}
export function dropNote(id: number): void {
  setNotes(notes.filter((note) => note.id !== id));
}
export function note(text: string, tone: "ok" | "err" = "ok", deed?: Note["deed"]): void {
  const id = nextNote++;
  setNotes([...notes.slice(-3), { id, text, tone, ...(deed ? { deed } : {}) }]);
  if (tone === "ok" && !deed) window.setTimeout(() => dropNote(id), 5000);
}
/** Runs a deed; a failure becomes a note that stays. */
export function attempt(deed: Promise<unknown>, done?: string): void {
  deed.then(
    () => done && note(done),
    (problem: unknown) => note(problem instanceof Error ? problem.message : String(problem), "err"),
  );
}
export function Notes() {
  const list = useSyncExternalStore((told) => {
    noteWatchers.add(told);
    return () => void noteWatchers.delete(told);
  }, () => notes);
  return (
    <div className="notes" role="status" aria-live="polite">
      {list.map((one) => (
        <div key={one.id} className={`note tone-${one.tone}`}>
          <span>{one.text}</span>
          {one.deed && <button type="button" className="link" onClick={() => {
            dropNote(one.id);
            one.deed?.run();
          }}>{one.deed.label}</button>}
          <button type="button" className="icon-button" aria-label="Dismiss" onClick={() => dropNote(one.id)}>×</button>
        </div>
      ))}
    </div>
  );
}
