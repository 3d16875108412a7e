// What all views of an account stand on: whose it is, who looks, what he may do, and how he gets from view to view.

import { call, every, Refusal } from "./api.js";
import { token } from "./auth.js";
import { everything } from "./account-rights.js";
import { alert, h } from "./elements.js";
import { failed } from "./shell.js";
import { knows, listed, refused, say } from "./words.js";

export const accountId = decodeURIComponent(location.pathname.split("/")[2]);
export const api = `/accounts/${encodeURIComponent(accountId)}`;
export const here = { accounts: [], account: undefined, mine: undefined, sets: undefined, userId: undefined };

const UNSEEN = new Set(["forbidden", "not_found"]);

/** What may not be seen is not there. */
export async function seen(work) {
  try {
    return await work;
  } catch (error) {
    if (error instanceof Refusal && UNSEEN.has(error.code)) return undefined;
    throw error;
  }
}

export async function arrive() {
  here.userId = subject();
  const [accounts, mine, sets] = await Promise.all([
    every("/accounts"),
    seen(call("GET", userPath(here.userId))),
    seen(call("GET", `${api}/permission-sets`)),
  ]);
  Object.assign(here, { accounts, account: accounts.find((each) => each.account_id === accountId), mine: mine?.body, sets: sets?.body.items });
}

function subject() {
  try {
    return JSON.parse(atob(token().split(".")[1].replaceAll("-", "+").replaceAll("_", "/"))).sub;
  } catch {
    return "";
  }
}

export function userPath(userId) {
  return `${api}/users/${encodeURIComponent(userId)}`;
}

export async function choicesFor(email) {
  const asked = email ? `?email=${encodeURIComponent(email)}` : "";
  return (await seen(call("GET", `${api}/permission-sets${asked}`)))?.body.items ?? [];
}

// --- what he may do ---

export function isSuperAdmin() {
  return here.account?.permission_set === "super_admin" && !here.mine?.partner_id;
}

/** Manages users, and is not here for a partner. */
export function isOfTheAccount() {
  return Boolean(here.sets) && !here.mine?.partner_id;
}

export function paysForSeats() {
  return isSuperAdmin();
}

/** He looks from the partner's side: of the account he is no member, but the person is one of his firm's. */
export function looksFromPartner(member) {
  return !here.mine && here.accounts.some((each) => each.account_id === member.partner_id);
}

export function mayOf(member) {
  const own = member.user_id === here.userId;
  const high = member.permission_set === "super_admin";
  const ended = member.state === "deactivated";
  const colleague = Boolean(here.sets && here.mine?.partner_id && here.mine.partner_id === member.partner_id);
  const fromPartner = looksFromPartner(member);
  const rules = isOfTheAccount() && (!high || isSuperAdmin());
  const side = fromPartner ? "partner" : "client";
  const stops = (rules || fromPartner) && !high && here.account?.kind !== "partner" && !ended;
  return {
    edit: !ended && (rules || fromPartner || (colleague && !high)),
    lengthen: rules,
    seats: rules,
    end: !ended && (rules || fromPartner || own || (colleague && !high)),
    suspend: stops && !own && !member.suspended_by?.includes(side),
    resume: stops && Boolean(member.suspended_by?.includes(side)),
    migrate: high && !ended && (isSuperAdmin() && (!own || here.accounts.some((each) => each.kind === "partner"))),
  };
}

/** What he can give: all as a super admin, else what he is known to hold. */
export function givable() {
  return isSuperAdmin() ? everything() : undefined;
}

// --- words of an account ---

export function setName(name, named) {
  return knows(`account.set.${name}`) ? say(`account.set.${name}`) : named || here.sets?.find((each) => each.permission_set === name)?.name || name;
}

export function seatName(seat) {
  return knows(`account.seat.${seat}`) ? say(`account.seat.${seat}`) : say("account.seat.none");
}

export function seats(member) {
  return listed([member.seat, ...(member.paid_seats ?? [])].map(seatName));
}

/** What was refused, with the fields at fault by their names on the page. */
export function trouble(error, special = {}) {
  if (!(error instanceof Refusal)) return failed(error);
  const fields = error.errors.map((each) => each.pointer.split("/")[1]);
  const told = fields.map((field) => special[`${error.code}/${field}`]).find(Boolean) ?? special[error.code];
  if (told) return alert(h("p", {}, told));
  const named = [...new Set(fields)].filter((field) => knows(`account.field.${field}`)).map((field) => say(`account.field.${field}`));
  return alert(h("p", {}, refused(error.code)), named.length > 0 && h("p", { class: "quiet" }, say("fields", { fields: listed(named) })));
}

// --- from view to view ---

let moved = () => {};

export function onMove(told) {
  moved = told;
  addEventListener("popstate", () => told());
}

export function address(asked = {}) {
  const query = new URLSearchParams(asked).toString();
  return location.pathname + (query && `?${query}`);
}

export async function go(asked) {
  history.pushState(null, "", address(asked));
  await moved();
}

/** A link that any click opens as usual, and a plain one without leaving the page. */
export function link(label, asked, attributes) {
  return h("a", { href: address(asked), ...attributes, onclick: (event) => {
    if (event.ctrlKey || event.metaKey || event.shiftKey || event.altKey) return;
    event.preventDefault();
    go(asked);
  } }, label);
}
