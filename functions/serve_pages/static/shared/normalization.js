// Typed texts in the form in which the API compares them: full-width, half-width and case make no difference.

/**
 * Return the text in the form in which texts are searched.
 *
 * @param {string} text
 */
export function searchable(text) {
  return text.normalize("NFKC").toUpperCase().trim();
}

/**
 * Return whether one of the values contains the text, which is searchable.
 *
 * @param {string} text
 * @param {...(string | null | undefined)} values
 */
export function includesText(text, ...values) {
  return !text || values.some((value) => value && searchable(value).includes(text));
}

/**
 * Return a typed email address as the API reads it, so that the browser's own check accepts it too.
 *
 * @param {string} text
 */
export function typedEmail(text) {
  return text.normalize("NFKC").replaceAll("。", ".").trim();
}
