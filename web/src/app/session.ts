// Who is signed in, what they may, and their clock.
import { createContext, useContext } from "react";
import type { Person, Role, Session } from "../api/types";

const RANK: Role[] = ["viewer", "runner", "builder", "admin"];

export interface SessionCare {
  session: Session;
  renew: (session: Session) => void;
  signOut: () => void;
}
export const SessionContext = createContext<SessionCare | null>(null);

export function useSession(): SessionCare {
  const care = useContext(SessionContext);
  if (!care) throw new Error("no session here");
  return care;
}
export function may(person: Person, role: Role): boolean {
  return RANK.indexOf(person.role) >= RANK.indexOf(role);
}
/** Why a control is off for this person, or null when it is not. */
export function useBar(role: Role): string | null {
  const { session } = useSession();
  return may(session.person, role) ? null : `This takes the role ${role}; yours is ${session.person.role}. Ask an admin.`;
}
