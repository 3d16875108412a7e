// Labels and contents of the details of audit entries.

import { beforeAndAfter } from "./audit-details.js";
import { setName } from "./context.js";
import { formatDay, formatEnd } from "../shared/dates.js";
import { bulletList, h } from "../shared/elements.js";
import { describeAllowed, describeDenied } from "../shared/permissions.js";
import { hasText, problemText, t } from "../shared/texts.js";

/** @param {string} name */
export function detailLabel(name) {
  return hasText(`account.detail.${name}`) ? t(`account.detail.${name}`) : name;
}

/**
 * Return the text for a value of a fixed list, or the value of a later version of the service.
 *
 * @param {string} prefix
 * @param {string} value
 */
function word(prefix, value) {
  return hasText(`${prefix}.${value}`) ? t(`${prefix}.${value}`) : value;
}

/**
 * @param {string} kind
 * @param {any} value
 * @returns {Content}
 */
export function content(kind, value) {
  if (Array.isArray(value) && !value.length) return t("account.detail.nothing");
  switch (kind) {
    case "gained":
      return permissionList(describeAllowed, value);
    case "lost":
      return permissionList(describeDenied, value);
    case "terms":
      return [
        content("lost", value.removed),
        value.access_days && h("p", {}, t("account.detail.days", { n: value.access_days })),
        value.access_ends_on && h("p", {}, t("account.detail.last_day", { date: formatDay(value.access_ends_on) })),
      ];
    case "set":
      return setName(value);
    case "change":
      return beforeAndAfter(value).join(" → ");
    case "seat":
      return beforeAndAfter(value)
        .map((each) => word("account.seat", each))
        .join(" → ");
    case "seats":
      return bulletList(value.map((/** @type {string} */ each) => word("account.seat", each)));
    case "fields":
      return bulletList(value.map((/** @type {string} */ each) => word("account.field", each)));
    case "side":
      return word("account.side", value);
    case "role":
      return word("account.role", value);
    case "end":
      return formatEnd(value);
    case "flag":
      return t(value ? "account.detail.yes" : "account.detail.no");
    case "error":
      return problemText(value);
    case "ids":
      return bulletList(value);
    case "id":
      return value;
    default:
      return JSON.stringify(value);
  }
}

/**
 * @param {(permissions: string[]) => string[]} describe
 * @param {string[]} permissions
 */
function permissionList(describe, permissions) {
  return bulletList(describe(permissions.map((each) => each.replace(/:all$/, ""))));
}
