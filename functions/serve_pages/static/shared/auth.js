// The user's access token. It is stored for this tab only, and only until it expires. sign-in.js requests it.

const SIGN_IN_KEY = "away";
const TOKEN_KEY = "token";

/** The storage of this tab; undefined if the browser blocks it. A sign-in is then impossible. */
export const storage = usableStorage();
let freshTokenRefused = false;

function usableStorage() {
  try {
    sessionStorage.setItem("probe", "");
    sessionStorage.removeItem("probe");
    return sessionStorage;
  } catch {
    return undefined;
  }
}

/** There is no response: no connection, or a blocked request. */
export class Unreachable extends Error {}

/** @param {string} name */
function configured(name) {
  return /** @type {HTMLMetaElement} */ (document.querySelector(`meta[name="${name}"]`)).content;
}

/** @param {string} name */
function readStored(name) {
  try {
    return JSON.parse(storage?.getItem(name) ?? "null");
  } catch {
    return null;
  }
}

/** @returns {{ token: string; until: number; who?: string; accepted?: boolean } | null} */
function storedTokens() {
  const tokens = readStored(TOKEN_KEY);
  if (tokens && tokens.until > Date.now()) return tokens;
  storage?.removeItem(TOKEN_KEY);
  return null;
}

export function token() {
  return storedTokens()?.token;
}

/** Return the email address of the signed-in user, for display only. */
export function signedInEmail() {
  return storedTokens()?.who;
}

/**
 * Return the id of the signed-in user. For display only: the API checks authorization.
 *
 * @returns {string | undefined}
 */
export function signedInUserId() {
  try {
    const claims = atob((token() ?? "").split(".")[1].replaceAll("-", "+").replaceAll("_", "/"));
    return JSON.parse(claims)[configured("user-id-claim")];
  } catch {
    return undefined;
  }
}

export function discardToken() {
  storage?.removeItem(TOKEN_KEY);
}

/** Note that the API has accepted the token. */
export function confirmToken() {
  const tokens = storedTokens();
  if (tokens && !tokens.accepted) storage?.setItem(TOKEN_KEY, JSON.stringify({ ...tokens, accepted: true }));
}

/** Discard the token because the API refused it. */
export function refuseToken() {
  const tokens = storedTokens();
  if (tokens) freshTokenRefused = !tokens.accepted;
  discardToken();
}

/** Return whether the API refused a token that it had never accepted. Another sign-in may end in the same way. */
export function wasFreshTokenRefused() {
  return freshTokenRefused;
}

function homeUrl() {
  return `${location.origin}/`;
}

/** @returns {import("./sign-in.js").Configuration} */
function signInConfiguration() {
  return {
    authorizationUrl: configured("authorization-url"),
    tokenUrl: configured("token-url"),
    clientId: configured("client-id"),
    scope: configured("scope"),
    redirectUri: homeUrl(),
  };
}

/** Load the code of the sign-in, with its library at the same time. */
async function loadSignIn() {
  try {
    const [signInModule] = await Promise.all([import("./sign-in.js"), import("../vendor/oauth4webapi.js")]);
    return signInModule;
  } catch {
    throw new Unreachable();
  }
}

/**
 * Redirect to the sign-in. `pageState` is stored until the user returns to this page.
 *
 * Resolves only if the user goes back to this page, and the browser shows it as it was left.
 *
 * @param {unknown} pageState
 */
export async function signIn(pageState) {
  const { newSignIn } = await loadSignIn();
  const { url, state, verifier } = await newSignIn(signInConfiguration());
  discardToken();
  storage?.setItem(
    SIGN_IN_KEY,
    JSON.stringify({ state, verifier, returnPath: location.pathname + location.search, pageState }),
  );
  location.assign(url);
  await new Promise((resolve) => {
    addEventListener("pageshow", ({ persisted }) => persisted && resolve(undefined));
  });
}

/** Return the state that was stored for this page before the sign-in, and delete it. */
export function takePageState() {
  const saved = readStored(SIGN_IN_KEY);
  if (!saved || saved.verifier) return undefined;
  storage?.removeItem(SIGN_IN_KEY);
  return saved.returnPath === location.pathname + location.search ? saved.pageState : undefined;
}

/**
 * Complete the sign-in if this page load is its redirect.
 *
 * Returns "not_returning", "failed", or "redirected" once the original page is being loaded again. A user who went back
 * to the sign-in after its completion, and signed in again, is still signed in.
 */
export async function completeSignIn() {
  const params = new URLSearchParams(location.search);
  if (!params.has("state")) return "not_returning";
  history.replaceState(null, "", "/");
  const saved = readStored(SIGN_IN_KEY);
  if (!saved || params.get("state") !== saved.state) return token() ? "not_returning" : "failed";
  try {
    const { requestToken } = await loadSignIn();
    const { accessToken, usableMilliseconds, email } = await requestToken(signInConfiguration(), params, saved);
    const until = Date.now() + usableMilliseconds;
    storage?.setItem(TOKEN_KEY, JSON.stringify({ token: accessToken, until, who: email }));
  } catch {
    storePageState(saved);
    return "failed";
  }
  storePageState(saved);
  location.replace(saved.returnPath);
  return "redirected";
}

/**
 * Store the page state without the verifier, which must not be used twice.
 *
 * @param {{ returnPath: string; pageState: unknown }} saved
 */
function storePageState(saved) {
  storage?.setItem(SIGN_IN_KEY, JSON.stringify({ returnPath: saved.returnPath, pageState: saved.pageState }));
}

/** Return the path that the user wanted to open before the sign-in. */
export function returnPath() {
  return readStored(SIGN_IN_KEY)?.returnPath ?? "/";
}

export function signOut() {
  storage?.clear();
  const url = configured("sign-out-url");
  if (!url) return location.assign("/");
  const target = new URL(url);
  target.searchParams.set("client_id", configured("client-id"));
  target.searchParams.set("logout_uri", homeUrl());
  target.searchParams.set("post_logout_redirect_uri", homeUrl());
  return location.assign(target);
}
