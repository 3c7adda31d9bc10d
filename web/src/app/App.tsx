// What is shown first: the one-time links, signing in, or the app.
import { useCallback, useEffect, useMemo, useState } from "react";
import { ApiError, get, onSessionEnd, request, setCsrf } from "../api/client";
import { forgetAll } from "../api/cache";
import { useEventStream } from "../api/events";
import type { Session } from "../api/types";
import { ErrorBox } from "../ui/parts";
import { Notes } from "../ui/Dialog";
import { setZone } from "../ui/time";
import { LinkPage, SetupPage, SignInPage } from "../setup/Doors";
import { go, usePlace } from "./router";
import { SessionContext, type SessionCare } from "./session";
import { Shell } from "./Shell";

export function App() {
  const place = usePlace();
  const [session, setSession] = useState<Session | null | undefined>(undefined);
  const [trouble, setTrouble] = useState<ApiError | null>(null);
  useEventStream(!!session);

  const renew = useCallback((now: Session | null) => {
    setCsrf(now?.csrf ?? null);
    setZone(now?.person.zone ?? null);
    setSession(now);
  }, []);
  useEffect(() => {
    onSessionEnd(() => renew(null));
    get<Session>("/session").then(renew, (problem: unknown) => {
      if (problem instanceof ApiError && problem.status !== 401) setTrouble(problem);
      else renew(null);
    });
  }, [renew]);

  const care = useMemo<SessionCare | null>(() => session ? {
    session,
    renew,
    signOut: () => void request("DELETE", "/session").finally(() => {
      forgetAll();
      renew(null);
      go("/");
    }),
  } : null, [session, renew]);

  if (trouble) return <main className="door"><ErrorBox error={trouble} /></main>;
  if (session === undefined) return null;
  const door = place.parts[0];
  const enter = (now: Session, to?: string) => {
    forgetAll();
    renew(now);
    if (to) go(to, true);
  };
  if (door === "setup") return <SetupPage code={place.hash} onEnter={(now) => enter(now, "/welcome")} />;
  if (door === "link") return <LinkPage code={place.hash} onEnter={(now) => enter(now, "/")} />;
  if (!care) return <SignInPage onEnter={(now) => enter(now)} />;
  return (
    <SessionContext.Provider value={care}>
      <Shell />
      <Notes />
    </SessionContext.Provider>
  );
}
