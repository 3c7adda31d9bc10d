// Which org this is: shape and word, never colour alone.
import type { Connection } from "../api/types";

export function environmentWord(connection: Pick<Connection, "environment">): string {
  if (connection.environment === "production") return "PRODUCTION";
  if (connection.environment === "local") return "LOCAL ORG";
  return (connection.environment ?? "unknown").toUpperCase();
}
export function orgName(connection: Connection): string {
  return connection.org_name ?? connection.org_id ?? connection.name;
}
function host(connection: Connection): string {
  try {
    return new URL(connection.instance_url ?? "").host;
  } catch {
    return "";
  }
}

export function Environment({ connection }: { connection: Connection }) {
  const production = connection.environment === "production";
  return (
    <span className={`environment ${production ? "production" : "sandbox"}`}>
      <span className="environment-mark" aria-hidden="true" />
      <span>{orgName(connection)}</span>
      <span className="environment-word">{environmentWord(connection)}</span>
    </span>
  );
}

export function EnvironmentBand({ connection }: { connection: Connection | undefined }) {
  if (!connection) return null;
  const production = connection.environment === "production";
  return (
    <div className={`band ${production ? "production" : "sandbox"}`} role="note" aria-label="Salesforce environment">
      <span className="band-mark" aria-hidden="true" />
      <strong>{environmentWord(connection)}</strong>
      <span>{orgName(connection)}</span>
      <span className="band-host">{host(connection)}</span>
      {connection.status !== "connected" && <span>· {connection.status}</span>}
    </div>
  );
}
