// What the first screen will ask for, asked while the app is still being put together:
// a table's page needs the session, the table and its first rows, and none of them has
// to wait for another. Each answer is taken once; whoever comes later asks anew.
import { ROOT } from "./root";

const early = new Map<string, Promise<Response>>();

function ask(path: string): void {
  const answer = fetch(ROOT + path, { credentials: "same-origin" });
  answer.catch(() => {}); // whoever takes it hears of it
  early.set(path, answer);
}

/** The same words as the grid's own first question (grid/cache.ts). */
export function beginEarly(firstRows: string): void {
  const [place, name, more] = window.location.pathname.split("/").filter(Boolean);
  if (place === "setup" || place === "link") return;
  ask("/session");
  if (place !== "tables" || !name || name === "new" || more) return;
  ask(`/tables/${name}`);
  const look = new URLSearchParams(window.location.search);
  if (!["view", "filter", "search", "sort"].some((one) => look.has(one))) ask(`/tables/${name}/window?${firstRows}`);
}

export function takeEarly(path: string): Promise<Response> | undefined {
  const answer = early.get(path);
  early.delete(path);
  return answer;
}
