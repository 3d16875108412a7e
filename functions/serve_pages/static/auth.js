// Signing in by authorization code with PKCE. The token stays in this tab, and only until it expires.

const AWAY = "away";
const TOKEN = "token";
const EARLY = 30000;

function setting(name) {
  return document.querySelector(`meta[name="${name}"]`).content;
}

function read(name) {
  try {
    return JSON.parse(sessionStorage.getItem(name));
  } catch {
    return null;
  }
}

function kept() {
  const found = read(TOKEN);
  if (found && found.until > Date.now()) return found;
  sessionStorage.removeItem(TOKEN);
  return null;
}

export function token() {
  return kept()?.token;
}

/** Who signed in, as the sign-in calls him; for showing only. */
export function who() {
  return kept()?.who;
}

export function forget() {
  sessionStorage.removeItem(TOKEN);
}

function random() {
  return base64url(crypto.getRandomValues(new Uint8Array(32)));
}

function base64url(bytes) {
  return btoa(String.fromCharCode(...new Uint8Array(bytes))).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
}

function home() {
  return `${location.origin}/`;
}

/** Leaves for the sign-in; what shall be there again on return is kept until then and no longer. */
export async function signIn(carried) {
  const [state, verifier] = [random(), random()];
  const challenge = base64url(await crypto.subtle.digest("SHA-256", new TextEncoder().encode(verifier)));
  forget();
  sessionStorage.setItem(AWAY, JSON.stringify({ state, verifier, back: location.pathname + location.search, carried }));
  const asked = new URLSearchParams({
    response_type: "code",
    client_id: setting("client-id"),
    redirect_uri: home(),
    scope: setting("scope"),
    state,
    code_challenge: challenge,
    code_challenge_method: "S256",
  });
  location.assign(`${setting("authorization-url")}?${asked}`);
  await new Promise(() => {}); // the page is being left: whoever waits shall go on waiting
}

/** What was carried along for this page; it can be taken once. */
export function carried() {
  const left = read(AWAY);
  if (!left || left.verifier) return undefined;
  sessionStorage.removeItem(AWAY);
  return left.back === location.pathname + location.search ? left.carried : undefined;
}

/** On the way back: whether this is it, and whether it went well; if it did, the page that was left is opened again. */
export async function comeBack() {
  const answer = new URLSearchParams(location.search);
  if (!answer.has("state")) return "not_away";
  history.replaceState(null, "", "/");
  const left = read(AWAY);
  if (!left || answer.get("state") !== left.state) return "failed";
  if (!answer.has("code")) {
    leaveFor(left);
    return "failed";
  }
  let told;
  try {
    const answered = await fetch(setting("token-url"), {
      method: "POST",
      body: new URLSearchParams({
        grant_type: "authorization_code",
        client_id: setting("client-id"),
        redirect_uri: home(),
        code: answer.get("code"),
        code_verifier: left.verifier,
      }),
    });
    if (!answered.ok) throw new Error(String(answered.status));
    told = await answered.json();
  } catch {
    leaveFor(left);
    return "failed";
  }
  const until = Date.now() + told.expires_in * 1000 - EARLY;
  sessionStorage.setItem(TOKEN, JSON.stringify({ token: told.access_token, until, who: named(told.id_token) }));
  leaveFor(left);
  location.replace(left.back);
  return "gone";
}

/** The verifier has served; what is carried waits for the page that was left. */
function leaveFor(left) {
  sessionStorage.setItem(AWAY, JSON.stringify({ back: left.back, carried: left.carried }));
}

/** Where whoever could not sign in wanted to go. */
export function leftPage() {
  return read(AWAY)?.back ?? "/";
}

function named(token) {
  try {
    const bytes = Uint8Array.from(atob(token.split(".")[1].replaceAll("-", "+").replaceAll("_", "/")), (each) => each.charCodeAt(0));
    return JSON.parse(new TextDecoder().decode(bytes)).email;
  } catch {
    return undefined;
  }
}

export function signOut() {
  sessionStorage.clear();
  const address = setting("sign-out-url");
  if (!address) return location.assign("/");
  const asked = new URLSearchParams({ client_id: setting("client-id"), logout_uri: home(), post_logout_redirect_uri: home() });
  return location.assign(`${address}?${asked}`);
}
