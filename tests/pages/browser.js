// Imports a script of the pages as it is served, with the few parts of a browser that the tested modules need.

import { pathToFileURL } from "node:url";

/** Return storage as the browser has it, empty at first. */
function emptyStorage() {
  const stored = new Map();
  return {
    getItem: (/** @type {string} */ name) => stored.get(name) ?? null,
    setItem: (/** @type {string} */ name, /** @type {string} */ value) => stored.set(name, value),
    removeItem: (/** @type {string} */ name) => stored.delete(name),
  };
}

Object.assign(globalThis, {
  document: {
    documentElement: { lang: "en", dataset: { page: "partner" } },
    getElementById: () => null,
    querySelector: () => null,
  },
  localStorage: emptyStorage(),
  location: { origin: "https://access.example.com", pathname: "/accounts/client-bakery", search: "" },
  sessionStorage: emptyStorage(),
  window: globalThis,
});
Object.defineProperty(globalThis, "navigator", { value: { languages: ["en-US", "ja-JP"] } });

/**
 * Import a module by its served name. test_scripts.py has written all assets into the folder SERVED_ASSETS.
 *
 * @param {string} name
 */
export function served(name) {
  return import(new URL(name, `${pathToFileURL(process.env.SERVED_ASSETS ?? ".")}/`).href);
}
