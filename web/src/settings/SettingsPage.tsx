// Settings: a list of places on the left, one of them on the right.
import type { ReactNode } from "react";
import { Link } from "../app/Link";
import { may, useSession } from "../app/session";
import type { Role } from "../api/types";
import { Icon } from "../ui/icons";
import { AboutPage } from "./AboutPage";
import { AccountPage } from "./AccountPage";
import { AlertsPage } from "./AlertsPage";
import { AuditPage } from "./AuditPage";
import { BudgetPage } from "./BudgetPage";
import { ConnectionPage } from "./ConnectionPage";
import { ConnectionsPage } from "./ConnectionsPage";
import { ContractPage } from "./ContractPage";
import { SecretsPage } from "./SecretsPage";
import { UsersPage } from "./UsersPage";

interface Place {
  name: string;
  label: string;
  icon: string;
  role: Role;
  show: (rest: string[]) => ReactNode;
}
const PLACES: Place[] = [
  { name: "connections", label: "Connections", icon: "cloud", role: "viewer", show: ([name]) => (name ? <ConnectionPage key={name} name={name} /> : <ConnectionsPage />) },
  { name: "contract", label: "Field contract", icon: "approve", role: "viewer", show: () => <ContractPage /> },
  { name: "budget", label: "API budget", icon: "chart", role: "viewer", show: () => <BudgetPage /> },
  { name: "alerts", label: "Alerts", icon: "warn", role: "viewer", show: () => <AlertsPage /> },
  { name: "users", label: "Users", icon: "users", role: "admin", show: () => <UsersPage /> },
  { name: "secrets", label: "Secrets", icon: "key", role: "builder", show: () => <SecretsPage /> },
  { name: "audit", label: "Audit", icon: "list", role: "admin", show: () => <AuditPage /> },
  { name: "account", label: "Own account", icon: "person", role: "viewer", show: () => <AccountPage /> },
  { name: "about", label: "About", icon: "info", role: "viewer", show: () => <AboutPage /> },
];

export function SettingsPage({ parts }: { parts: string[] }) {
  const { session } = useSession();
  const [where = "connections", ...rest] = parts;
  const place = PLACES.find((one) => one.name === where);
  return (
    <div className="settings">
      <nav aria-label="Settings" className="settings-nav">
        <ul>
          {PLACES.map((one) => (
            <li key={one.name}>
              <Link to={`/settings/${one.name}`} className="rail-link" {...(one.name === where ? { "aria-current": "page" as const } : {})}>
                <Icon name={may(session.person, one.role) ? one.icon : "lock"} /> {one.label}
              </Link>
            </li>
          ))}
        </ul>
      </nav>
      <div className="settings-place">
        {place && (may(session.person, place.role) ? place.show(rest) : <NotAllowed place={place} />)}
      </div>
    </div>
  );
}

function NotAllowed({ place }: { place: Place }) {
  return (
    <div className="page">
      <h1>{place.label}</h1>
      <p><Icon name="lock" /> This takes the role {place.role}. Ask an admin of this workspace.</p>
    </div>
  );
}
