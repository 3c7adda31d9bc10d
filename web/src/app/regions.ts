// F6 goes round the parts of a screen: rail, bar, grid, panel.
import { useCallback, type KeyboardEvent } from "react";

function enter(region: HTMLElement): void {
  const inside = region.tabIndex >= 0 ? region : region.querySelector<HTMLElement>("a[href], button:not([disabled]), input, select, [tabindex='0']");
  inside?.focus();
}

export function useRegions(): (event: KeyboardEvent) => void {
  return useCallback((event: KeyboardEvent) => {
    if (event.key !== "F6") return;
    const regions = [...document.querySelectorAll<HTMLElement>("[data-region]")];
    const now = regions.findIndex((region) => region.contains(document.activeElement));
    const to = regions[(now + (event.shiftKey ? -1 : 1) + regions.length) % regions.length];
    if (to) enter(to);
    event.preventDefault();
  }, []);
}
