// What is typed for an access link as data: its defaults, its request, and its fields with errors.

import { addDays, MAX_ACCESS_DAYS, today } from "../../shared/dates.js";

/**
 * What was typed, by the name of the field.
 *
 * @typedef {Record<LinkField, string>} LinkFields
 *
 * @typedef {"where" | "employee_id" | "account_id" | "recipient_email" | "purpose" | "access_days" | "link_days"
 *   | "max_approvals" | "locale"} LinkField
 *
 * @typedef {LinkFields & { narrowed: boolean; removed: Set<string> }} LinkDraft
 *
 * @typedef {Partial<LinkFields> & { narrowed?: boolean; removed?: string[] }} SavedLinkForm
 */

/** @type {LinkFields} */
const DEFAULTS = {
  where: "any",
  account_id: "",
  recipient_email: "",
  purpose: "",
  access_days: "",
  link_days: "7",
  max_approvals: "1",
  locale: "",
  employee_id: "",
};

/**
 * Names of the fields' labels. These fields can be invalid.
 *
 * @type {Record<string, string>}
 */
export const FIELD_LABELS = {
  employee_id: "partner.link.employee",
  account_id: "partner.link.account",
  recipient_email: "partner.link.recipient",
  purpose: "partner.link.purpose",
  access_days: "partner.link.access_days",
  link_days: "partner.link.link_days",
  max_approvals: "partner.link.max",
  locale: "partner.link.locale",
};

/**
 * Create the form state. Saved fields are restored, the others have their defaults.
 *
 * @param {SavedLinkForm} saved
 * @returns {LinkDraft}
 */
export function newLinkDraft(saved) {
  return { ...DEFAULTS, narrowed: false, ...saved, removed: new Set(saved.removed) };
}

/**
 * @param {LinkDraft} draft
 * @returns {SavedLinkForm}
 */
export function serializeLinkDraft(draft) {
  return { ...draft, removed: [...draft.removed] };
}

/**
 * Return the employees who a link can be for.
 *
 * @param {readonly Api.Employee[]} employees
 */
export function eligibleEmployees(employees) {
  return employees.filter((employee) => employee.eligible && employee.state === "active");
}

/**
 * Return the employee to select: the selected one while they are eligible, otherwise the user, otherwise the first.
 *
 * @param {readonly Api.Employee[]} eligible
 * @param {string} selectedId
 * @param {string | undefined} ownId
 */
export function selectedEmployeeId(eligible, selectedId, ownId) {
  const ids = eligible.map((employee) => employee.user_id);
  return [selectedId, ownId].find((id) => id !== undefined && ids.includes(id)) ?? ids[0];
}

/**
 * Return the last day of access if it began today; undefined if it has no end, or an invalid one.
 *
 * @param {string} accessDays
 */
export function accessEnd(accessDays) {
  const days = Number(accessDays);
  return days >= 1 && days <= MAX_ACCESS_DAYS ? addDays(today(), days) : undefined;
}

/** @param {LinkDraft} draft */
export function requestBody(draft) {
  /** @type {Api.CreateLinkRequest} */
  const body = { employee_id: draft.employee_id, link_days: Number(draft.link_days) };
  if (draft.where === "one") body.account_id = draft.account_id.trim();
  else body.max_approvals = Number(draft.max_approvals);
  if (draft.recipient_email.trim()) body.recipient_email = draft.recipient_email.trim();
  if (draft.purpose.trim()) body.purpose = draft.purpose.trim();
  if (draft.locale) body.locale = /** @type {Api.Locale} */ (draft.locale);
  if (draft.access_days) body.access_days = Number(draft.access_days);
  if (draft.removed.size) body.permissions = { remove: [...draft.removed].sort() };
  return body;
}

/**
 * Return the names of the fields that the API reported as invalid.
 *
 * @param {Api.Failure} error
 */
export function invalidFields(error) {
  return error.errors?.map((each) => each.pointer.split("/")[1]).filter((name) => name in FIELD_LABELS) ?? [];
}
