// Calls of the API: with the reader's token, tried again under the same key when the answer is lost, refusals typed.

import { forget, token } from "./auth.js";

const TRIES = 4;
const LONGEST_WAIT = 5;

/** The API said no; `code` is stable, and has words for people. */
export class Refusal extends Error {
  constructor(status, problem) {
    super(problem.code);
    Object.assign(this, { status, code: problem.code, errors: problem.errors ?? [], problem });
  }
}

/** Nobody is signed in, or no longer. */
export class SignInNeeded extends Error {}

/** What the gateway refuses by itself has no code of ours. */
const CODES = { 403: "forbidden", 404: "not_found", 413: "body_too_large", 429: "rate_limited", 503: "temporarily_unavailable" };

export function newKey() {
  return crypto.randomUUID();
}

/** The same key for the same attempt, also after a reload, and in another tab: made from what is asked. */
export async function keyOf(path, body) {
  const digest = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(`${path} ${JSON.stringify(body)}`));
  return Array.from(new Uint8Array(digest), (byte) => byte.toString(16).padStart(2, "0")).join("");
}

/**
 * One request and its answer: {status, body, etag, replayed}. Refusal, SignInNeeded, or TypeError when there is no way to the API.
 *
 * A lost answer, 429 and 503 are tried again; with a key that is harmless, and every POST that changes something has one.
 */
export async function call(method, path, { body, key, seen } = {}) {
  const headers = { accept: "application/json" };
  if (body !== undefined) headers["content-type"] = "application/json";
  if (key) headers["idempotency-key"] = key;
  if (seen) headers["if-match"] = seen;
  for (let nth = 1; ; nth += 1) {
    if (!token()) throw new SignInNeeded();
    headers.authorization = `Bearer ${token()}`;
    let answer;
    try {
      answer = await fetch(path, { method, headers, body: body === undefined ? undefined : JSON.stringify(body), cache: "no-store" });
    } catch (lost) {
      if (nth === TRIES) throw lost;
      await wait(2 ** (nth - 2));
      continue;
    }
    if (answer.status === 401) {
      forget();
      throw new SignInNeeded();
    }
    if ((answer.status === 503 || answer.status === 429) && nth < TRIES) {
      await wait(Math.min(Number(answer.headers.get("retry-after")) || nth, LONGEST_WAIT));
      continue;
    }
    const told = answer.status === 204 ? undefined : await answer.json().catch(() => ({}));
    if (answer.ok) return { status: answer.status, body: told, etag: answer.headers.get("etag"), replayed: answer.headers.get("idempotent-replayed") === "true" };
    throw new Refusal(answer.status, { ...told, code: told?.code ?? CODES[answer.status] ?? "unexpected" });
  }
}

/** Every item of a list, page by page; at most so many. */
export async function every(path, most = 1000) {
  const items = [];
  let cursor = null;
  do {
    const address = new URL(path, location.origin);
    address.searchParams.set("limit", "100");
    if (cursor) address.searchParams.set("cursor", cursor);
    const { body } = await call("GET", address.pathname + address.search);
    items.push(...body.items);
    cursor = body.next_cursor;
  } while (cursor && items.length < most);
  return items;
}

function wait(seconds) {
  return new Promise((done) => {
    setTimeout(done, seconds * 1000);
  });
}
