// How each event and each detail of an audit entry is shown. A test compares both lists with events/schemas.

/** All events, in the order of the filter. */
export const EVENTS = [
  "member.created",
  "member.updated",
  "member.suspended",
  "member.resumed",
  "member.removed",
  "member.retained",
  "access.ended",
  "grant.revoked",
  "grant.expired",
  "grant.ending",
  "link.created",
  "link.resent",
  "link.approved",
  "link.declined",
  "link.revoked",
  "link.expired",
  "link.renewal_requested",
  "super_admin.migrated",
  "employee.offboarded",
  "program.stopped",
  "program.resumed",
  "permission_set.update_accepted",
  "permission_set.created",
  "permission_set.updated",
  "permission_set.removed",
  "account.created",
  "account.updated",
  "account.orphaned",
  "user.created",
  "user.updated",
  "user.erased",
];

/**
 * The kind of value that each detail has. The sentence of the event has the details of the kind `sentence`.
 *
 * @type {Record<string, string>}
 */
export const DETAILS = {
  user_id: "sentence",
  employee_id: "sentence",
  days_left: "sentence",
  permission_set: "set",
  set_version: "change",
  gained: "gained",
  added: "gained",
  lost: "lost",
  removed: "lost",
  requested: "terms",
  given: "terms",
  seat: "seat",
  paid_seats: "seats",
  expires_at: "end",
  grant_ended: "flag",
  renamed: "flag",
  active: "flag",
  fields: "fields",
  role: "role",
  suspended_by: "side",
  resumed_by: "side",
  reason: "error",
  partner_id: "id",
  link_id: "id",
  grant_id: "id",
  orphaned: "ids",
};

/**
 * Return name, kind and value of each detail to show, in the order above. A detail without a value has no row, and an
 * empty list has one. Details that this page does not know come last, as they are.
 *
 * @param {Record<string, any>} details
 * @returns {{ name: string; kind: string; value: any }[]}
 */
export function detailRows(details) {
  const known = Object.keys(DETAILS).filter((name) => DETAILS[name] !== "sentence");
  const unknown = Object.keys(details).filter((name) => !(name in DETAILS));
  return [...known, ...unknown]
    .filter((name) => details[name] !== undefined && details[name] !== null)
    .map((name) => ({ name, kind: DETAILS[name] ?? "unknown", value: details[name] }));
}

/**
 * Return the parts of a value that can be one value, or the value before and after.
 *
 * @param {any} value
 * @returns {any[]}
 */
export function beforeAndAfter(value) {
  return typeof value === "object" ? [value.before, value.after].filter((each) => each !== undefined) : [value];
}
