// What opens beside the grid, on the right; Escape closes it and the grid has the focus again.
import { useEffect, useRef, useState, type ReactNode } from "react";
import { IconButton } from "./parts";

const KEY = "argil.panel";

export function Panel({ title, sub, onClose, children, foot, wide = false, least = 0 }: {
  title: ReactNode;
  sub?: ReactNode;
  onClose: () => void;
  children: ReactNode;
  foot?: ReactNode;
  wide?: boolean;
  /** Forms want more room than facts. */
  least?: number;
}) {
  const box = useRef<HTMLElement>(null);
  const [width, setWidth] = useState(() => Number(window.localStorage.getItem(KEY)) || 420);
  useEffect(() => {
    const keys = (event: KeyboardEvent) => {
      if (event.key !== "Escape" || document.querySelector("dialog[open], .menu")) return;
      event.preventDefault();
      onClose();
    };
    window.addEventListener("keydown", keys);
    return () => window.removeEventListener("keydown", keys);
  }, [onClose]);
  function drag(event: React.PointerEvent): void {
    const right = box.current?.getBoundingClientRect().right ?? 0;
    const move = (now: PointerEvent) => setWidth(Math.max(320, Math.min(900, right - now.clientX)));
    const end = () => {
      window.removeEventListener("pointermove", move);
      window.localStorage.setItem(KEY, String(box.current?.clientWidth ?? 420));
    };
    window.addEventListener("pointermove", move);
    window.addEventListener("pointerup", end, { once: true });
    event.preventDefault();
  }
  return (
    <aside ref={box} className={`panel ${wide ? "wide" : ""}`} style={wide ? {} : { width: Math.max(width, least) }} aria-label={typeof title === "string" ? title : "Details"} data-region="panel">
      <div className="panel-grip" onPointerDown={drag} aria-hidden="true" />
      <header>
        <div>
          <h2>{title}</h2>
          {sub && <div className="panel-sub">{sub}</div>}
        </div>
        <IconButton icon="close" label="Close" onClick={onClose} />
      </header>
      <div className="panel-body" tabIndex={0} role="region" aria-label="Content of the panel">{children}</div>
      {foot && <footer>{foot}</footer>}
    </aside>
  );
}

export function Tabs<T extends string>({ names, now, onChoose, label }: { names: readonly T[]; now: T; onChoose: (name: T) => void; label: string }) {
  return (
    <div className="tabs" role="tablist" aria-label={label}>
      {names.map((name) => (
        <button key={name} type="button" role="tab" aria-selected={name === now} tabIndex={name === now ? 0 : -1} onClick={() => onChoose(name)}
          onKeyDown={(event) => {
            const step = event.key === "ArrowRight" ? 1 : event.key === "ArrowLeft" ? -1 : 0;
            const to = step && names[(names.indexOf(now) + step + names.length) % names.length];
            if (to) {
              onChoose(to);
              ((step > 0 ? event.currentTarget.nextElementSibling : event.currentTarget.previousElementSibling) as HTMLElement | null)?.focus();
            }
          }}>
          {name}
        </button>
      ))}
    </div>
  );
}
