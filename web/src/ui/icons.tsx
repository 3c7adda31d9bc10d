// Line icons in a box of 16, drawn with the text's colour.
const PATHS: Record<string, string> = {
  tables: "M2 3.5h12v9H2zM2 6.5h12M6 6.5v6",
  runs: "M5 3.2v9.6l7.5-4.8z",
  approve: "M2.5 8.5 6 12l7.5-8",
  doubt: "M5.6 6a2.4 2.4 0 1 1 3.6 2c-.8.5-1.2.9-1.2 1.8M8 12.4v.4",
  journal: "M3.5 2.5h9v11h-9zM6 5.5h4M6 8h4M6 10.5h2.5",
  settings: "M8 5.6a2.4 2.4 0 1 1 0 4.8 2.4 2.4 0 0 1 0-4.8zM8 1.8v2M8 12.2v2M1.8 8h2M12.2 8h2M3.6 3.6 5 5M11 11l1.4 1.4M12.4 3.6 11 5M5 11l-1.4 1.4",
  plus: "M8 3v10M3 8h10",
  search: "M7 2.5a4.5 4.5 0 1 1 0 9 4.5 4.5 0 0 1 0-9zM10.5 10.5 14 14",
  caret: "M4 6l4 4 4-4",
  close: "M4 4l8 8M12 4l-8 8",
  more: "M3.5 8h.01M8 8h.01M12.5 8h.01",
  sort: "M5 3v10M5 13l-2.5-2.5M5 13l2.5-2.5M11 13V3M11 3 8.5 5.5M11 3l2.5 2.5",
  up: "M8 13V3M8 3 4.5 6.5M8 3l3.5 3.5",
  down: "M8 3v10M8 13l-3.5-3.5M8 13l3.5-3.5",
  filter: "M2.5 3.5h11L9.5 8.5v4l-3 1v-5z",
  hide: "M2 8s2.2-4 6-4 6 4 6 4-2.2 4-6 4-6-4-6-4zM8 6.4a1.6 1.6 0 1 1 0 3.2 1.6 1.6 0 0 1 0-3.2z",
  pin: "M8 9.5V14M5 2.5h6l-1 3.5 2 3H4l2-3z",
  stop: "M4 4h8v8H4z",
  sync: "M13 5.5A5.5 5.5 0 0 0 3.2 5M3 10.5a5.5 5.5 0 0 0 9.8.5M3.2 2.2V5H6M12.8 13.8V11H10",
  cloud: "M4.5 12.5a3 3 0 0 1-.3-6 4 4 0 0 1 7.6 1 2.5 2.5 0 0 1-.3 5z",
  key: "M10.5 2.8a2.8 2.8 0 1 1-2.3 4.3L3 12.3V14h2v-1.5h1.5V11H8l1.2-1.2",
  users: "M6 3a2.3 2.3 0 1 1 0 4.6A2.3 2.3 0 0 1 6 3zM1.8 13c.3-2.6 2-4 4.2-4s3.9 1.4 4.2 4M10.8 3.4a2.1 2.1 0 0 1 0 4M11.6 9.2c1.6.4 2.5 1.7 2.7 3.8",
  lock: "M4 7.5h8v6H4zM5.5 7.5V5.5a2.5 2.5 0 0 1 5 0v2",
  sun: "M8 5.2a2.8 2.8 0 1 1 0 5.6 2.8 2.8 0 0 1 0-5.6zM8 1.5v1.6M8 12.9v1.6M1.5 8h1.6M12.9 8h1.6M3.4 3.4l1.1 1.1M11.5 11.5l1.1 1.1M12.6 3.4l-1.1 1.1M4.5 11.5l-1.1 1.1",
  moon: "M13 9.5A5.5 5.5 0 1 1 6.5 3 4.5 4.5 0 0 0 13 9.5z",
  copy: "M5.5 5.5h8v8h-8zM10.5 5.5v-3h-8v8h3",
  link: "M6.5 9.5l3-3M7 4.5l1.2-1.2a2.8 2.8 0 0 1 4 4L11 8.5M9 11.5l-1.2 1.2a2.8 2.8 0 0 1-4-4L5 7.5",
  out: "M6.5 3h-4v10h11V9.5M9 2.5h4.5V7M13.2 2.8 7.5 8.5",
  check: "M3 8.5 6.5 12 13 4.5",
  warn: "M8 2.5 14.5 13.5h-13zM8 6.5v3.2M8 11.6v.2",
  info: "M8 2a6 6 0 1 1 0 12A6 6 0 0 1 8 2zM8 7.2V11M8 5v.3",
  left: "M10 4 6 8l4 4",
  right: "M6 4l4 4-4 4",
  file: "M4 2.5h5l3 3v8H4zM9 2.5v3h3",
  code: "M5.5 4.5 2 8l3.5 3.5M10.5 4.5 14 8l-3.5 3.5",
  clock: "M8 2a6 6 0 1 1 0 12A6 6 0 0 1 8 2zM8 4.8V8l2.2 1.6",
  list: "M5.5 4h8M5.5 8h8M5.5 12h8M2.5 4h.01M2.5 8h.01M2.5 12h.01",
  chart: "M2.5 13.5h11M4.5 13.5V8M8 13.5V3.5M11.5 13.5V6",
  trash: "M3 4.5h10M6 4.5v-2h4v2M4.5 4.5l.5 9h6l.5-9",
  edit: "M3 13l.6-2.8 7-7 2.2 2.2-7 7z",
  person: "M8 2.5a2.6 2.6 0 1 1 0 5.2 2.6 2.6 0 0 1 0-5.2zM2.8 14c.4-3 2.4-4.6 5.2-4.6s4.8 1.6 5.2 4.6",
};
export type IconName = keyof typeof PATHS & string;

export function Icon({ name, size = 16 }: { name: string; size?: number }) {
  return (
    <svg className="icon" width={size} height={size} viewBox="0 0 16 16" aria-hidden="true" focusable="false">
      <path d={PATHS[name] ?? ""} fill="none" stroke="currentColor" strokeWidth="1.4" strokeLinecap="round" strokeLinejoin="round" />
    </svg>
  );
}
