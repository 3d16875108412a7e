// Texts: plural forms, numbers, and what is kept on one line.

import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";

import { served } from "./browser.js";

const { formatList, hasText, locale, problemText, setLanguage, t } = await served("shared.texts.js");

beforeEach(() => setLanguage("en"));

test("a plural form is selected by n", () => {
  assert.equal(t("partner.count.clients", { n: 1 }), "1 client");
  assert.equal(t("partner.count.clients", { n: 0 }), "0 clients");
  assert.equal(t("partner.count.clients", { n: 2 }), "2 clients");
});

test("numbers are grouped as in the locale", () => {
  assert.equal(t("partner.count.clients", { n: 12345 }), "12,345 clients");
});

test("Japanese has one form for every number", async () => {
  await setLanguage("ja");
  const [one, many] = [t("partner.count.clients", { n: 1 }), t("partner.count.clients", { n: 2 })];
  assert.equal(one.replace("1", "2"), many);
  assert.equal(locale(), "ja-JP");
});

test("a Japanese name is kept on one line, and an English one is not", () => {
  assert.ok(t("partner.users_of", { client: "山田 花子" }).includes("山田\u00a0花子"));
  assert.ok(t("partner.users_of", { client: "Ann Lee" }).includes("Ann Lee"));
});

test("a text without a name is an error", () => {
  assert.equal(hasText("nothing"), false);
  assert.throws(() => t("nothing"), /no text named nothing/);
});

test("an unknown error code has the text of an unexpected error", () => {
  assert.equal(problemText("nothing"), problemText("unexpected"));
  assert.notEqual(problemText("link_expired"), problemText("unexpected"));
});

test("a list has no comma before its last item", () => {
  assert.equal(formatList(["a", "b", "c"]), "a, b and c");
});
