// The fields that say what somebody may do: the set, what is added to it or taken from it, seats, and until when.

import { givable, here, paysForSeats, seatName, setName } from "./account-here.js";
import { adjusted, baseOf, everything, inOrder, overridesOf } from "./account-rights.js";
import { adjustments } from "./adjust.js";
import { daysUntil, forField } from "./dates.js";
import { h, show } from "./elements.js";
import { permissionWords, say } from "./words.js";

const BASE_SEATS = ["core", "view_only"];
const PAID_SEATS = ["sales", "service"];
const PARTNERS = "partner_admin";

/** What is wished: kept here while the page is drawn anew. */
export function wishOf({ set = "", seat = "", paid = [], until = "", removed, scopes = [] } = {}) {
  return { set, seat, paid: new Set(paid), removed: removed && new Set(removed), scopes: new Map(scopes), until };
}

export function packed(wish) {
  return { ...wish, paid: [...wish.paid], removed: wish.removed && [...wish.removed], scopes: [...wish.scopes] };
}

/** The wish that changes nothing. */
export function asItIs({ member, rights, base }) {
  const wish = wishOf({ set: member.permission_set, seat: member.seat ?? "", paid: member.paid_seats, until: member.expires_at ? forField(new Date(member.expires_at)) : "" });
  if (rights) wish.removed = new Set(offered(wish.set, { rights, base, member }).filter((name) => !rights.has(name)));
  return wish;
}

/** The names that can be ticked: what the reader may give, and what is there already. */
export function offered(set, { rights, base, member } = {}) {
  const restricted = permissionWords().single;
  const staff = set === PARTNERS || member?.partner_id;
  const known = givable() ?? new Map([...everything()].filter(([name]) => !(name in restricted)));
  const fromPartner = !here.sets;
  const names = fromPartner ? [] : [...known.keys()].filter((name) => !staff || !(name in restricted));
  return [...new Set([...(base?.keys() ?? []), ...(rights?.keys() ?? []), ...names])];
}

/** What would be held: `known` is the state that is looked at, where there is one. */
export function heldBy(wish, base, known) {
  if (!base) return undefined;
  const same = known?.member.permission_set === wish.set;
  const names = offered(wish.set, same ? known : { base, member: known?.member }).filter((name) => !wish.removed?.has(name));
  return inOrder(names.map((name) => [name, wish.scopes.get(name) ?? ((same && known.rights?.get(name)) || base.get(name) || "all")]));
}

/** The base of the set that is wished. */
export function wishedBase(wish, choices, known) {
  return known?.member.permission_set === wish.set ? known.base : baseOf(wish.set, [...choices, ...(here.sets ?? [])]);
}

/** Another set comes without the overrides of the one before. */
export function choose(wish, set, choices, known) {
  wish.set = set;
  wish.scopes = new Map();
  const base = wishedBase(wish, choices, known);
  const same = known?.member.permission_set === set;
  const held = same ? known.rights : base;
  wish.removed = held && new Set(offered(set, same ? known : { base, member: known?.member }).filter((name) => !held.has(name)));
}

/** The body of a request: only what differs from what is; all of it where nothing is yet. */
export function asked(wish, choices, known) {
  const body = {};
  const member = known?.member;
  const base = wishedBase(wish, choices, known);
  const other = wish.set !== member?.permission_set;
  if (other) body.permission_set = wish.set;
  if (wish.set === "super_admin") return body;
  if (base) {
    const overrides = overridesOf(base, heldBy(wish, base, known));
    const before = other ? { add: [], remove: [] } : overridesOf(base, adjusted(base, member.permissions));
    if (JSON.stringify(overrides) !== JSON.stringify(before)) body.permissions = overrides;
  }
  if (wish.seat && wish.set !== PARTNERS && wish.seat !== member?.seat) body.seat = wish.seat;
  const paid = [...wish.paid].sort();
  if (member && JSON.stringify(paid) !== JSON.stringify([...member.paid_seats].sort())) body.paid_seats = paid;
  if (endsByDate(wish, known)) {
    const before = member?.expires_at ? forField(new Date(member.expires_at)) : "";
    if (wish.until !== before) body.access_days = wish.until ? daysUntil(wish.until) : null;
    if (!member && !wish.until) delete body.access_days;
  }
  return body;
}

