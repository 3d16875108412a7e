// The secret of a link: it leaves the address bar at once, and stands in the tab's storage only while its reader signs in.

import { carried } from "./auth.js";

const START = "#pal_";

let first = found(window.openedWith ?? ""); // early.js took it off the address bar
delete window.openedWith;

/** {secret, typed} from an address, or as it was carried through the sign-in; null for nothing. */
function found(hash) {
  const left = carried();
  return hash ? { secret: decodeURIComponent(hash.slice(1)).trim() } : left ?? null;
}

/** What this page was opened with; it can be taken once. */
export function take() {
  const taken = first;
  first = null;
  return taken;
}

/** Another link may be opened in the tab that shows this page. */
export function onAnother(open) {
  addEventListener("hashchange", () => {
    const { hash } = location;
    if (!hash.startsWith(START)) return;
    history.replaceState(null, "", location.pathname);
    open(found(hash));
  });
}
