// Shared by all views of an account: the loaded context, the user's allowed actions, texts and navigation.

import { call, listAll, Problem } from "../shared/api.js";
import { signedInUserId } from "../shared/auth.js";
import { allPermissions } from "./rights.js";
import { setTimeZone } from "../shared/dates.js";
import { alertNote, h } from "../shared/elements.js";
import { errorAlert } from "../shared/page.js";
import { formatList, hasText, problemText, t } from "../shared/texts.js";
import { pathSegment, userSegment } from "../shared/urls.js";

export const accountId = pathSegment(2);
export const accountPath = `/accounts/${encodeURIComponent(accountId)}`;
/**
 * What is known about the account and the user. `ownMember` and `sets` are undefined if the user cannot see them.
 *
 * @type {{
 *   accounts: Api.Account[];
 *   account: Api.Account | undefined;
 *   ownMember: Api.Member | undefined;
 *   sets: Api.PermissionSet[] | undefined;
 *   userId: string;
 * }}
 */
export const context = { accounts: [], account: undefined, ownMember: undefined, sets: undefined, userId: "" };

const NOT_VISIBLE_CODES = new Set(["forbidden", "not_found"]);

/**
 * Await a request. Return undefined if the user is not allowed to see the result.
 *
 * @template Result
 * @param {Promise<Result>} request
 */
export async function ifVisible(request) {
  try {
    return await request;
  } catch (error) {
    if (error instanceof Problem && NOT_VISIBLE_CODES.has(error.code)) return undefined;
    throw error;
  }
}

export async function loadContext() {
  context.userId = signedInUserId() ?? "";
  /** @type {Promise<Api.Account[]>} */
  const accountsRequest = listAll("/accounts");
  /** @type {Promise<Api.Response<Api.Member> | undefined>} */
  const memberRequest = ifVisible(call("GET", userPath(context.userId)));
  /** @type {Promise<Api.Response<Api.List<Api.PermissionSet>> | undefined>} */
  const setsRequest = ifVisible(call("GET", `${accountPath}/permission-sets`));
  const [accounts, ownMember, sets] = await Promise.all([accountsRequest, memberRequest, setsRequest]);
  const account = accounts.find((each) => each.account_id === accountId);
  if (account) setTimeZone(account.time_zone);
  Object.assign(context, { accounts, account, ownMember: ownMember?.body, sets: sets?.body.items });
}

/** @param {string} userId */
export function userPath(userId) {
  return `${accountPath}/users/${userSegment(userId)}`;
}

/** @param {string | undefined} email */
export async function choicesFor(email) {
  const query = email ? `?email=${encodeURIComponent(email)}` : "";
  /** @type {Api.Response<Api.List<Api.PermissionSet>> | undefined} */
  const response = await ifVisible(call("GET", `${accountPath}/permission-sets${query}`));
  return response?.body.items ?? [];
}

// --- allowed actions ---

/**
 * Return whether the user can take this action in the account.
 *
 * @param {Api.AccountAction} action
 */
export function isAllowedInAccount(action) {
  return Boolean(context.account?.allowed_actions.includes(action));
}

/** Return all permissions for a super admin; undefined for other users, who can grant only what they hold. */
export function grantablePermissions() {
  return context.account?.permission_set === "super_admin" ? allPermissions() : undefined;
}

// --- texts ---

/**
 * @param {string} name
 * @param {string} [customName]
 */
export function setName(name, customName) {
  return hasText(`account.set.${name}`)
    ? t(`account.set.${name}`)
    : customName || context.sets?.find((each) => each.permission_set === name)?.name || name;
}

/** @param {string | null} [seat] */
export function seatName(seat) {
  return hasText(`account.seat.${seat}`) ? t(`account.seat.${seat}`) : t("account.seat.none");
}

/** @param {Pick<Api.Member, "seat" | "paid_seats">} member */
export function seatNames(member) {
  return formatList([member.seat, ...(member.paid_seats ?? [])].map((seat) => seatName(seat)));
}

/**
 * Alert for a failed request. It names the invalid fields by their labels.
 *
 * @param {Api.Failure} error
 * @param {Record<string, string>} [specialTexts] Texts by code, or by code and field.
 */
export function problemAlert(error, specialTexts = {}) {
  if (!(error instanceof Problem)) return errorAlert(error);
  const fields = error.errors.map((each) => each.pointer.split("/")[1]);
  const specialText =
    fields.map((field) => specialTexts[`${error.code}/${field}`]).find(Boolean) ?? specialTexts[error.code];
  if (specialText) return alertNote(h("p", {}, specialText));
  const fieldNames = [...new Set(fields)]
    .filter((field) => hasText(`account.field.${field}`))
    .map((field) => t(`account.field.${field}`));
  return alertNote(
    h("p", {}, problemText(error.code)),
    fieldNames.length > 0 && h("p", { class: "quiet" }, t("fields", { fields: formatList(fieldNames) })),
  );
}

// --- navigation ---

/** @type {() => void} */
let navigationHandler = () => {};

/** @param {() => void} handler */
export function onNavigate(handler) {
  navigationHandler = handler;
  addEventListener("popstate", () => handler());
}

/** @param {Record<string, string>} [params] */
export function viewUrl(params = {}) {
  const query = new URLSearchParams(params).toString();
  return location.pathname + (query && `?${query}`);
}

/** @param {Record<string, string>} params */
export async function navigate(params) {
  history.pushState(null, "", viewUrl(params));
  await navigationHandler();
}

/**
 * Link to another view. A plain click navigates without a page load; modified clicks work as usual.
 *
 * @param {string} label
 * @param {Record<string, string>} params
 * @param {Attributes} [attributes]
 */
export function viewLink(label, params, attributes) {
  return h(
    "a",
    {
      href: viewUrl(params),
      ...attributes,
      onclick: (event) => {
        if (event.ctrlKey || event.metaKey || event.shiftKey || event.altKey) return;
        event.preventDefault();
        navigate(params);
      },
    },
    label,
  );
}