export function endsByDate(wish, known) {
  return wish.set === PARTNERS || Boolean(known?.member.grant_id);
}

/** The sets to choose from, each with what it is for. */
export function setChoices({ wish, choices, present, chosen }) {
  const all = present && !choices.some((each) => each.permission_set === present.permission_set)
    ? [{ permission_set: present.permission_set, name: setName(present.permission_set, present.set_name) }, ...choices]
    : choices;
  return h("fieldset", { id: "sets" }, h("legend", {}, say("account.which_set")), all.map((each) => h("label", { class: "choice" },
    h("input", { type: "radio", name: "set", value: each.permission_set, checked: each.permission_set === wish.set, onchange: () => chosen(each.permission_set) }),
    h("span", {}, setName(each.permission_set, each.name), h("span", { class: "quiet block" }, meaning(each))))));
}

function meaning({ permission_set: name, kind }) {
  if (kind === "custom") return say("account.set.custom.meaning");
  return {
    super_admin: () => say("account.set.super_admin.meaning"),
    partner_admin: () => say("account.set.partner_admin.meaning"),
    marketing: () => say("account.set.marketing.meaning"),
    sales: () => say("account.set.sales.meaning"),
    service: () => say("account.set.service.meaning"),
    reporting: () => say("account.set.reporting.meaning"),
    view_only: () => say("account.set.view_only.meaning"),
  }[name]?.();
}

/** Permissions, seats and end; `changed` is told of each change. */
export function details({ wish, choices, known, changed }) {
  const base = wishedBase(wish, choices, known);
  if (wish.set === "super_admin") return h("p", { class: "note" }, say(known?.member.grant_id ? "account.super_admin.ends_grant" : "account.super_admin.holds_all"));
  const same = known?.member.permission_set === wish.set;
  const names = base ? offered(wish.set, same ? known : { base, member: known?.member }) : [];
  const [, boxes, end] = adjustments({
    can: names,
    adjusted: wish.removed ? wish : Object.assign(wish, { removed: new Set() }),
    changed,
    held: base && (() => heldBy(wish, base, known)),
    most: here.sets ? undefined : (name) => known.rights.get(name),
  });
  end.addEventListener("input", changed);
  return [
    base && h("details", { class: "more", open: true }, h("summary", {}, say("account.adjust")), boxes),
    seatFields({ wish, known, changed }),
    endsByDate(wish, known) && end,
  ];
}

function seatFields({ wish, known, changed }) {
  const member = known?.member;
  if (!here.sets || here.mine?.partner_id) return undefined;
  if (!member && wish.set === PARTNERS) return h("p", { class: "note" }, say("account.partner_seat"));
  if (wish.set === PARTNERS && member.permission_set !== PARTNERS) return h("p", { class: "note" }, say("account.partner_seat"));
  const fixed = member?.seat === "partner";
  const paying = paysForSeats();
  const seat = h("select", { id: "seat", onchange: () => {
    wish.seat = seat.value;
    changed();
  } }, !member && h("option", { value: "", selected: !wish.seat }, say("account.seat.usual")), [...new Set([...BASE_SEATS, ...(paying || PAID_SEATS.includes(wish.seat) ? PAID_SEATS : []), ...(wish.seat ? [wish.seat] : [])])].map((each) => h("option", { value: each, selected: each === wish.seat }, seatName(each))));
  const box = (name) => {
    const made = h("input", { type: "checkbox", checked: wish.paid.has(name), onchange: () => {
      if (made.checked) wish.paid.add(name);
      else wish.paid.delete(name);
      changed();
    } });
    return h("label", { class: "choice" }, made, h("span", {}, seatName(name)));
  };
  return [
    fixed ? h("p", {}, h("strong", {}, say("account.seat")), " ", seatName("partner")) : h("div", { class: "field" }, h("label", { for: "seat" }, say("account.seat")), seat),
    member && (paying ? h("fieldset", {}, h("legend", {}, say("account.paid_seats")), PAID_SEATS.filter((each) => each !== wish.seat).map(box)) : h("p", { class: "quiet" }, say("account.paid_by_others"))),
  ];
}

/** Draws the fields anew, where the choice of another set makes them others. */
export function redrawDetails(how) {
  show(document.getElementById("details"), details(how));
}

