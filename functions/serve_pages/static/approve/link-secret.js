// Link secret: removed from the address bar at once, and in session storage only during the sign-in.

import { takePageState } from "../shared/auth.js";

const LINK_HASH_PREFIX = "#pal_";
const SECRET = /pal_[\w-]{1,172}\.[0-9a-f]{32}\.[\w-]{43}_[0-9a-f]{8}/;

/**
 * The secret of a link, and what was typed before the sign-in.
 *
 * @typedef {{ secret?: string; formState?: any }} OpenedLink
 */

let openedLink = readLink(window.initialLinkHash ?? ""); // set by before-modules.js

/**
 * Return the secret in the hash of a link, without what an email program made part of the link.
 *
 * A damaged one stays as it is, so that the API decides.
 *
 * @param {string} hash
 */
export function secretIn(hash) {
  const decoded = hash.replace(/%([2-7][0-9a-f])/gi, (_, code) => String.fromCharCode(parseInt(code, 16)));
  return decoded.match(SECRET)?.[0] ?? hash.slice(1);
}

/**
 * Return {secret, formState} from the URL hash or from before the sign-in; null if there is neither.
 *
 * @param {string} hash
 * @returns {OpenedLink | null}
 */
function readLink(hash) {
  const saved = takePageState();
  return hash ? { secret: secretIn(hash) } : (saved ?? null);
}

/** Return the link that the page was opened with. A second call returns null. */
export function takeLink() {
  const link = openedLink;
  openedLink = null;
  return link;
}

/**
 * Call `callback` when another link is opened in this tab.
 *
 * @param {(link: OpenedLink | null) => void} callback
 */
export function onLinkChange(callback) {
  addEventListener("hashchange", () => {
    const { hash } = location;
    if (!hash.startsWith(LINK_HASH_PREFIX)) return;
    window.initialLinkHash = hash;
    history.replaceState(null, "", location.pathname);
    callback(readLink(hash));
  });
}
