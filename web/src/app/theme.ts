// Dark or light: as the system says, until the person says otherwise.
export type Theme = "system" | "light" | "dark";
const KEY = "argil.theme";

export function readTheme(): Theme {
  const kept = window.localStorage.getItem(KEY);
  return kept === "light" || kept === "dark" ? kept : "system";
}
export function applyTheme(theme: Theme = readTheme()): void {
  document.documentElement.dataset["theme"] = theme;
}
export function setTheme(theme: Theme): void {
  if (theme === "system") window.localStorage.removeItem(KEY);
  else window.localStorage.setItem(KEY, theme);
  applyTheme(theme);
}
