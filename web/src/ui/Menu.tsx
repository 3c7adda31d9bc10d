// A button with a menu below it: arrow keys move, Escape closes and gives the focus
// back, a click elsewhere closes.
import { useEffect, useId, useLayoutEffect, useRef, useState, type KeyboardEvent, type ReactNode } from "react";
import { createPortal } from "react-dom";

export interface MenuItem {
  label: ReactNode;
  hint?: string;
  danger?: boolean;
  /** Why it cannot be chosen. */
  bar?: string | null | undefined;
  checked?: boolean;
  run: () => void;
}
export type MenuEntry = MenuItem | "line" | { heading: string };

function isItem(entry: MenuEntry): entry is MenuItem {
  return typeof entry === "object" && "run" in entry;
}

export function MenuList({ entries, at, onClose, label }: { entries: MenuEntry[]; at: DOMRect; onClose: () => void; label: string }) {
  const box = useRef<HTMLDivElement>(null);
  useLayoutEffect(() => {
    const menu = box.current;
    if (!menu) return;
    const { width, height } = menu.getBoundingClientRect();
    const below = at.bottom + 4 + height <= window.innerHeight;
    menu.style.left = `${Math.max(8, Math.min(at.left, window.innerWidth - width - 8))}px`;
    menu.style.top = `${below ? at.bottom + 4 : Math.max(8, at.top - 4 - height)}px`;
    menu.querySelector<HTMLElement>("[role^=menuitem]:not([aria-disabled])")?.focus();
  }, [at]);
  useEffect(() => {
    const elsewhere = (event: PointerEvent) => {
      if (!box.current?.contains(event.target as Node)) onClose();
    };
    document.addEventListener("pointerdown", elsewhere, true);
    return () => document.removeEventListener("pointerdown", elsewhere, true);
  }, [onClose]);

  function keys(event: KeyboardEvent) {
    const items = [...(box.current?.querySelectorAll<HTMLElement>("[role^=menuitem]") ?? [])];
    const now = items.indexOf(document.activeElement as HTMLElement);
    const to = { ArrowDown: now + 1, ArrowUp: now - 1, Home: 0, End: items.length - 1 }[event.key];
    if (to !== undefined) items[(to + items.length) % items.length]?.focus();
    else if (event.key === "Escape" || event.key === "Tab") onClose();
    else return;
    event.preventDefault();
    event.stopPropagation();
  }

  return createPortal(
    <div ref={box} className="menu" role="menu" aria-label={label} onKeyDown={keys}>
      {entries.map((entry, index) => {
        if (entry === "line") return <div key={index} className="menu-line" role="separator" />;
        if (!isItem(entry)) return <div key={index} className="menu-heading" role="presentation">{entry.heading}</div>;
        return (
          <button key={index} type="button" role={entry.checked === undefined ? "menuitem" : "menuitemcheckbox"} tabIndex={-1}
            aria-checked={entry.checked} aria-disabled={entry.bar ? true : undefined} title={entry.bar ?? undefined}
            className={entry.danger ? "danger" : ""} onClick={() => {
              if (entry.bar) return;
              onClose();
              entry.run();
            }}>
            <span>{entry.checked !== undefined && <span className="menu-check">{entry.checked ? "✓" : ""}</span>}{entry.label}</span>
            {entry.hint && <kbd>{entry.hint}</kbd>}
          </button>
        );
      })}
    </div>,
    document.body,
  );
}

export function Menu({ label, className = "button plain", entries, children, disabled, title }: {
  label: string;
  className?: string;
  entries: () => MenuEntry[];
  children: ReactNode;
  disabled?: boolean;
  title?: string | undefined;
}) {
  const [at, setAt] = useState<DOMRect | null>(null);
  const opener = useRef<HTMLButtonElement>(null);
  const id = useId();
  const close = useRef(() => {
    setAt(null);
    opener.current?.focus();
  });
  const open = () => setAt(opener.current?.getBoundingClientRect() ?? null);
  return (
    <>
      <button id={id} ref={opener} type="button" className={className} aria-haspopup="menu" aria-expanded={at !== null} disabled={disabled}
        title={title} onClick={() => (at ? close.current() : open())} onKeyDown={(event) => {
          if (event.key !== "ArrowDown") return;
          event.preventDefault();
          open();
        }}>
        {children}
      </button>
      {at && <MenuList label={label} entries={entries()} at={at} onClose={close.current} />}
    </>
  );
}
