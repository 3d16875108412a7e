// The answer to a link as data: its account, its permissions and its request. Nothing here touches the page.

import { groupBy } from "../shared/group-by.js";

const ENDED_CODES = new Set(["link_expired", "link_revoked", "link_declined"]);
const FINAL_CODES = new Set([...ENDED_CODES, "link_not_found", "link_already_used"]);
const RESOLVED_IN_ACCOUNT = new Set(["is_super_admin", "grant_suspended", "no_seat_left", "already_partner_admin"]);

/** @typedef {{ removed: ReadonlySet<string>; until: string }} Reduction */

/**
 * Return whether the link with this error has ended without an approval.
 *
 * @param {Api.Failure} error
 */
export function isEnded({ code }) {
  return ENDED_CODES.has(code ?? "");
}

/**
 * Return whether the link with this error can no longer be answered.
 *
 * @param {Api.Failure} error
 */
export function isFinal({ code }) {
  return FINAL_CODES.has(code ?? "");
}

/**
 * Return whether the reason why an account cannot approve can be resolved in the account.
 *
 * @param {Api.LinkAccount} account
 */
export function isResolvedInAccount({ reason }) {
  return RESOLVED_IN_ACCOUNT.has(reason ?? "");
}

/** @param {readonly Api.LinkAccount[]} accounts */
export function approvableAccounts(accounts) {
  return accounts.filter((account) => account.can_approve);
}

/**
 * Return the account to select: the chosen one while it can approve, otherwise the only one that can.
 *
 * @param {readonly Api.LinkAccount[]} accounts
 * @param {string | undefined} chosenAccountId
 */
export function selectedAccountId(accounts, chosenAccountId) {
  const ids = approvableAccounts(accounts).map((account) => account.account_id);
  if (chosenAccountId !== undefined && ids.includes(chosenAccountId)) return chosenAccountId;
  return ids.length === 1 ? ids[0] : undefined;
}

/**
 * Return the time zone of the selected account, otherwise of the first one that can approve, otherwise of the first.
 *
 * @param {readonly Api.LinkAccount[]} accounts
 * @param {string | undefined} chosenAccountId
 */
export function timeZoneOf(accounts, chosenAccountId) {
  const chosen = accounts.find((account) => account.account_id === chosenAccountId);
  return (chosen ?? approvableAccounts(accounts)[0] ?? accounts[0])?.time_zone;
}

/**
 * Group accounts that cannot approve by reason. An account whose reason can be resolved there is a group of its own.
 *
 * @param {readonly Api.LinkAccount[]} accounts
 */
export function groupByReason(accounts) {
  const groups = groupBy(accounts, (account) =>
    account.reason === undefined || isResolvedInAccount(account) ? account.account_id : account.reason,
  );
  return [...groups.values()];
}

/**
 * @param {Pick<Api.LinkPreview, "can">} preview
 * @param {Reduction} adjustment
 */
export function allowedPermissions({ can }, { removed }) {
  return can.filter((name) => !removed.has(name));
}

/**
 * @param {Pick<Api.LinkPreview, "cannot">} preview
 * @param {Reduction} adjustment
 */
export function deniedPermissions({ cannot }, { removed }) {
  return [...cannot, ...removed];
}

/**
 * Return the permissions that the approver removed, in addition to those that the link leaves out.
 *
 * @param {{ permissions: { removed: string[] } }} grant
 * @param {{ permissions: { removed: string[] } }} link
 */
export function removedByApprover(grant, link) {
  return grant.permissions.removed.filter((name) => !link.permissions.removed.includes(name));
}

/**
 * @param {string} secret
 * @param {string} accountId
 * @param {Reduction} adjustment
 */
export function approvalBody(secret, accountId, { removed, until }) {
  /** @type {Api.ApproveLinkRequest} */
  const body = { secret, account_id: accountId };
  if (removed.size) body.permissions = { remove: [...removed].sort() };
  if (until) body.access_ends_on = until;
  return body;
}

/**
 * @param {string} secret
 * @param {string} accountId
 * @param {string} reason
 */
export function declineBody(secret, accountId, reason) {
  return { secret, account_id: accountId, ...(reason && { reason }) };
}
