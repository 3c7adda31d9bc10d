// Cell states: a shape, a word and a tone each, never colour alone (and the words that
// a screen reader says).
export interface StateLook {
  word: string;
  icon: string;
  tone: "muted" | "accent" | "ok" | "warn" | "err" | "wait" | "doubt";
}

const LOOKS: Record<string, StateLook> = {
  due: { word: "Waiting", icon: "ring", tone: "muted" },
  queued: { word: "Queued", icon: "ring", tone: "muted" },
  waiting: { word: "Input missing", icon: "ring-dots", tone: "muted" },
  running: { word: "Running", icon: "half", tone: "accent" },
  ok: { word: "Done", icon: "dot", tone: "ok" },
  empty: { word: "Never run", icon: "none", tone: "muted" },
  "no result": { word: "Nothing found", icon: "ring-in-ring", tone: "muted" },
  skipped: { word: "Condition not met", icon: "bar", tone: "muted" },
  retrying: { word: "Will retry", icon: "again", tone: "warn" },
  error: { word: "Failed", icon: "triangle", tone: "err" },
  refused: { word: "Refused", icon: "triangle", tone: "err" },
  "in doubt": { word: "In doubt", icon: "question", tone: "doubt" },
};

export function stateLook(state: string): StateLook {
  return LOOKS[state] ?? { word: state, icon: "ring", tone: "muted" };
}
export const STATE_NAMES = Object.keys(LOOKS);

/** Shapes in a box of 12. */
export const SHAPES: Record<string, string> = {
  none: "",
  ring: "M6 1.6a4.4 4.4 0 1 0 0 8.8 4.4 4.4 0 0 0 0-8.8zm0 1.5a2.9 2.9 0 1 1 0 5.8 2.9 2.9 0 0 1 0-5.8z",
  "ring-dots": "M6 1.2a1 1 0 1 1 0 2 1 1 0 0 1 0-2zm0 7.6a1 1 0 1 1 0 2 1 1 0 0 1 0-2zM2.2 5a1 1 0 1 1 0 2 1 1 0 0 1 0-2zm7.6 0a1 1 0 1 1 0 2 1 1 0 0 1 0-2z",
  half: "M6 1.6a4.4 4.4 0 1 0 0 8.8 4.4 4.4 0 0 0 0-8.8zm0 1.5v5.8a2.9 2.9 0 1 1 0-5.8z",
  dot: "M6 2.2a3.8 3.8 0 1 1 0 7.6 3.8 3.8 0 0 1 0-7.6z",
  "ring-in-ring": "M6 1.6a4.4 4.4 0 1 0 0 8.8 4.4 4.4 0 0 0 0-8.8zm0 1.1a3.3 3.3 0 1 1 0 6.6 3.3 3.3 0 0 1 0-6.6zM6 4.9a1.1 1.1 0 1 1 0 2.2 1.1 1.1 0 0 1 0-2.2z",
  bar: "M6 1.6a4.4 4.4 0 1 0 0 8.8 4.4 4.4 0 0 0 0-8.8zM3.4 5.2h5.2v1.6H3.4z",
  again: "M6 1.6c1.4 0 2.6.6 3.4 1.6V1.8h1.3v3.9H6.9V4.4h1.7A3 3 0 1 0 9 6.6h1.4A4.4 4.4 0 1 1 6 1.6z",
  triangle: "M6 1.2 11.2 10.6H.8zM5.3 4.4v3h1.4v-3zm0 3.8v1.2h1.4V8.2z",
  question: "M6 .9a5.1 5.1 0 1 0 0 10.2A5.1 5.1 0 0 0 6 .9zM4.2 4.7C4.2 3.6 5 3 6 3s1.9.6 1.9 1.6c0 .8-.5 1.1-.9 1.4-.3.2-.4.4-.4.7H5.3c0-.9.4-1.3.8-1.6.4-.2.5-.3.5-.6s-.2-.5-.6-.5-.6.2-.6.7zM5.3 7.5h1.4v1.3H5.3z",
};
