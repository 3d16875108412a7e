// The secret of a link: it leaves the address bar at once, and stands in the tab's storage only while its reader signs in.

import { carried } from "./auth.js";

const START = "#pal_";

let first = found(); // as soon as this module runs, before anything is waited for

/** {secret, typed} from the address, or as it was carried through the sign-in; null for nothing. */
function found() {
  const left = carried();
  if (!location.hash.startsWith(START)) return left ?? null;
  const secret = decodeURIComponent(location.hash.slice(1)).trim();
  history.replaceState(null, "", location.pathname);
  return { secret };
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
    if (location.hash.startsWith(START)) open(found());
  });
}
