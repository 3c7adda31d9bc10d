// Addresses: the path says where, the query says how (view, sort, open panel), so a
// link shows a colleague the same thing.
import { useSyncExternalStore } from "react";

export interface Place {
  parts: string[];
  query: URLSearchParams;
  hash: string;
}

const watchers = new Set<() => void>();
let here = read();

function read(): Place {
  return {
    parts: window.location.pathname.split("/").filter(Boolean).map(decodeURIComponent),
    query: new URLSearchParams(window.location.search),
    hash: window.location.hash.slice(1),
  };
}

function moved(): void {
  here = read();
  for (const told of watchers) told();
}
window.addEventListener("popstate", moved);

export function go(to: string, replace = false): void {
  if (replace) window.history.replaceState(null, "", to);
  else window.history.pushState(null, "", to);
  moved();
}

/** Changes single values of the query; null takes one away. */
export function goQuery(change: Record<string, string | null>, replace = false): void {
  const query = new URLSearchParams(window.location.search);
  for (const [name, value] of Object.entries(change))
    if (value === null || value === "") query.delete(name);
    else query.set(name, value);
  const text = query.toString();
  go(window.location.pathname + (text ? `?${text}` : ""), replace);
}

export function usePlace(): Place {
  return useSyncExternalStore(
    (told) => {
      watchers.add(told);
      return () => void watchers.delete(told);
    },
    () => here,
  );
}

export function tablePath(name: string): string {
  return `/tables/${encodeURIComponent(name)}`;
}
