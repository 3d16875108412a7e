// Ids in paths.

const UNCHANGED_IN_PATHS = /^(?!\.{1,2}$)[A-Za-z0-9_.:|@+=-]+$/;

/**
 * Return this segment of the page's path, as it is where it cannot be decoded.
 *
 * @param {number} index
 */
export function pathSegment(index) {
  const segment = location.pathname.split("/").at(index) ?? "";
  try {
    return decodeURIComponent(segment);
  } catch {
    return segment;
  }
}

/**
 * Return the id of a user as one encoded segment of a path, as the API takes it (docs/http-api.md).
 *
 * @param {string} userId
 */
export function userSegment(userId) {
  if (UNCHANGED_IN_PATHS.test(userId)) return encodeURIComponent(userId);
  return `~${btoa(userId).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "")}`;
}
