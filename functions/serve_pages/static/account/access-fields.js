// Form fields for a member's access: permission set, added and removed permissions, seats and end date.

import { context, grantablePermissions, isAllowedInAccount, seatName, setName } from "./context.js";
import { allPermissions, applyOverrides, baseRights, capScopes, overridesFor } from "./rights.js";
import { adjustmentFields } from "../shared/adjustment-fields.js";
import { daysUntil, toFieldValue } from "../shared/dates.js";
import { byId, choice, h, setContent } from "../shared/elements.js";
import { permissionTexts, t } from "../shared/texts.js";

const BASE_SEATS = ["core", "view_only"];
const PAID_SEATS = ["sales", "service"];
const PARTNER_ADMIN = "partner_admin";

/**
 * Create the form state of a member's access. Saved fields are restored, the others are empty.
 *
 * @param {SavedAccessDraft} [saved]
 * @returns {AccessDraft}
 */
export function newDraft({ set = "", seat = "", paidSeats = [], until = "", removed, scopes = [] } = {}) {
  return {
    set,
    seat,
    paidSeats: new Set(paidSeats),
    removed: removed && new Set(removed),
    scopes: new Map(scopes),
    until,
  };
}

/**
 * @param {AccessDraft} draft
 * @returns {SavedAccessDraft}
 */
export function serializeDraft(draft) {
  return {
    ...draft,
    paidSeats: [...draft.paidSeats],
    removed: draft.removed && [...draft.removed],
    scopes: [...draft.scopes],
  };
}

/**
 * Return the draft that equals the member's current access.
 *
 * @param {LoadedMember} loaded
 */
export function draftOf({ member, rights, base }) {
  const draft = newDraft({
    set: member.permission_set,
    seat: member.seat ?? "",
    paidSeats: member.paid_seats,
    until: member.expires_at ? toFieldValue(new Date(member.expires_at)) : "",
  });
  if (rights) {
    draft.removed = new Set(
      offeredPermissions(draft.set, { rights, base, member }).filter((name) => !rights.has(name)),
    );
  }
  return draft;
}

/**
 * Return the permissions to offer: those that the user may grant, and those that the member already has.
 *
 * @param {string} set
 * @param {{ rights?: Rights; base?: Rights; member?: Api.Member }} [loaded]
 * @returns {string[]}
 */
export function offeredPermissions(set, { rights, base, member } = {}) {
  const restrictedNames = permissionTexts().single;
  const forPartner = set === PARTNER_ADMIN || member?.partner_id;
  const grantable =
    grantablePermissions() ?? new Map([...allPermissions()].filter(([name]) => !(name in restrictedNames)));
  const asPartner = !context.sets;
  const names = asPartner ? [] : [...grantable.keys()].filter((name) => !forPartner || !(name in restrictedNames));
  return [...new Set([...(base?.keys() ?? []), ...(rights?.keys() ?? []), ...names])];
}

/**
 * Return the rights that the draft results in. `loaded` is the member being edited; undefined for a new member.
 *
 * @param {AccessDraft} draft
 * @param {Rights | undefined} base
 * @param {LoadedMember} [loaded]
 */
export function draftRights(draft, base, loaded) {
  if (!base) return undefined;
  const isSameSet = loaded?.member.permission_set === draft.set;
  const names = offeredPermissions(draft.set, isSameSet ? loaded : { base, member: loaded?.member }).filter(
    (name) => !draft.removed?.has(name),
  );
  const currentRights = isSameSet ? loaded.rights : undefined;
  return capScopes(
    names.map((name) => [name, draft.scopes.get(name) ?? currentRights?.get(name) ?? base.get(name) ?? "all"]),
  );
}

/**
 * Return the rights of the draft's permission set without overrides.
 *
 * @param {AccessDraft} draft
 * @param {readonly Api.PermissionSet[]} choices
 * @param {LoadedMember} [loaded]
 */
export function draftBase(draft, choices, loaded) {
  return loaded?.member.permission_set === draft.set
    ? loaded.base
    : baseRights(draft.set, [...choices, ...(context.sets ?? [])]);
}

/**
 * Select another permission set. The overrides of the previous set are discarded.
 *
 * @param {AccessDraft} draft
 * @param {string} set
 * @param {readonly Api.PermissionSet[]} choices
 * @param {LoadedMember} [loaded]
 */
export function selectSet(draft, set, choices, loaded) {
  draft.set = set;
  draft.scopes = new Map();
  const base = draftBase(draft, choices, loaded);
  const isSameSet = loaded?.member.permission_set === set;
  const currentRights = isSameSet ? loaded.rights : base;
  draft.removed =
    currentRights &&
    new Set(
      offeredPermissions(set, isSameSet ? loaded : { base, member: loaded?.member }).filter(
        (name) => !currentRights.has(name),
      ),
    );
}

/**
 * Build the request body: only the changed fields, or all fields for a new member.
 *
 * @param {AccessDraft} draft
 * @param {readonly Api.PermissionSet[]} choices
 * @param {LoadedMember} [loaded]
 */
export function requestBody(draft, choices, loaded) {
  /** @type {Api.EditUserRequest} */
  const body = {};
  const member = loaded?.member;
  const base = draftBase(draft, choices, loaded);
  const isOtherSet = draft.set !== member?.permission_set;
  if (isOtherSet) body.permission_set = draft.set;
  if (draft.set === "super_admin") return body;
  if (base) {
    const overrides = overridesFor(base, draftRights(draft, base, loaded) ?? base);
    const before =
      isOtherSet || !member ? { add: [], remove: [] } : overridesFor(base, applyOverrides(base, member.permissions));
    if (JSON.stringify(overrides) !== JSON.stringify(before)) body.permissions = overrides;
  }
  if (draft.seat && draft.set !== PARTNER_ADMIN && draft.seat !== member?.seat) {
    body.seat = /** @type {Api.Seat} */ (draft.seat);
  }
  const paidSeats = [...draft.paidSeats].sort();
  if (member && JSON.stringify(paidSeats) !== JSON.stringify([...member.paid_seats].sort())) {
    body.paid_seats = /** @type {Api.Seat[]} */ (paidSeats);
  }
  if (hasEndDate(draft, loaded)) {
    const before = member?.expires_at ? toFieldValue(new Date(member.expires_at)) : "";
    if (draft.until !== before) body.access_days = draft.until ? daysUntil(draft.until) : null;
    if (!member && !draft.until) delete body.access_days;
  }
  return body;
}

/**
 * @param {AccessDraft} draft
 * @param {LoadedMember} [loaded]
 */
export function hasEndDate(draft, loaded) {
  return draft.set === PARTNER_ADMIN || Boolean(loaded?.member.grant_id);
}

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
  const isSameSet = loaded?.member.permission_set === draft.set;
  const names = base ? offeredPermissions(draft.set, isSameSet ? loaded : { base, member: loaded?.member }) : [];
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
