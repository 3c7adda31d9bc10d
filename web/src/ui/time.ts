// Moments in the person's zone, plain words for how long ago, UTC for those who hover.
let zone: string | undefined;

export function setZone(name: string | null): void {
  zone = undefined;
  if (!name) return;
  try {
    new Intl.DateTimeFormat("en", { timeZone: name });
    zone = name;
  } catch {
    // a zone that this browser does not know: its own stays
  }
}

function format(iso: string, options: Intl.DateTimeFormatOptions): string {
  return new Intl.DateTimeFormat("en-GB", { ...options, ...(zone ? { timeZone: zone } : {}) }).format(new Date(iso));
}
export function clockTime(iso: string): string {
  return format(iso, { hour: "2-digit", minute: "2-digit" });
}
export function fullTime(iso: string): string {
  return format(iso, { day: "numeric", month: "short", year: "numeric", hour: "2-digit", minute: "2-digit" });
}
export function utcTime(iso: string): string {
  return `${iso.replace("T", " ").replace(/\.\d+Z$|Z$/, "")} UTC`;
}

export function ago(iso: string, now = Date.now()): string {
  const seconds = Math.round((now - Date.parse(iso)) / 1000);
  if (seconds < 0) return until(-seconds, iso);
  if (seconds < 10) return "just now";
  if (seconds < 60) return `${seconds} s ago`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min ago`;
  if (seconds < 86400) return `${Math.floor(seconds / 3600)} h ago`;
  return fullTime(iso);
}
function until(seconds: number, iso: string): string {
  if (seconds < 60) return `in ${seconds} s`;
  if (seconds < 3600) return `in ${Math.round(seconds / 60)} min`;
  if (seconds < 86400) return `in ${Math.round(seconds / 3600)} h`;
  return fullTime(iso);
}
export function lasting(from: string, to: string | null): string {
  const seconds = ((to ? Date.parse(to) : Date.now()) - Date.parse(from)) / 1000;
  if (seconds < 60) return `${seconds.toFixed(seconds < 10 ? 1 : 0)} s`;
  return `${Math.floor(seconds / 60)} min ${Math.round(seconds % 60)} s`;
}

const grouped = new Intl.NumberFormat("en-US");
export function count(n: number): string {
  return grouped.format(n);
}
export function plural(n: number, one: string, many = `${one}s`): string {
  return `${count(n)} ${n === 1 ? one : many}`;
}
