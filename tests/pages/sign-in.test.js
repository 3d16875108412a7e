// Sign-in: the request for a code, and what of the answers is accepted.

import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { mock, test } from "node:test";

import { served } from "./browser.js";

const { newSignIn, requestToken, withParams } = await served("shared.sign-in.js");

const CONFIGURATION = {
  authorizationUrl: "https://sign-in.example.com/authorize",
  tokenUrl: "https://sign-in.example.com/token",
  clientId: "pages",
  scope: "openid email partner-access/use",
  redirectUri: "https://access.example.com/",
};
const HOUR = 3600;
const now = Math.floor(Date.now() / 1000);
const CLAIMS = {
  iss: "https://issuer.example.com",
  aud: "pages",
  sub: "u1",
  iat: now,
  exp: now + HOUR,
  email: "a@b.example",
};

/** @param {unknown} part */
const encoded = (part) => Buffer.from(JSON.stringify(part)).toString("base64url");

/** Answer the request for the token with these claims in the ID token. Returns the mock of fetch. */
function answerWith(claims = {}, { alg = "RS256", status = 200, body: changed = {} } = {}) {
  const idToken = `${encoded({ alg })}.${encoded({ ...CLAIMS, ...claims })}.${encoded("signature")}`;
  const body = { access_token: "token", token_type: "Bearer", expires_in: HOUR, id_token: idToken, ...changed };
  const fetching = mock.fn(async () => Response.json(status === 200 ? body : { error: "invalid_grant" }, { status }));
  mock.method(globalThis, "fetch", fetching);
  return fetching;
}

/** Complete a sign-in whose redirect had these parameters beside the code and the state. */
async function complete(params = {}) {
  const { state, verifier } = await newSignIn(CONFIGURATION);
  return requestToken(CONFIGURATION, new URLSearchParams({ code: "code", state, ...params }), { state, verifier });
}

test("a sign-in requests a code with a challenge of its own", async () => {
  const { url, state, verifier } = await newSignIn(CONFIGURATION);
  const params = new URL(url).searchParams;
  assert.ok(url.startsWith("https://sign-in.example.com/authorize?"));
  assert.equal(params.get("code_challenge"), createHash("sha256").update(verifier).digest("base64url"));
  assert.equal(params.get("code_challenge_method"), "S256");
  assert.equal(params.get("response_type"), "code");
  assert.equal(params.get("state"), state);
  assert.equal(params.get("scope"), CONFIGURATION.scope);
  assert.notEqual((await newSignIn(CONFIGURATION)).state, state);
});

test("the address of the issuer keeps its own parameters", async () => {
  for (const own of ["audience=https%3A%2F%2Fapi.example.com&prompt=login", "p=b2c_1_sign_in", ""]) {
    const configuration = { ...CONFIGURATION, authorizationUrl: `${CONFIGURATION.authorizationUrl}?${own}` };
    const { url, state } = await newSignIn(configuration);
    const params = new URL(url).searchParams;
    for (const [name, value] of new URLSearchParams(own)) assert.deepEqual(params.getAll(name), [value]);
    assert.deepEqual(params.getAll("state"), [state]);
    assert.equal(url.split("?").length, 2);
  }
});

test("an address with parameters of its own gets others beside them", () => {
  assert.equal(withParams("https://a.example/out?p=1", { q: "b c" }), "https://a.example/out?p=1&q=b+c");
  assert.equal(withParams("https://a.example/out", { q: "1" }), "https://a.example/out?q=1");
});

test("a token is used until shortly before it expires, and for an hour if the issuer does not say when", async () => {
  for (const [body, milliseconds] of /** @type {[object, number][]} */ ([
    [{ expires_in: HOUR }, 3570000],
    [{ expires_in: 20 }, 10000],
    [{ expires_in: undefined }, 3570000],
  ])) {
    answerWith({}, { body });
    assert.equal((await complete()).usableMilliseconds, milliseconds);
  }
});

test("the code is exchanged for the token, with the verifier and without a secret", async () => {
  const fetching = answerWith();
  assert.deepEqual(await complete(), { accessToken: "token", usableMilliseconds: 3570000, email: CLAIMS.email });
  const [url, { method, body }] = /** @type {any} */ (fetching.mock.calls[0].arguments);
  assert.deepEqual([String(url), method], [CONFIGURATION.tokenUrl, "POST"]);
  assert.deepEqual([...new URLSearchParams(body).keys()].sort(), [
    "client_id",
    "code",
    "code_verifier",
    "grant_type",
    "redirect_uri",
  ]);
});

test("a redirect with another state, or with an error, requests no token", async () => {
  const fetching = answerWith();
  await assert.rejects(complete({ state: "other" }));
  await assert.rejects(complete({ error: "access_denied" }));
  assert.equal(fetching.mock.callCount(), 0);
});

test("a redirect that names its issuer is accepted", async () => {
  answerWith();
  assert.equal((await complete({ iss: CLAIMS.iss })).accessToken, "token");
});

test("an error of the token endpoint and an ID token for another client are rejected", async () => {
  answerWith({}, { status: 400 });
  await assert.rejects(complete());
  answerWith({ aud: "other" });
  await assert.rejects(complete());
});

test("an unsigned ID token is rejected, and other asymmetric algorithms are accepted", async () => {
  answerWith({}, { alg: "none" });
  await assert.rejects(complete());
  answerWith({}, { alg: "ES256" });
  assert.equal((await complete()).email, CLAIMS.email);
});

test("a clock that is hours wrong does not prevent the sign-in", async () => {
  answerWith({ iat: now + 5 * HOUR, exp: now + 6 * HOUR });
  assert.equal((await complete()).accessToken, "token");
  answerWith({ iat: now - 6 * HOUR, exp: now - 5 * HOUR });
  assert.equal((await complete()).accessToken, "token");
});

test("a user without an email address is signed in", async () => {
  answerWith({ email: undefined });
  assert.equal((await complete()).email, undefined);
});
