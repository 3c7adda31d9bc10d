// An ordinary link that does not load the page again.
import type { AnchorHTMLAttributes, MouseEvent } from "react";
import { go } from "./router";

export function Link({ to, ...rest }: AnchorHTMLAttributes<HTMLAnchorElement> & { to: string }) {
  return (
    <a {...rest} href={to} onClick={(event: MouseEvent<HTMLAnchorElement>) => {
      rest.onClick?.(event);
      if (event.defaultPrevented || event.button || event.metaKey || event.ctrlKey || event.shiftKey) return;
      event.preventDefault();
      go(to);
    }} />
  );
}
