// Every place of the app: its address and what is shown there. The browser tests read the
// addresses from here and fail when a place was not looked at (tests/web/screens.py).
import { lazy, type ReactNode } from "react";
import { TablePage } from "../table/TablePage";
import { TablesPage } from "../tables/TablesPage";
import { Empty } from "../ui/parts";
import { Link } from "./Link";

// Fetched when somebody goes there: the first screen does not wait for them.
const WelcomePage = lazy(async () => ({ default: (await import("../tables/WelcomePage")).WelcomePage }));
const NewTablePage = lazy(async () => ({ default: (await import("../tables/NewTablePage")).NewTablePage }));
const RunsPage = lazy(async () => ({ default: (await import("../runs/RunsPage")).RunsPage }));
const JournalPage = lazy(async () => ({ default: (await import("../journal/JournalPage")).JournalPage }));
const DoubtPage = lazy(async () => ({ default: (await import("../journal/DoubtPage")).DoubtPage }));
const OverviewPage = lazy(async () => ({ default: (await import("../pictures/OverviewPage")).OverviewPage }));
const ApprovalsPage = lazy(async () => ({ default: (await import("../plans/ApprovalsPage")).ApprovalsPage }));
const RecordPage = lazy(async () => ({ default: (await import("../records/RecordPage")).RecordPage }));
const SettingsPage = lazy(async () => ({ default: (await import("../settings/SettingsPage")).SettingsPage }));

interface Place {
  /** ":name" is a value; the first place that fits is shown. */
  path: string;
  show: (value: string, parts: string[]) => ReactNode;
}
const PLACES: Place[] = [
  { path: "/tables", show: () => <TablesPage /> },
  { path: "/tables/new", show: () => <NewTablePage /> },
  { path: "/tables/:name", show: (name) => <TablePage key={name} name={name} /> },
  { path: "/welcome", show: () => <WelcomePage /> },
  { path: "/runs", show: () => <RunsPage chosen={null} /> },
  { path: "/runs/:id", show: (id) => <RunsPage chosen={Number(id)} /> },
  { path: "/overview", show: () => <OverviewPage /> },
  { path: "/approvals", show: () => <ApprovalsPage chosen={null} /> },
  { path: "/approvals/:id", show: (id) => <ApprovalsPage chosen={Number(id)} /> },
  { path: "/records/:id", show: (id) => <RecordPage key={id} id={id} /> },
  { path: "/journal", show: () => <JournalPage /> },
  { path: "/doubt", show: () => <DoubtPage /> },
  { path: "/settings/...", show: (_, parts) => <SettingsPage parts={parts.slice(1)} /> },
];

function fits(path: string, parts: string[]): boolean {
  const wanted = path.split("/").slice(1);
  if (wanted.at(-1) === "...") return wanted[0] === parts[0];
  return wanted.length === parts.length && wanted.every((one, at) => one.startsWith(":") || one === parts[at]);
}

export function placeOf(parts: string[]): ReactNode {
  const here = parts.length ? parts : ["tables"];
  const place = PLACES.find((one) => fits(one.path, here));
  if (place) return place.show(here[1] ?? "", here);
  return <Empty icon="search" title="There is nothing at this address" actions={<Link to="/tables" className="button primary">To the tables</Link>} />;
}
