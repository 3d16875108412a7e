// Rights that result from a permission set and its overrides, and the difference between two states of access.

import { bulletList, factList, h } from "../shared/elements.js";
import { formatDay } from "../shared/dates.js";
import { describeAllowed, describeDenied, permissionGroups } from "../shared/permissions.js";
import { permissionTexts, t } from "../shared/texts.js";

const SCOPES = ["owned", "team", "all"];
const REQUIRED_ACTIONS = [
  ["edit", "view"],
  ["delete", "edit"],
];
const WIDEST_SCOPE = "all";
const isRestricted = (/** @type {string} */ name) => name in permissionTexts().single;

/**
 * Map each permission name to its scope. A permission without a scope gets the widest one.
 *
 * @param {readonly string[]} names
 * @returns {Rights}
 */
export function parseRights(names) {
  return new Map(
    names.map((each) => {
      const [name, scope] = each.split(":");
      return [name, scope ?? WIDEST_SCOPE];
    }),
  );
}

/**
 * Format rights as permission names. The scope is added only if it is not the widest one.
 *
 * @param {Rights} rights
 */
export function formatRights(rights) {
  return [...rights].map(([name, scope]) => (scope === WIDEST_SCOPE ? name : `${name}:${scope}`));
}

/** Return all permissions of a client account. */
export function allPermissions() {
  const words = permissionTexts();
  const names = [...permissionGroups().flatMap((group) => Object.keys(group.names)), ...Object.keys(words.single)];
  return parseRights(names.filter((name) => !name.startsWith("partner.")));
}

/**
 * Return the rights of a permission set without overrides; undefined if the user cannot see the set.
 *
 * `gained` lists what the latest version of the set adds to the member's version.
 *
 * @param {string} name
 * @param {readonly Api.PermissionSet[]} choices
 * @param {readonly string[]} [gained]
 */
export function baseRights(name, choices, gained = []) {
  const all = allPermissions();
  const known = choices.find((each) => each.permission_set === name);
  if (!known && name === "super_admin") return all;
  const rights = known
    ? parseRights(known.permissions)
    : name === "partner_admin"
      ? new Map([...all].filter(([each]) => !isRestricted(each)))
      : undefined;
  for (const each of parseRights(gained).keys()) rights?.delete(each);
  return rights;
}

/**
 * @param {Rights} base
 * @param {Api.Overrides} overrides
 */
export function applyOverrides(base, { added, removed }) {
  /** @type {Rights} */
  const rights = new Map([...base].filter(([name]) => !removed.includes(name)));
  for (const [name, scope] of parseRights(added)) rights.set(name, widerScope(scope, rights.get(name)));
  return rights;
}

/**
 * @param {string} scope
 * @param {string | undefined} other
 */
function widerScope(scope, other) {
  return other !== undefined && SCOPES.indexOf(other) > SCOPES.indexOf(scope) ? other : scope;
}

/**
 * Return what `rights` has in addition to `others`, or with a wider scope.
 *
 * @param {Rights} rights
 * @param {Rights} others
 */
export function rightsBeyond(rights, others) {
  return [...rights]
    .filter(([name, scope]) => !others.has(name) || SCOPES.indexOf(scope) > SCOPES.indexOf(others.get(name) ?? ""))
    .map(([name, scope]) => (scope === WIDEST_SCOPE ? name : `${name}:${scope}`));
}

/**
 * Return the overrides that turn the base rights into the target rights.
 *
 * @param {Rights} base
 * @param {Rights} target
 */
export function overridesFor(base, target) {
  /** @type {string[]} */
  const add = [];
  /** @type {string[]} */
  const remove = [];
  for (const [name, scope] of base) {
    if (SCOPES.indexOf(target.get(name) ?? "") < SCOPES.indexOf(scope)) remove.push(name);
  }
  for (const [name, scope] of target) {
    if (scope !== base.get(name)) add.push(scope === WIDEST_SCOPE ? name : `${name}:${scope}`);
  }
  return { add: add.sort(), remove: remove.sort() };
}

