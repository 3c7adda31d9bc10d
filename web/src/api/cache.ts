// Answers to GET by their path, shared by whoever shows them. An old answer stays on
// the screen while a new one is fetched; events say what to fetch again (events.ts).
import { useEffect, useSyncExternalStore } from "react";
import { ApiError, get } from "./client";
import { sameWhereEqual } from "./same";

interface Entry {
  value: unknown;
  error: ApiError | null;
  stale: boolean;
  fetching: boolean;
  again: boolean;
  watchers: Set<() => void>;
  shown: Answer<unknown>;
}
export interface Answer<T> {
  data: T | undefined;
  error: ApiError | null;
  loading: boolean;
}

const KEPT = 300;
const entries = new Map<string, Entry>();
const NOTHING: Answer<never> = { data: undefined, error: null, loading: false };

function entryOf(path: string): Entry {
  let entry = entries.get(path);
  if (!entry) {
    entry = { value: undefined, error: null, stale: true, fetching: false, again: false, watchers: new Set(), shown: { data: undefined, error: null, loading: true } };
    entries.set(path, entry);
    forgetOld();
  }
  return entry;
}

function forgetOld(): void {
  if (entries.size <= KEPT) return;
  for (const [path, entry] of entries) {
    if (!entry.watchers.size && !entry.fetching) entries.delete(path);
    if (entries.size <= KEPT) return;
  }
}

function show(entry: Entry): void {
  const { data, error, loading } = entry.shown;
  if (data === entry.value && error === entry.error && loading === entry.fetching) return;
  entry.shown = { data: entry.value, error: entry.error, loading: entry.fetching };
  for (const told of entry.watchers) told();
}

async function fetchInto(path: string, entry: Entry): Promise<void> {
  if (entry.fetching) {
    entry.again = true;
    return;
  }
  entry.fetching = true;
  entry.stale = false;
  try {
    entry.value = sameWhereEqual(entry.value, await get(path));
    entry.error = null;
  } catch (problem) {
    entry.error = problem instanceof ApiError ? problem : new ApiError(0, { code: "internal", message: String(problem) });
  }
  entry.fetching = false;
  show(entry);
  if (entry.again) {
    entry.again = false;
    void fetchInto(path, entry);
  }
}

/** The answer to GET path, kept up to date; null asks nothing. */
export function useAnswer<T>(path: string | null): Answer<T> {
  const answer = useSyncExternalStore(
    (told) => {
      if (path === null) return () => {};
      const entry = entryOf(path);
      entry.watchers.add(told);
      return () => void entry.watchers.delete(told);
    },
    () => (path === null ? NOTHING : entryOf(path).shown),
  );
  useEffect(() => {
    if (path === null) return;
    const entry = entryOf(path);
    if (entry.stale && !entry.fetching) void fetchInto(path, entry);
  }, [path]);
  return answer as Answer<T>;
}

/** Everything below these paths may have changed. */
export function invalidate(...prefixes: string[]): void {
  for (const [path, entry] of entries) {
    if (!prefixes.some((prefix) => path.startsWith(prefix))) continue;
    entry.stale = true;
    if (entry.watchers.size) void fetchInto(path, entry);
  }
}

/** What was answered to a change is the newest state. */
export function keep(path: string, value: unknown): void {
  const entry = entryOf(path);
  entry.value = sameWhereEqual(entry.value, value);
  entry.error = null;
  entry.stale = false;
  show(entry);
}

export function forgetAll(): void {
  entries.clear();
}
