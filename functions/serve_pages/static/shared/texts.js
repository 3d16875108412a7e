// Texts of the page in the user's language. Each language is a table that is loaded on demand; the choice is stored.

const LANGUAGE_KEY = "language";
/** @type {Record<string, string>} */
export const LANGUAGES = { en: "English", ja: "日本語" };

const storedLanguage = ifStorable(() => localStorage.getItem(LANGUAGE_KEY)) ?? "";
let language = storedLanguage in LANGUAGES ? storedLanguage : document.documentElement.lang;
const { page } = document.documentElement.dataset;
let needsPermissions = false;
/** @type {Texts} */
let texts;
/** @type {PermissionTexts} */
let permissionTable;
await loadTables();

/**
 * Return the result; undefined if the browser blocks its storage. The language is then that of the browser.
 *
 * @template Result
 * @param {() => Result} action
 */
function ifStorable(action) {
  try {
    return action();
  } catch {
    return undefined;
  }
}

async function loadTables() {
  const tables = [`texts.${page}`, ...(needsPermissions ? ["permissions"] : [])];
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

/** @param {string} newLanguage */
export async function setLanguage(newLanguage) {
  language = newLanguage;
  ifStorable(() => localStorage.setItem(LANGUAGE_KEY, newLanguage));
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

/** @param {string} name */
export function hasText(name) {
  return name in texts;
}

/**
 * Return the text with this name and fill in the values. Plural forms are selected by the value `n`.
 *
 * @param {string} name
 * @param {TextValues} [values]
 */
export function t(name, values = {}) {
  const forms = texts[name];
  if (forms === undefined) throw new Error(`no text named ${name}`);
  const template =
    typeof forms === "string" ? forms : (forms[new Intl.PluralRules(language).select(Number(values.n))] ?? forms.other);
  return template.replace(/\{(\w+)\}/g, (_, key) =>
    typeof values[key] === "number" ? formatNumber(values[key]) : keepOnOneLine(String(values[key])),
  );
}

/**
 * Prevent a line break within a Japanese name.
 *
 * @param {string} text
 */
function keepOnOneLine(text) {
  return text.replace(
    /(?<=\p{scx=Han}|\p{scx=Hira}|\p{scx=Kana}) (?=\p{scx=Han}|\p{scx=Hira}|\p{scx=Kana})/gu,
    "\u00a0",
  );
}

/**
 * Return the name of a user, or the id of one whose name was erased.
 *
 * @param {{ name: string; user_id: string }} user
 */
export function displayName({ name, user_id: userId }) {
  return name || userId;
}

/** @param {number} value */
export function formatNumber(value) {
  return new Intl.NumberFormat(locale()).format(value);
}

/** @param {readonly string[]} items */
export function formatList(items) {
  return new Intl.ListFormat(language === "en" ? "en-GB" : language, { type: "conjunction" }).format(items);
}

/**
 * Return the meaning of an error code and what to do next.
 *
 * @param {string} code
 * @returns {string}
 */
export function problemText(code) {
  return /** @type {string} */ (texts[`error.${code}`] ?? texts["error.unexpected"]);
}
