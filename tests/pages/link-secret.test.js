// The secret of a link, as email programs and gateways change it.

import assert from "node:assert/strict";
import { test } from "node:test";

import { served } from "./browser.js";

const { secretIn } = await served("approve.link-secret.js");

const SECRET = `pal_cGFydG5lci1ub3J0aA.${"0123456789abcdef".repeat(2)}.${"r".repeat(42)}-_0a1b2c3d`;

test("what is not part of the secret is left out", () => {
  for (const after of ["", ".", "。", "）", "%EF%BC%89", ">", "%3E", " ", "%20", "&data=05%7C02", '"', "\u200b"]) {
    assert.equal(secretIn(`#${SECRET}${after}`), SECRET, after);
  }
});

test("a secret with encoded characters is decoded", () => {
  assert.equal(secretIn(`#${SECRET.replaceAll(".", "%2E").replaceAll("_", "%5f")}`), SECRET);
});

test("a damaged secret stays as it is", () => {
  for (const damaged of ["pal_%", "pal_%E3%81", "pal_", SECRET.slice(0, -1)]) {
    assert.equal(secretIn(`#${damaged}`), damaged);
  }
});
