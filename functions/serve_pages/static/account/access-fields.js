// Form fields for a member's access: permission set, added and removed permissions, seats and end date.

import { draftBase, draftRights, hasEndDate, offeredPermissions, PARTNER_ADMIN } from "./access-draft.js";
import { context, isAllowedInAccount, seatName, setName } from "./context.js";
import { adjustmentFields } from "../shared/adjustment-fields.js";
import { byId, choice, h, setContent } from "../shared/elements.js";
import { t } from "../shared/texts.js";

const BASE_SEATS = ["core", "view_only"];
const PAID_SEATS = ["sales", "service"];

/** @typedef {Pick<Api.PermissionSet, "permission_set" | "name"> & { kind?: string }} OfferedSet */

/**
 * @typedef {object} SetFieldOptions
 * @property {AccessDraft} draft
 * @property {Api.PermissionSet[]} choices
 * @property {Api.Member} [currentMember]
 * @property {(set: string) => void} onChoose
 */

/**
 * Radio buttons for the permission sets, each with a description.
 *
 * @param {SetFieldOptions} options
 */
export function permissionSetField({ draft, choices, currentMember, onChoose }) {
  /** @type {OfferedSet[]} */
  const all =
    currentMember && !choices.some((each) => each.permission_set === currentMember.permission_set)
      ? [
          {
            permission_set: currentMember.permission_set,
            name: setName(currentMember.permission_set, currentMember.set_name),
          },
          ...choices,
        ]
      : choices;
  return h(
    "fieldset",
    { id: "sets" },
    h("legend", {}, t("account.which_set")),
    all.map((each) =>
      h(
        "label",
        { class: "choice" },
        h("input", {
          type: "radio",
          name: "set",
          value: each.permission_set,
          checked: each.permission_set === draft.set,
          onchange: () => onChoose(each.permission_set),
        }),
        h(
          "span",
          {},
          setName(each.permission_set, each.name),
          h("span", { class: "quiet block" }, setDescription(each)),
        ),
      ),
    ),
  );
}

/** @param {OfferedSet} set */
function setDescription({ permission_set: name, kind }) {
  if (kind === "custom") return t("account.set.custom.meaning");
  /** @type {Record<string, () => string>} */
  const descriptions = {
    super_admin: () => t("account.set.super_admin.meaning"),
    partner_admin: () => t("account.set.partner_admin.meaning"),
    marketing: () => t("account.set.marketing.meaning"),
    sales: () => t("account.set.sales.meaning"),
    service: () => t("account.set.service.meaning"),
    reporting: () => t("account.set.reporting.meaning"),
    view_only: () => t("account.set.view_only.meaning"),
  };
  return descriptions[name]?.();
}

/**
 * `loaded` is the member being edited; undefined for a new member.
 *
 * @typedef {object} DetailOptions
 * @property {AccessDraft} draft
 * @property {Api.PermissionSet[]} choices
 * @property {LoadedMember} [loaded]
 * @property {() => void} onChange
 */

/**
 * Fields for permissions, seats and end date. `onChange` is called after each change.
 *
 * @param {DetailOptions} options
 * @returns {Content}
 */
export function detailFields({ draft, choices, loaded, onChange }) {
  const base = draftBase(draft, choices, loaded);
  if (draft.set === "super_admin") {
    return h(
      "p",
      { class: "note" },
      t(loaded?.member.grant_id ? "account.super_admin.ends_grant" : "account.super_admin.holds_all"),
    );
  }
  const names = base ? offeredPermissions(draft.set, base, loaded) : [];
  const [, permissionFields, endField] = adjustmentFields({
    permissions: names,
    adjustment: Object.assign(draft, { removed: draft.removed ?? new Set() }),
    onChange,
    currentRights: base && (() => draftRights(draft, base, loaded) ?? base),
    maxScope: context.sets ? undefined : (name) => loaded?.rights?.get(name),
  });
  endField.addEventListener("input", onChange);
  return [
    base && h("details", { class: "more", open: true }, h("summary", {}, t("account.adjust")), permissionFields),
    seatFields({ draft, loaded, onChange }),
    hasEndDate(draft, loaded) && endField,
  ];
}

/** @param {Omit<DetailOptions, "choices">} options */
function seatFields({ draft, loaded, onChange }) {
  const member = loaded?.member;
  if (!context.sets || context.ownMember?.partner_id) return undefined;
  if (draft.set === PARTNER_ADMIN && member?.permission_set !== PARTNER_ADMIN) {
    return h("p", { class: "note" }, t("account.partner_seat"));
  }
  const hasPartnerSeat = member?.seat === "partner";
  const canPay = isAllowedInAccount("assign_paid_seats");
  const seatSelect = h(
    "select",
    {
      id: "seat",
      onchange: () => {
        draft.seat = seatSelect.value;
        onChange();
      },
    },
    !member && h("option", { value: "", selected: !draft.seat }, t("account.seat.usual")),
    [
      ...new Set([
        ...BASE_SEATS,
        ...(canPay || PAID_SEATS.includes(draft.seat) ? PAID_SEATS : []),
        ...(draft.seat ? [draft.seat] : []),
      ]),
    ].map((each) => h("option", { value: each, selected: each === draft.seat }, seatName(each))),
  );
  const paidSeatField = (/** @type {string} */ name) => {
    const checkbox = h("input", {
      type: "checkbox",
      checked: draft.paidSeats.has(name),
      onchange: () => {
        if (checkbox.checked) draft.paidSeats.add(name);
        else draft.paidSeats.delete(name);
        onChange();
      },
    });
    return choice(checkbox, seatName(name));
  };
  return [
    hasPartnerSeat
      ? h("p", {}, h("strong", {}, t("account.seat")), " ", seatName("partner"))
      : h("div", { class: "field" }, h("label", { for: "seat" }, t("account.seat")), seatSelect),
    member &&
      (canPay
        ? h(
            "fieldset",
            {},
            h("legend", {}, t("account.paid_seats")),
            PAID_SEATS.filter((each) => each !== draft.seat).map(paidSeatField),
          )
        : h("p", { class: "quiet" }, t("account.paid_by_others"))),
  ];
}

/**
 * Redraw the fields after the selection of another permission set.
 *
 * @param {DetailOptions} options
 */
export function redrawDetails(options) {
  setContent(byId("details"), detailFields(options));
}
