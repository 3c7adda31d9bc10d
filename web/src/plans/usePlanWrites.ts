// The writes of a plan, page after page; again when somebody decides on one.
import { useEffect, useState } from "react";
import { get, withQuery } from "../api/client";
import type { Plan, PlannedWrite } from "../api/types";

const PAGE = 1000;
const MOST = 20_000; // more are counted, not listed

interface Writes {
  writes: PlannedWrite[];
  whole: boolean;
  /** There are more than are listed. */
  cut: boolean;
  error: unknown;
}
const NONE: Writes = { writes: [], whole: false, cut: false, error: null };

export function usePlanWrites(plan: Plan): Writes {
  const [state, setState] = useState<Writes>(NONE);
  const asked = `${plan.state} ${plan.writes} ${plan.edited} ${plan.rejected}`;
  useEffect(() => {
    const stop = new AbortController();
    async function read(): Promise<void> {
      const writes: PlannedWrite[] = [];
      for (let next: string | null = ""; next !== null && writes.length < MOST;) {
        const page: { writes: PlannedWrite[]; next: string | null } = await get(withQuery(`/plans/${plan.id}/writes`, { after: next, limit: PAGE }), stop.signal);
        writes.push(...page.writes);
        next = page.next;
        setState({ writes: [...writes], whole: next === null, cut: next !== null && writes.length >= MOST, error: null });
      }
    }
    read().catch((error: unknown) => !stop.signal.aborted && setState((now) => ({ ...now, error })));
    return () => stop.abort();
    // `asked` says what of the plan changes its lines
  }, [plan.id, asked]);
  return state;
}
