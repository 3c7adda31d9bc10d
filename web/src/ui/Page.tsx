// The frame of a screen that is not a grid.
import { useEffect, type ReactNode } from "react";

export function useTitle(title: string): void {
  useEffect(() => {
    document.title = `${title} · Argil`;
  }, [title]);
}

export function Page({ title, lead, actions, children, wide = false }: { title: string; lead?: ReactNode; actions?: ReactNode; children: ReactNode; wide?: boolean }) {
  useTitle(title);
  return (
    <div className={`page ${wide ? "wide" : ""}`}>
      <header className="page-head" data-region="bar">
        <div>
          <h1>{title}</h1>
          {lead && <p className="lead">{lead}</p>}
        </div>
        {actions && <div className="actions">{actions}</div>}
      </header>
      {children}
    </div>
  );
}
