// The access token: until when it is used, and whose it is.

import assert from "node:assert/strict";
import { afterEach, test } from "node:test";

import { served } from "./browser.js";

const {
  completeSignIn,
  confirmToken,
  discardToken,
  refuseToken,
  signedInEmail,
  signedInUserId,
  token,
  wasFreshTokenRefused,
} = await served("shared.auth.js");

afterEach(() => discardToken());

/**
 * Store a token as the sign-in does.
 *
 * @param {string} value
 * @param {number} [lifetime] In milliseconds.
 */
function store(value, lifetime = 60_000) {
  sessionStorage.setItem("token", JSON.stringify({ token: value, until: Date.now() + lifetime, who: "a@b.example" }));
}

/** @param {unknown} claims */
function tokenWith(claims) {
  return `header.${Buffer.from(JSON.stringify(claims)).toString("base64url")}.signature`;
}

test("a token is used until it expires", () => {
  store("valid");
  assert.deepEqual([token(), signedInEmail()], ["valid", "a@b.example"]);
  store("expired", -1);
  assert.deepEqual([token(), signedInEmail()], [undefined, undefined]);
  assert.equal(sessionStorage.getItem("token"), null, "an expired token is deleted");
});

test("a discarded token is gone", () => {
  store("valid");
  discardToken();
  assert.equal(token(), undefined);
});

test("the user is the one that the configured claim of the token names", () => {
  const claim = { content: "sub" };
  Object.assign(globalThis.document, { querySelector: () => claim });
  store(tokenWith({ sub: "user-manager" }));
  assert.equal(signedInUserId(), "user-manager");
  store(tokenWith({ sub: "user-manager", name: "???>>>" })); // its encoding has both characters of base64url
  assert.equal(signedInUserId(), "user-manager");
  claim.content = "oid";
  store(tokenWith({ sub: "user-manager", oid: "object-1" }));
  assert.equal(signedInUserId(), "object-1");
  store(tokenWith({ sub: "user-manager" }));
  assert.equal(signedInUserId(), undefined);
});

test("there is no user without a token that can be read", () => {
  assert.equal(signedInUserId(), undefined);
  store("opaque");
  assert.equal(signedInUserId(), undefined);
  sessionStorage.setItem("token", "{");
  assert.equal(signedInUserId(), undefined);
});

test("a refused token that was never accepted is a reason not to sign in again at once", () => {
  store("expired meanwhile");
  confirmToken();
  assert.equal(token(), "expired meanwhile");
  refuseToken();
  assert.deepEqual([token(), wasFreshTokenRefused()], [undefined, false]);
  store("fresh");
  refuseToken();
  refuseToken(); // a concurrent request of the page
  assert.deepEqual([token(), wasFreshTokenRefused()], [undefined, true]);
  confirmToken();
  assert.equal(token(), undefined, "nothing is accepted without a token");
});

test("a user who signs in again after going back stays signed in, and other returns fail", async () => {
  Object.assign(globalThis.location, { search: "?state=used&code=code" });
  Object.assign(globalThis, { history: { replaceState: () => {} } });
  store("valid");
  assert.equal(await completeSignIn(), "not_returning");
  assert.equal(token(), "valid");
  discardToken();
  assert.equal(await completeSignIn(), "failed");
  Object.assign(globalThis.location, { search: "" });
});

test("without storage nobody is signed in, and no page fails", async () => {
  const blocked = {
    configurable: true,
    get() {
      throw new Error("SecurityError");
    },
  };
  for (const name of ["localStorage", "sessionStorage"]) Object.defineProperty(globalThis, name, blocked);
  const auth = await served("shared.auth.js?blocked");
  assert.deepEqual([auth.storage, auth.token(), auth.signedInEmail()], [undefined, undefined, undefined]);
  assert.equal(auth.takePageState(), undefined);
  auth.discardToken();
  const { currentLanguage, setLanguage } = await served("shared.texts.js?blocked");
  assert.equal(currentLanguage(), "en");
  await setLanguage("ja");
  assert.equal(currentLanguage(), "ja");
});
