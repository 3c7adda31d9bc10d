// Where a record can be seen in Salesforce: only for ids, only at the connection's own host.
import type { Connection } from "../api/types";

export function recordLink(connection: Connection | undefined, id: string | null): string | null {
  if (!connection?.instance_url || !id || !/^[a-zA-Z0-9]{15}([a-zA-Z0-9]{3})?$/.test(id)) return null;
  try {
    const url = new URL(`/${id}`, connection.instance_url);
    return url.protocol === "https:" || url.protocol === "http:" ? url.href : null;
  } catch {
    return null;
  }
}
