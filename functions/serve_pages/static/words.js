// What is said, in the reader's language: a table for each, loaded when it is wanted, kept by the reader's own choice.

const KEPT = "language";
export const LANGUAGES = { en: "English", ja: "日本語" };

let language = LANGUAGES[localStorage.getItem(KEPT)] ? localStorage.getItem(KEPT) : document.documentElement.lang;
let permissionsWanted = false;
let told;
let plain;
await load();

async function load() {
  const tables = permissionsWanted ? ["words", "permissions"] : ["words"];
  [told, plain] = (await Promise.all(tables.map((table) => import(`./${table}.${language}.js`)))).map((each) => each.default);
  document.documentElement.lang = language;
}

export function speaks() {
  return language;
}

/** The language with the reader's own habits of writing dates and numbers. */
export function locale() {
  return navigator.languages.find((each) => each.split("-")[0] === language) ?? language;
}

export async function speak(other) {
  language = other;
  localStorage.setItem(KEPT, other);
  await load();
}

/** The plain words of permissions are loaded by the pages that name some. */
export async function withPermissions() {
  permissionsWanted = true;
  await load();
}

export function permissionWords() {
  return plain;
}

export function knows(name) {
  return name in told;
}

/** The words of this name with its places filled; of several forms the one that fits the number `n`. */
export function say(name, places = {}) {
  const words = told[name];
  if (words === undefined) throw new Error(`no words for ${name}`);
  const chosen = typeof words === "string" ? words : words[new Intl.PluralRules(language).select(places.n)] ?? words.other;
  return chosen.replace(/\{(\w+)\}/g, (_, place) => (typeof places[place] === "number" ? number(places[place]) : unbroken(places[place])));
}

/** A Japanese name stays on one line. */
function unbroken(text) {
  return typeof text === "string" ? text.replace(/(?<=\p{scx=Han}|\p{scx=Hira}|\p{scx=Kana}) (?=\p{scx=Han}|\p{scx=Hira}|\p{scx=Kana})/gu, "\u00a0") : text;
}

export function number(value) {
  return new Intl.NumberFormat(locale()).format(value);
}

export function listed(items) {
  return new Intl.ListFormat(language === "en" ? "en-GB" : language, { type: "conjunction" }).format(items);
}

/** What a refusal means and what to do next. */
export function refused(code) {
  return told[`refused.${code}`] ?? told["refused.unexpected"];
}
