// Fields that reduce the requested access: fewer permissions, singly or by group, and an earlier end date.

import { addDays, formatDay, MAX_ACCESS_DAYS, today } from "./dates.js";
import { alertNote, choice, h } from "./elements.js";
import { addedWith, describePermission, isScoped, permissionGroups, removedWith } from "./permissions.js";
import { formatNumber, t } from "./texts.js";

const SCOPES = ["owned", "team", "all"];
const WIDEST_SCOPE = "all";

/** @typedef {{ removed: Set<string>; until?: string; scopes?: Rights }} Adjustment */

/**
 * @typedef {object} AdjustmentOptions
 * @property {readonly string[]} permissions
 * @property {Adjustment} adjustment
 * @property {string} [latestDay] The last day that was requested; undefined for no end.
 * @property {() => void} onChange
 * @property {() => Rights} [currentRights]
 * @property {(name: string) => string | undefined} [maxScope]
 */

/**
 * Alert that the date in a field is outside its limits. `text` is the name of the text.
 *
 * @param {string} text
 * @param {HTMLInputElement} field
 */
export function dateAlert(text, { min, max }) {
  return alertNote(h("p", {}, t(text, { first: formatDay(min), last: formatDay(max) })));
}

/**
 * Create the fields. `adjustment` ({removed, until, scopes}) is updated, and `onChange` is called after each change.
 *
 * With `currentRights` (returns a map of permission to scope), scopes can be chosen too, up to `maxScope(name)`.
 *
 * @param {AdjustmentOptions} options
 */
export function adjustmentFields({
  permissions,
  adjustment,
  latestDay,
  onChange,
  currentRights,
  maxScope = () => WIDEST_SCOPE,
}) {
  /** @type {Map<string, HTMLInputElement>} */
  const checkboxes = new Map();
  /** @type {Map<string, HTMLSelectElement>} */
  const scopeSelects = new Map();
  /** @type {{ box: HTMLInputElement; names: string[]; count: HTMLElement }[]} */
  const groupHeads = [];

  function update() {
    for (const [name, checkbox] of checkboxes) checkbox.checked = !adjustment.removed.has(name);
    const rights = currentRights?.();
    for (const [name, select] of scopeSelects) {
      select.hidden = !rights?.has(name);
      select.value = rights?.get(name) ?? select.value;
    }
    for (const { box: checkbox, names, count } of groupHeads) {
      const remaining = names.filter((name) => !adjustment.removed.has(name)).length;
      checkbox.checked = remaining > 0;
      checkbox.indeterminate = remaining > 0 && remaining < names.length;
      count.textContent = t("adjust.count", { left: formatNumber(remaining), all: formatNumber(names.length) });
    }
    onChange();
  }

  /**
   * @param {string[]} names
   * @param {boolean} isChecked
   */
  function setChecked(names, isChecked) {
    for (const name of names) {
      for (const other of isChecked ? addedWith(name, permissions) : removedWith(name, permissions)) {
        if (isChecked) adjustment.removed.delete(other);
        else adjustment.removed.add(other);
      }
    }
    update();
  }

  /** @param {string} name */
  function permissionField(name) {
    const checkbox = h("input", {
      type: "checkbox",
      checked: !adjustment.removed.has(name),
      onchange: () => {
        setChecked([name], checkbox.checked);
      },
    });
    checkboxes.set(name, checkbox);
    const label = choice(checkbox, describePermission(name));
    return currentRights && isScoped(name) ? h("div", { class: "scoped" }, label, scopeSelect(name)) : label;
  }

  /** @param {string} name */
  function scopeSelect(name) {
    const offeredScopes = SCOPES.slice(0, SCOPES.indexOf(maxScope(name) ?? "") + 1);
    const select = h(
      "select",
      {
        "aria-label": t("adjust.scope", { what: describePermission(name) }),
        onchange: () => {
          setScope(name, select.value);
        },
      },
      offeredScopes.map((each) => h("option", { value: each }, t(`adjust.scope.${each}`))),
    );
    scopeSelects.set(name, select);
    return select;
  }

  /**
   * Set a scope. Required permissions are widened to it, and dependent permissions are narrowed to it.
   *
   * @param {string} name
   * @param {string} scope
   */
  function setScope(name, scope) {
    const rights = /** @type {() => Rights} */ (currentRights)();
    const scopes = /** @type {Rights} */ (adjustment.scopes);
    const isNarrower = (/** @type {string} */ first, /** @type {string} */ second) =>
      SCOPES.indexOf(first) < SCOPES.indexOf(second);
    for (const other of addedWith(name, permissions)) {
      if (isNarrower(rights.get(other) ?? scope, scope)) scopes.set(other, scope);
    }
    for (const other of removedWith(name, permissions)) {
      if (isNarrower(scope, rights.get(other) ?? scope)) scopes.set(other, scope);
    }
    scopes.set(name, scope);
    update();
  }

  /** @param {{ whole: string; names: string[] }} group */
  function groupField({ whole, names }) {
    const checkbox = h("input", {
      type: "checkbox",
      checked: true,
      onchange: () => {
        setChecked(names, checkbox.checked);
      },
    });
    const count = h("span", { class: "count" });
    groupHeads.push({ box: checkbox, names, count });
    return h(
      "div",
      { class: "group" },
      choice(checkbox, whole),
      h(
        "details",
        {},
        h("summary", {}, t("adjust.singly"), " ", count),
        h("div", { class: "singles" }, names.map(permissionField)),
      ),
    );
  }

  const offeredGroups = permissionGroups()
    .map((group) => ({
      whole: group.whole,
      names: Object.keys(group.names).filter((name) => permissions.includes(name)),
    }))
    .filter((group) => group.names.length);
  const groupedNames = new Set(offeredGroups.flatMap((group) => group.names));
  const lastDay = latestDay ?? addDays(today(), MAX_ACCESS_DAYS);
  const endField = h("input", {
    type: "date",
    id: "until",
    min: today(),
    max: lastDay,
    value: adjustment.until,
    "aria-describedby": "until-hint",
    oninput: () => {
      adjustment.until = endField.value;
      endField.removeAttribute("aria-invalid");
    },
  });
  const fields = [
    h("p", {}, t("adjust.lead")),
    h(
      "fieldset",
      {},
      h("legend", {}, t("adjust.permissions")),
      offeredGroups.map(groupField),
      permissions.filter((name) => !groupedNames.has(name)).map(permissionField),
    ),
    h(
      "div",
      { class: "field" },
      h("label", { for: "until" }, t("adjust.until")),
      endField,
      h(
        "p",
        { class: "quiet", id: "until-hint" },
        t(latestDay ? "adjust.latest" : "adjust.latest_open", { date: formatDay(lastDay) }),
      ),
    ),
  ];
  queueMicrotask(() => document.getElementById("can-list") && update());
  return fields;
}
