// Typed texts in the form in which the API compares them.

import assert from "node:assert/strict";
import { test } from "node:test";

import { served } from "./browser.js";

const { includesText, searchable, typedEmail } = await served("shared.normalization.js");

test("width and case make no difference in a search", () => {
  for (const [typed, stored] of [
    ["ﾔﾏﾀﾞ", "ヤマダ 太郎"],
    ["ヤマダ", "ﾔﾏﾀﾞ 太郎"],
    ["ａｎｎａ＠", "Anna@example.com"],
    ["strasse", "Lange Straße"],
    ["ΟΔΟΣ", "οδος"],
    ["  tom ", "Tom"],
    ["", "anything"],
  ]) {
    assert.ok(includesText(searchable(typed), undefined, null, "", stored), typed);
  }
  assert.ok(!includesText(searchable("yamada"), "ヤマダ", undefined));
  assert.ok(includesText("", undefined), "an empty search finds everything");
});

test("a full-width address is read as the API reads it", () => {
  assert.equal(typedEmail("　ａｎｎａ＠ｅｘａｍｐｌｅ．ｃｏｍ "), "anna@example.com");
  assert.equal(typedEmail("anna@example｡com"), "anna@example.com");
  assert.equal(typedEmail("Anna@example.com"), "Anna@example.com");
});
