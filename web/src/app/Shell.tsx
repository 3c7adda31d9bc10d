// The rail on the left, the place on the right, and the bar that tells of a lost link.
import { Suspense, useEffect, useState } from "react";
import { useAnswer } from "../api/cache";
import { useLink } from "../api/events";
import type { Plan } from "../api/types";
import { Icon } from "../ui/icons";
import { Loading } from "../ui/parts";
import { clockTime, count } from "../ui/time";
import { Menu } from "../ui/Menu";
import { Link } from "./Link";
import { Brand } from "./Brand";
import { Jump } from "./Jump";
import { Keys } from "./Keys";
import { placeOf } from "./places";
import { Proof } from "./Proof";
import { go, usePlace } from "./router";
import { useSession } from "./session";
import { readTheme, setTheme, type Theme } from "./theme";
import { useRegions } from "./regions";

interface RailEntry {
  to: string;
  icon: string;
  label: string;
  badge?: number;
}

function useEntries(): RailEntry[] {
  const counts = useAnswer<{ states: Record<string, number> }>("/journal/counts");
  const doubts = counts.data?.states["in doubt"] ?? 0;
  const alerts = useAnswer<{ alerts: unknown[] }>("/alerts?unseen=true&limit=100");
  const waiting = useAnswer<{ plans: Plan[] }>("/plans?state=waiting&limit=100");
  return [
    { to: "/tables", icon: "tables", label: "Tables" },
    { to: "/overview", icon: "chart", label: "Overview" },
    { to: "/runs", icon: "runs", label: "Runs" },
    { to: "/approvals", icon: "approve", label: "Approvals", badge: waiting.data?.plans.length ?? 0 },
    { to: "/doubt", icon: "doubt", label: "In doubt", badge: doubts },
    { to: "/journal", icon: "journal", label: "Journal" },
    { to: "/settings", icon: "settings", label: "Settings", badge: alerts.data?.alerts.length ?? 0 },
  ];
}

function PersonMenu() {
  const { session, signOut } = useSession();
  const [theme, setNow] = useState<Theme>(readTheme);
  const choose = (to: Theme) => {
    setTheme(to);
    setNow(to);
  };
  const { person } = session;
  return (
    <Menu label="You" className="rail-person" entries={() => [
      { heading: `${person.login} · ${person.role}` },
      { label: "Own account", run: () => go("/settings/account") },
      "line",
      { label: "As the system", checked: theme === "system", run: () => choose("system") },
      { label: "Light", checked: theme === "light", run: () => choose("light") },
      { label: "Dark", checked: theme === "dark", run: () => choose("dark") },
      "line",
      { label: "Sign out", run: signOut },
    ]}>
      <Icon name="person" />
      <span className="rail-label">{person.name || person.login}</span>
    </Menu>
  );
}

function Rail() {
  const place = usePlace();
  const entries = useEntries();
  const { session } = useSession();
  const [narrow, setNarrow] = useState(() => window.localStorage.getItem("argil.rail") === "narrow");
  const fold = () => {
    window.localStorage.setItem("argil.rail", narrow ? "wide" : "narrow");
    setNarrow(!narrow);
  };
  const now = `/${place.parts[0] ?? "tables"}`;
  return (
    <nav className={`rail ${narrow ? "narrow" : ""}`} aria-label="Places" data-region="rail">
      <div className="rail-head">
        <Brand small={narrow} />
        {!narrow && <span className="rail-workspace" title="Workspace">{session.workspace}</span>}
      </div>
      <ul>
        {entries.map((entry) => (
          <li key={entry.to}>
            <Link to={entry.to} className="rail-link" {...(now === entry.to ? { "aria-current": "page" as const } : {})} title={narrow ? entry.label : undefined}>
              <Icon name={entry.icon} />
              <span className="rail-label">{entry.label}</span>
              {!!entry.badge && <span className="badge">{count(entry.badge)}</span>}
            </Link>
          </li>
        ))}
      </ul>
      <div className="rail-foot">
        <PersonMenu />
        <button type="button" className="icon-button" onClick={fold} aria-label={narrow ? "Unfold the rail" : "Fold the rail"}>
          <Icon name={narrow ? "right" : "left"} />
        </button>
      </div>
    </nav>
  );
}

function OfflineBar() {
  const link = useLink();
  const [, tick] = useState(0);
  useEffect(() => {
    if (link.up) return;
    const timer = window.setInterval(() => tick((n) => n + 1), 500);
    return () => window.clearInterval(timer);
  }, [link]);
  if (link.up) return null;
  const wait = Math.max(0, Math.ceil((link.nextTry - Date.now()) / 1000));
  return (
    <div className="offline" role="status">
      Connection to Argil lost. Showing {clockTime(new Date(link.since).toISOString())}. Trying again {wait ? `in ${wait} s` : "now"}.
    </div>
  );
}

export function Shell() {
  const place = usePlace();
  const regions = useRegions();
  return (
    <div className="shell" onKeyDown={regions}>
      <a className="skip" href="#place">To the content</a>
      <Rail />
      <main id="place" tabIndex={-1}>
        <OfflineBar />
        <Suspense fallback={<Loading />}>{placeOf(place.parts)}</Suspense>
      </main>
      <Proof />
      <Jump />
      <Keys />
    </div>
  );
}
