// URLs with parameters.

/**
 * Return the URL with these parameters beside those that it has already.
 *
 * @param {string} url
 * @param {Record<string, string>} params
 */
export function withParams(url, params) {
  const made = new URL(url);
  for (const [name, value] of Object.entries(params)) made.searchParams.set(name, value);
  return made.href;
}
