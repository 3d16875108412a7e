// Sign-in by authorization code with PKCE. The token is stored for this tab only, and only until it expires.

const SIGN_IN_KEY = "away";
const TOKEN_KEY = "token";
const EXPIRY_MARGIN = 30000;

/** @param {string} name */
function configured(name) {
  return /** @type {HTMLMetaElement} */ (document.querySelector(`meta[name="${name}"]`)).content;
}

/** @param {string} name */
function readStored(name) {
  try {
    return JSON.parse(sessionStorage.getItem(name) ?? "null");
  } catch {
    return null;
  }
}

/** @returns {{ token: string; until: number; who?: string } | null} */
function storedTokens() {
  const tokens = readStored(TOKEN_KEY);
  if (tokens && tokens.until > Date.now()) return tokens;
  sessionStorage.removeItem(TOKEN_KEY);
  return null;
}

export function token() {
  return storedTokens()?.token;
}

/** Return the email address of the signed-in user, for display only. */
export function signedInEmail() {
  return storedTokens()?.who;
}

export function discardToken() {
  sessionStorage.removeItem(TOKEN_KEY);
}

function randomText() {
  return base64url(crypto.getRandomValues(new Uint8Array(32)).buffer);
}

/** @param {ArrayBufferLike} bytes */
function base64url(bytes) {
  return btoa(String.fromCharCode(...new Uint8Array(bytes)))
    .replaceAll("+", "-")
    .replaceAll("/", "_")
    .replaceAll("=", "");
}

function homeUrl() {
  return `${location.origin}/`;
}

/**
 * Redirect to the sign-in. `pageState` is stored until the user returns to this page.
 *
 * @param {unknown} pageState
 * @returns {Promise<never>}
 */
export async function signIn(pageState) {
  const [state, verifier] = [randomText(), randomText()];
  const challenge = base64url(await crypto.subtle.digest("SHA-256", new TextEncoder().encode(verifier)));
  discardToken();
  sessionStorage.setItem(
    SIGN_IN_KEY,
    JSON.stringify({ state, verifier, returnPath: location.pathname + location.search, pageState }),
  );
  const params = new URLSearchParams({
    response_type: "code",
    client_id: configured("client-id"),
    redirect_uri: homeUrl(),
    scope: configured("scope"),
    state,
    code_challenge: challenge,
    code_challenge_method: "S256",
  });
  location.assign(`${configured("authorization-url")}?${params}`);
  return new Promise(() => {}); // never resolves, because the browser is leaving the page
}

/** Return the state that was stored for this page before the sign-in, and delete it. */
export function takePageState() {
  const saved = readStored(SIGN_IN_KEY);
  if (!saved || saved.verifier) return undefined;
  sessionStorage.removeItem(SIGN_IN_KEY);
  return saved.returnPath === location.pathname + location.search ? saved.pageState : undefined;
}

/**
 * Complete the sign-in if this page load is its redirect.
 *
 * Returns "not_returning", "failed", or "redirected" once the original page is being loaded again.
 */
export async function completeSignIn() {
  const params = new URLSearchParams(location.search);
  if (!params.has("state")) return "not_returning";
  history.replaceState(null, "", "/");
  const saved = readStored(SIGN_IN_KEY);
  if (!saved || params.get("state") !== saved.state) return "failed";
  if (!params.has("code")) {
    storePageState(saved);
    return "failed";
  }
  let tokens;
  try {
    const response = await fetch(configured("token-url"), {
      method: "POST",
      body: new URLSearchParams({
        grant_type: "authorization_code",
        client_id: configured("client-id"),
        redirect_uri: homeUrl(),
        code: params.get("code") ?? "",
        code_verifier: saved.verifier,
      }),
    });
    if (!response.ok) throw new Error(String(response.status));
    tokens = await response.json();
  } catch {
    storePageState(saved);
    return "failed";
  }
  const until = Date.now() + tokens.expires_in * 1000 - EXPIRY_MARGIN;
  sessionStorage.setItem(
    TOKEN_KEY,
    JSON.stringify({ token: tokens.access_token, until, who: emailFrom(tokens.id_token) }),
  );
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
  sessionStorage.setItem(SIGN_IN_KEY, JSON.stringify({ returnPath: saved.returnPath, pageState: saved.pageState }));
}

/** Return the path that the user wanted to open before the sign-in. */
export function returnPath() {
  return readStored(SIGN_IN_KEY)?.returnPath ?? "/";
}

/**
 * @param {string} idToken
 * @returns {string | undefined}
 */
function emailFrom(idToken) {
  try {
    const bytes = Uint8Array.from(atob(idToken.split(".")[1].replaceAll("-", "+").replaceAll("_", "/")), (each) =>
      each.charCodeAt(0),
    );
    return JSON.parse(new TextDecoder().decode(bytes)).email;
  } catch {
    return undefined;
  }
}

export function signOut() {
  sessionStorage.clear();
  const url = configured("sign-out-url");
  if (!url) return location.assign("/");
  const params = new URLSearchParams({
    client_id: configured("client-id"),
    logout_uri: homeUrl(),
    post_logout_redirect_uri: homeUrl(),
  });
  return location.assign(`${url}?${params}`);
}
