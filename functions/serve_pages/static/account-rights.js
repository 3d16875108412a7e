// What a set comes to with what is added and taken, and what differs between two states of somebody's access.

import { bullets, facts, h } from "./elements.js";
import { day } from "./dates.js";
import { can, cannot, groups } from "./permissions.js";
import { permissionWords, say } from "./words.js";

const SCOPES = ["owned", "team", "all"];
const STEPS = { delete: "edit", edit: "view" };
const WIDEST = "all";
const RESTRICTED = (name) => name in permissionWords().single;

/** By name the scope in which it is held; on or off is as wide as can be. */
export function read(names) {
  return new Map(names.map((each) => {
    const [name, scope] = each.split(":");
    return [name, scope ?? WIDEST];
  }));
}

/** As people are told it: the scope only where it is narrower. */
export function written(rights) {
  return [...rights].map(([name, scope]) => (scope === WIDEST ? name : `${name}:${scope}`));
}

/** All that there is in a client account. */
export function everything() {
  const words = permissionWords();
  const names = [...groups().flatMap((group) => Object.keys(group.names)), ...Object.keys(words.single)];
  return read(names.filter((name) => !name.startsWith("partner.")));
}

/** What a set gives by itself, as far as the reader may know it; `gained` is what its newest version has beyond the member's. */
export function baseOf(name, choices, gained = []) {
  const all = everything();
  const known = choices.find((each) => each.permission_set === name);
  if (!known && name === "super_admin") return all;
  const rights = known ? read(known.permissions) : name === "partner_admin" ? new Map([...all].filter(([each]) => !RESTRICTED(each))) : undefined;
  for (const each of read(gained).keys()) rights?.delete(each);
  return rights;
}

export function adjusted(base, { added, removed }) {
  const rights = new Map([...base].filter(([name]) => !removed.includes(name)));
  for (const [name, scope] of read(added)) rights.set(name, wider(scope, rights.get(name)));
  return rights;
}

function wider(scope, other) {
  return SCOPES.indexOf(scope) >= SCOPES.indexOf(other) ? scope : other;
}

/** What `rights` has beyond `others`. */
export function beyond(rights, others) {
  return [...rights].filter(([name, scope]) => !others.has(name) || SCOPES.indexOf(scope) > SCOPES.indexOf(others.get(name))).map(([name, scope]) => (scope === WIDEST ? name : `${name}:${scope}`));
}

/** The overrides that make of the set what shall be held. */
export function overridesOf(base, held) {
  const add = [];
  const remove = [];
  for (const [name, scope] of base) if (!held.has(name) || SCOPES.indexOf(held.get(name)) < SCOPES.indexOf(scope)) remove.push(name);
  for (const [name, scope] of held) if (scope !== base.get(name)) add.push(scope === WIDEST ? name : `${name}:${scope}`);
  return { add: add.sort(), remove: remove.sort() };
}

/** Nobody deletes more widely than he edits, or edits more widely than he views. */
export function inOrder(held) {
  const rights = new Map(held);
  for (const action of ["edit", "delete"]) {
    for (const [name, scope] of rights) {
      const cut = name.lastIndexOf(".");
      const below = rights.get(`${name.slice(0, cut)}.${STEPS[action]}`);
      if (name.slice(cut + 1) === action && below && SCOPES.indexOf(below) < SCOPES.indexOf(scope)) rights.set(name, below);
    }
  }
  return rights;
}

/** What somebody can and cannot do, in plain words; who is not in yet has no name that we know. */
export function abilities(rights, name) {
  const lacking = [...everything().keys()].filter((each) => !rights.has(each));
  return h("div", { class: "columns" },
    h("section", { class: "can", "aria-labelledby": "can" }, h("h2", { id: "can" }, say(name ? "account.can" : "account.new.can", { name })), rights.size ? bullets(can(written(rights))) : h("p", {}, say("account.can_nothing"))),
    h("section", { class: "cannot", "aria-labelledby": "cannot" }, h("h2", { id: "cannot" }, say(name ? "account.cannot" : "account.new.cannot", { name })), lacking.length ? bullets(cannot(lacking)) : h("p", {}, say("account.cannot_nothing"))),
  );
}

function fromTo(before, after) {
  return before === after ? undefined : say("account.from_to", { before, after });
}

/** What is different from the one state to the other: {set, seats, until, rights}; undefined when nothing is. */
export function difference(before, after) {
  const gained = before.rights && after.rights ? beyond(after.rights, before.rights) : [];
  const lost = before.rights && after.rights ? beyond(before.rights, after.rights) : [];
  const gone = lost.map((each) => each.split(":")[0]).filter((name) => !after.rights.has(name));
  const narrower = lost.map((each) => each.split(":")[0]).filter((name) => after.rights.has(name)).map((name) => `${name}:${after.rights.get(name)}`);
  const rows = [
    [say("account.set"), fromTo(before.set, after.set)],
    [say("account.gains"), gained.length > 0 && h("div", { class: "can" }, bullets(can(gained)))],
    [say("account.loses"), gone.length > 0 && h("div", { class: "cannot" }, bullets(cannot(gone)))],
    [say("account.narrower"), narrower.length > 0 && bullets(can(narrower))],
    [say("account.seats"), fromTo(before.seats, after.seats)],
    [say("account.until"), fromTo(endOf(before), endOf(after))],
    [say("account.state"), fromTo(before.state, after.state)],
  ].filter(([, told]) => told);
  return rows.length ? facts(...rows) : undefined;
}

function endOf({ until }) {
  return until ? day(until) : say("account.no_end");
}
