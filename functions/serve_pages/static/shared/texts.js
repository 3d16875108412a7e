// Texts in the user's language. Each language is a table that is loaded on demand; the choice is stored in the browser.

const LANGUAGE_KEY = "language";
export const LANGUAGES = { en: "English", ja: "日本語" };

let language = LANGUAGES[localStorage.getItem(LANGUAGE_KEY)]
  ? localStorage.getItem(LANGUAGE_KEY)
  : document.documentElement.lang;
let needsPermissions = false;
let texts;
let permissionTable;
await loadTables();

async function loadTables() {
  const tables = needsPermissions ? ["texts", "permissions"] : ["texts"];
  [texts, permissionTable] = (await Promise.all(tables.map((table) => import(`./${table}.${language}.js`)))).map(
    (each) => each.default,
  );
  document.documentElement.lang = language;
}

export function currentLanguage() {
  return language;
}

/** Return the locale for dates and numbers: the user's regional variant of the language, if there is one. */
export function locale() {
  return navigator.languages.find((each) => each.split("-")[0] === language) ?? language;
}

export async function setLanguage(newLanguage) {
  language = newLanguage;
  localStorage.setItem(LANGUAGE_KEY, newLanguage);
  await loadTables();
}

/** Load the permission texts too. Pages that name permissions call this once. */
export async function loadPermissionTexts() {
  needsPermissions = true;
  await loadTables();
}

export function permissionTexts() {
  return permissionTable;
}

export function hasText(name) {
  return name in texts;
}

/** Return the text with this name and fill in the values. Plural forms are selected by the value `n`. */
export function t(name, values = {}) {
  const forms = texts[name];
  if (forms === undefined) throw new Error(`no text named ${name}`);
  const template =
    typeof forms === "string" ? forms : (forms[new Intl.PluralRules(language).select(values.n)] ?? forms.other);
  return template.replace(/\{(\w+)\}/g, (_, key) =>
    typeof values[key] === "number" ? formatNumber(values[key]) : keepOnOneLine(values[key]),
  );
}

/** Prevent a line break within a Japanese name. */
function keepOnOneLine(text) {
  return typeof text === "string"
    ? text.replace(/(?<=\p{scx=Han}|\p{scx=Hira}|\p{scx=Kana}) (?=\p{scx=Han}|\p{scx=Hira}|\p{scx=Kana})/gu, "\u00a0")
    : text;
}

export function formatNumber(value) {
  return new Intl.NumberFormat(locale()).format(value);
}

export function formatList(items) {
  return new Intl.ListFormat(language === "en" ? "en-GB" : language, { type: "conjunction" }).format(items);
}

/** Return the meaning of an error code and what to do next. */
export function problemText(code) {
  return texts[`error.${code}`] ?? texts["error.unexpected"];
}
