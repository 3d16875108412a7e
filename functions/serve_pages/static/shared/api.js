// API client: adds the access token, retries with the same idempotency key, and throws typed errors.

import { confirmToken, refuseToken, token, Unreachable } from "./auth.js";

const MAX_ATTEMPTS = 4;
const MAX_RETRY_DELAY = 5;

/** Error response of the API (RFC 9457). `code` is stable and has a text for users. */
export class Problem extends Error {
  /**
   * @param {number} status
   * @param {Api.ProblemBody & { code: string }} problem
   */
  constructor(status, problem) {
    super(problem.code);
    this.status = status;
    this.code = problem.code;
    this.errors = problem.errors ?? [];
  }
}

/** The user is not signed in, or the token has expired. */
export class SignInRequired extends Error {}

/**
 * Codes for responses that the API gateway sends itself, without a code.
 *
 * @type {Record<number, string>}
 */
const GATEWAY_CODES = {
  403: "forbidden",
  404: "not_found",
  413: "body_too_large",
  429: "rate_limited",
  503: "temporarily_unavailable",
};

export function newIdempotencyKey() {
  return crypto.randomUUID();
}

/**
 * Derive an idempotency key from the request, so that it is the same after a reload and in another tab.
 *
 * @param {string} path
 * @param {unknown} body
 */
export async function idempotencyKeyFor(path, body) {
  const digest = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(`${path} ${JSON.stringify(body)}`));
  return Array.from(new Uint8Array(digest), (byte) => byte.toString(16).padStart(2, "0")).join("");
}

/**
 * Send a request and return {status, body, etag, replayed}.
 *
 * Throws Problem for an error response, SignInRequired without a valid token, and Unreachable without any response.
 *
 * Retries lost responses, 429 and 503. This is safe because every POST that changes data has an idempotency key.
 *
 * @template [Body=unknown]
 * @param {string} method
 * @param {string} path
 * @param {{ body?: unknown; key?: string; expectedVersion?: string | null }} [options]
 * @returns {Promise<Api.Response<Body>>}
 */
export async function call(method, path, { body, key, expectedVersion } = {}) {
  /** @type {Record<string, string>} */
  const headers = { accept: "application/json" };
  if (body !== undefined) headers["content-type"] = "application/json";
  if (key) headers["idempotency-key"] = key;
  if (expectedVersion) headers["if-match"] = expectedVersion;
  for (let attemptNumber = 1; ; attemptNumber += 1) {
    if (!token()) throw new SignInRequired();
    headers.authorization = `Bearer ${token()}`;
    let response;
    try {
      response = await fetch(path, {
        method,
        headers,
        body: body === undefined ? undefined : JSON.stringify(body),
        cache: "no-store",
      });
    } catch {
      if (attemptNumber === MAX_ATTEMPTS) throw new Unreachable();
      await wait(2 ** (attemptNumber - 2));
      continue;
    }
    if (response.status === 401) {
      refuseToken();
      throw new SignInRequired();
    }
    if ((response.status === 503 || response.status === 429) && attemptNumber < MAX_ATTEMPTS) {
      await wait(Math.min(Number(response.headers.get("retry-after")) || attemptNumber, MAX_RETRY_DELAY));
      continue;
    }
    const content = response.status === 204 ? undefined : await response.json().catch(() => ({}));
    if (response.ok) {
      confirmToken();
      return {
        status: response.status,
        body: content,
        etag: response.headers.get("etag"),
        replayed: response.headers.get("idempotent-replayed") === "true",
      };
    }
    throw new Problem(response.status, {
      ...content,
      code: content?.code ?? GATEWAY_CODES[response.status] ?? "unexpected",
    });
  }
}

/**
 * Return the items of a list from all its pages. Stops after the page that reaches `maxItems`.
 *
 * @template Item
 * @param {string} path
 * @param {number} [maxItems]
 * @returns {Promise<Item[]>}
 */
export async function listAll(path, maxItems = 1000) {
  /** @type {Item[]} */
  const items = [];
  /** @type {string | null | undefined} */
  let cursor;
  do {
    const url = new URL(path, location.origin);
    url.searchParams.set("limit", "100");
    if (cursor) url.searchParams.set("cursor", cursor);
    /** @type {Api.Response<Api.List<Item>>} */
    const { body } = await call("GET", url.pathname + url.search);
    items.push(...body.items);
    cursor = body.next_cursor;
  } while (cursor && items.length < maxItems);
  return items;
}

/** @param {number} seconds */
function wait(seconds) {
  return new Promise((resolve) => {
    setTimeout(resolve, seconds * 1000);
  });
}
