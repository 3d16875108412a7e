// Ids of users in paths.

const UNCHANGED_IN_PATHS = /^(?!\.{1,2}$)[A-Za-z0-9_.:|@+=-]+$/;

/**
 * Return the id of a user as one encoded segment of a path, as the API takes it (docs/http-api.md).
 *
 * @param {string} userId
 */
export function userSegment(userId) {
  if (UNCHANGED_IN_PATHS.test(userId)) return encodeURIComponent(userId);
  return `~${btoa(userId).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "")}`;
}
