// The event stream: says what changed, resumes by itself, knows when the server was
// restarted, and tells the page when the connection is lost.
import { useEffect, useSyncExternalStore } from "react";
import { invalidate } from "./cache";
import { beginStream, endStream, streamStands } from "./heard";
import { ROOT } from "./root";
import type { Progress } from "./types";

export interface RowsEvent {
  table_id: number;
  rows: number[];
  many: boolean;
}
export interface RunEvent {
  run_id: number;
  table_id: number;
  progress: Progress | null;
}
interface Listeners {
  /** The server answers (again), however short it was away. */
  hello: Set<() => void>;
  rows: Set<(event: RowsEvent) => void>;
  run: Set<(event: RunEvent) => void>;
  /** What happened meanwhile is not known: ask for everything again. */
  reset: Set<() => void>;
}
export interface Link {
  up: boolean;
  since: number;
  nextTry: number;
}

const listeners: Listeners = { hello: new Set(), rows: new Set(), run: new Set(), reset: new Set() };
const unheard = new Set<number>();
const linkWatchers = new Set<() => void>();
const RETRY_MS = [500, 1000, 2000, 5000];
let link: Link = { up: true, since: Date.now(), nextTry: 0 };
let stream: EventSource | null = null;
let timer = 0;
let tries = 0;
let boot: string | null = null;
let lastId = "";

function setLink(up: boolean, nextTry = 0): void {
  link = { up, since: up === link.up ? link.since : Date.now(), nextTry };
  for (const told of linkWatchers) told();
}

function everything(): void {
  invalidate("/");
  for (const told of listeners.reset) told();
}

function greeted(event: Event, kind: "hello" | "reset"): void {
  const message = event as MessageEvent<string>;
  const told = (JSON.parse(message.data) as { boot: string }).boot;
  const missed = kind === "reset" || (boot !== null && boot !== told);
  boot = told;
  tries = 0;
  setLink(true);
  for (const told of listeners.hello) told();
  if (missed) everything();
  streamStands(message.lastEventId);
}

function again(): void {
  stream?.close();
  stream = null;
  const wait = RETRY_MS[Math.min(tries++, RETRY_MS.length - 1)] ?? 5000;
  window.clearTimeout(timer);
  timer = window.setTimeout(open, wait);
  if (tries > 1) setLink(false, Date.now() + wait);
}

function on<T>(name: string, run: (data: T) => void): void {
  stream?.addEventListener(name, (event) => {
    const message = event as MessageEvent<string>;
    if (message.lastEventId) lastId = message.lastEventId;
    run(JSON.parse(message.data) as T);
  });
}

function open(): void {
  const from = beginStream(lastId, everything);
  stream = new EventSource(`${ROOT}/events${from ? `?last_id=${encodeURIComponent(from)}` : ""}`);
  stream.addEventListener("hello", (event) => greeted(event, "hello"));
  stream.addEventListener("reset", (event) => greeted(event, "reset"));
  on<RowsEvent>("rows", (event) => {
    if (!listeners.rows.size) unheard.add(event.table_id);
    for (const told of listeners.rows) told(event);
    soon("/tables");
  });
  on<{ table_id: number }>("table", () => invalidate("/tables", "/schedules"));
  on<RunEvent>("run", (event) => {
    for (const told of listeners.run) told(event);
    soon("/runs");
  });
  on<unknown>("connection", () => invalidate("/connections"));
  on<unknown>("journal", () => soon("/journal"));
  on<unknown>("alert", () => invalidate("/alerts"));
  on<unknown>("plan", () => invalidate("/plans", "/runs"));
  stream.addEventListener("bye", again);
  stream.onerror = again;
}

/* Counts need not follow every tenth of a second. */
const waiting = new Set<string>();
function soon(prefix: string): void {
  if (waiting.has(prefix)) return;
  waiting.add(prefix);
  window.setTimeout(() => {
    waiting.delete(prefix);
    invalidate(prefix);
  }, 700);
}

/** Opens the stream for as long as somebody is signed in. */
export function useEventStream(signedIn: boolean): void {
  useEffect(() => {
    if (!signedIn) return;
    open();
    return () => {
      window.clearTimeout(timer);
      stream?.close();
      stream = null;
      boot = null;
      lastId = "";
      unheard.clear();
      endStream();
    };
  }, [signedIn]);
}

/** Whether rows of the table changed while nobody listened. Asked once. */
export function changedUnheard(table: number): boolean {
  return unheard.delete(table);
}

export function useLink(): Link {
  return useSyncExternalStore(
    (told) => {
      linkWatchers.add(told);
      return () => void linkWatchers.delete(told);
    },
    () => link,
  );
}

export function listen<K extends keyof Listeners>(what: K, told: Listeners[K] extends Set<infer F> ? F : never): () => void {
  const set = listeners[what] as Set<typeof told>;
  set.add(told);
  return () => void set.delete(told);
}