/**
 * Limit scopes so that delete is never wider than edit, and edit is never wider than view.
 *
 * @param {Iterable<[name: string, scope: string]>} uncapped
 * @returns {Rights}
 */
export function capScopes(uncapped) {
  const rights = new Map(uncapped);
  for (const [action, requiredAction] of REQUIRED_ACTIONS) {
    for (const [name, scope] of rights) {
      const dot = name.lastIndexOf(".");
      const requiredScope = rights.get(`${name.slice(0, dot)}.${requiredAction}`);
      if (name.slice(dot + 1) === action && requiredScope && SCOPES.indexOf(requiredScope) < SCOPES.indexOf(scope)) {
        rights.set(name, requiredScope);
      }
    }
  }
  return rights;
}

/**
 * Two lists: what the member can and cannot do. `name` is undefined while the member is not created yet.
 *
 * @param {Rights} rights
 * @param {string} [name]
 */
export function rightsOverview(rights, name) {
  const missing = [...allPermissions().keys()].filter((each) => !rights.has(each));
  return h(
    "div",
    { class: "columns" },
    h(
      "section",
      { class: "can", "aria-labelledby": "can" },
      h("h2", { id: "can" }, t(name ? "account.can" : "account.new.can", { name })),
      rights.size ? bulletList(describeAllowed(formatRights(rights))) : h("p", {}, t("account.can_nothing")),
    ),
    h(
      "section",
      { class: "cannot", "aria-labelledby": "cannot" },
      h("h2", { id: "cannot" }, t(name ? "account.cannot" : "account.new.cannot", { name })),
      missing.length ? bulletList(describeDenied(missing)) : h("p", {}, t("account.cannot_nothing")),
    ),
  );
}

/**
 * @param {string} before
 * @param {string} after
 */
function changeText(before, after) {
  return before === after ? undefined : t("account.from_to", { before, after });
}

/**
 * A member's access, as texts and rights.
 *
 * @typedef {object} AccessState
 * @property {string} set
 * @property {string} seats
 * @property {string | null | undefined} until The last day
 * @property {string} state
 * @property {Rights | undefined} rights
 */

/**
 * List the changes between two states {set, seats, until, rights}; undefined if there are none.
 *
 * @param {AccessState} before
 * @param {AccessState} after
 */
export function differenceList(before, after) {
  const [rightsBefore, rightsAfter] =
    before.rights && after.rights ? [before.rights, after.rights] : [new Map(), new Map()];
  const gained = rightsBeyond(rightsAfter, rightsBefore);
  const lost = rightsBeyond(rightsBefore, rightsAfter);
  const removed = lost.map((each) => each.split(":")[0]).filter((name) => !rightsAfter.has(name));
  const narrowed = lost
    .map((each) => each.split(":")[0])
    .filter((name) => rightsAfter.has(name))
    .map((name) => `${name}:${rightsAfter.get(name)}`);
  /** @type {[string, Content][]} */
  const rows = [
    [t("account.set"), changeText(before.set, after.set)],
    [t("account.gains"), gained.length > 0 && h("div", { class: "can" }, bulletList(describeAllowed(gained)))],
    [t("account.loses"), removed.length > 0 && h("div", { class: "cannot" }, bulletList(describeDenied(removed)))],
    [t("account.narrower"), narrowed.length > 0 && bulletList(describeAllowed(narrowed))],
    [t("account.seats"), changeText(before.seats, after.seats)],
    [t("account.until"), changeText(endText(before), endText(after))],
    [t("account.state"), changeText(before.state, after.state)],
  ];
  return rows.some(([, content]) => content) ? factList(...rows) : undefined;
}

/** @param {AccessState} state */
function endText({ until }) {
  return until ? formatDay(until) : t("account.no_end");
}
