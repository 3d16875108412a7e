// Shared by the tabs of the console: the partner, the user's rights, and the loaded lists.

import { listAll, Problem } from "../shared/api.js";
import { formatDay, setTimeZone } from "../shared/dates.js";
import { Pages } from "../shared/paged-items.js";
import { hasText, t } from "../shared/texts.js";
import { pathSegment, userSegment } from "../shared/urls.js";

const partnerId = pathSegment(2);

/**
 * The partner, and its lists as far as they are loaded.
 *
 * @type {{
 *   id: string;
 *   name: string | undefined;
 *   managesClientAccess: boolean | undefined;
 *   clients: Pages<Api.Client>;
 *   employees: Pages<Api.Employee>;
 *   links: Pages<Api.Link>;
 * }}
 */
export const partner = {
  id: partnerId,
  name: undefined,
  managesClientAccess: undefined,
  clients: new Pages(partnerPath("clients")),
  employees: new Pages(partnerPath("employees"), 25),
  links: new Pages(partnerPath("access-links")),
};

/** @param {...string} segments */
export function partnerPath(...segments) {
  return ["/partners", partnerId, ...segments]
    .map((segment, index) => (index ? encodeURIComponent(segment) : segment))
    .join("/");
}

/**
 * @param {string} accountId
 * @param {string} userId
 */
export function userPath(accountId, userId) {
  return `/accounts/${encodeURIComponent(accountId)}/users/${userSegment(userId)}`;
}

/** Load the partner's name and whether the user manages client access. */
export async function loadPartner() {
  /** @type {Api.Account[]} */
  const accounts = await listAll("/accounts");
  const ownAccount = accounts.find((account) => account.account_id === partnerId && account.kind === "partner");
  if (!ownAccount) throw new Problem(404, { code: "not_found" });
  partner.managesClientAccess = ownAccount.allowed_actions.includes("manage_client_access");
  partner.name = ownAccount.name;
  setTimeZone(ownAccount.time_zone);
}

/**
 * Return the name of a permission set. The vendor's sets have translations; custom sets have only their own name.
 *
 * @param {string} name
 * @param {string} [customName]
 */
export function setName(name, customName) {
  return hasText(`partner.set.${name}`) ? t(`partner.set.${name}`) : (customName ?? name);
}

/** @param {string | null} [name] */
export function seatName(name) {
  return t(`partner.seat.${name ?? "none"}`);
}

/** @param {Pick<Api.Link, "access_days" | "access_ends_on">} link */
export function requestedEnd({ access_days: days, access_ends_on: lastDay }) {
  if (lastDay) return t("partner.link.until", { date: formatDay(lastDay) });
  return days ? t("partner.link.days", { n: days }) : t("partner.no_end");
}

/**
 * Return the client's name if it is loaded, otherwise its id.
 *
 * @param {string} accountId
 */
export function clientName(accountId) {
  return partner.clients.items.find((client) => client.account_id === accountId)?.name ?? accountId;
}
