// Permissions in plain words: a group is one sentence, and what is missing of it is named.

import { listed, permissionWords, say } from "./words.js";

const ORDER = ["view", "edit", "delete"];

export function groups() {
  return permissionWords().groups;
}

export function phrase(permission) {
  const [name, scope] = permission.split(":");
  const words = permissionWords();
  const said = words.single[name] ?? words.groups.find((group) => name in group.names)?.names[name] ?? words.unnamed.replace("{}", name);
  return scope ? words.narrowed[scope].replace("{}", said) : said;
}

/** The sentences that say what somebody can do who holds these. */
export function can(permissions) {
  const held = new Set(permissions);
  const said = [];
  for (const group of groups()) {
    const names = Object.keys(group.names);
    const missing = names.filter((name) => !held.has(name));
    if (!missing.length) said.push(group.whole);
    else if (missing.length * 2 <= names.length) said.push(say("permissions.except", { whole: group.whole, missing: listed(missing.map(lower)) }));
    else if (missing.length < names.length) said.push(listed(names.filter((name) => held.has(name)).map(phrase)));
    names.forEach((name) => held.delete(name));
  }
  return [...said, ...[...held].map(phrase)];
}

/** What somebody can not do: what weighs most first. */
export function cannot(permissions) {
  const lacking = new Set(permissions);
  const single = Object.keys(permissionWords().single).filter((name) => lacking.delete(name));
  const said = single.map(phrase);
  for (const group of groups()) {
    const names = Object.keys(group.names);
    const lost = names.filter((name) => lacking.delete(name));
    if (lost.length === names.length) said.push(group.whole);
    else said.push(...lost.map(phrase));
  }
  return [...said, ...[...lacking].map(phrase)];
}

function lower(name) {
  const said = phrase(name);
  return said[0].toLowerCase() + said.slice(1);
}

/** What goes along when this permission is taken: nobody deletes more than he edits, or edits more than he views. */
export function takenWith(name, all) {
  return along(name, all, (verb, own) => ORDER.indexOf(verb) >= ORDER.indexOf(own));
}

/** What comes along when it is given back. */
export function givenWith(name, all) {
  return along(name, all, (verb, own) => ORDER.indexOf(verb) <= ORDER.indexOf(own));
}

function along(name, all, goes) {
  const [noun, own] = split(name);
  if (!ORDER.includes(own)) return [name];
  return all.filter((other) => split(other)[0] === noun && ORDER.includes(split(other)[1]) && goes(split(other)[1], own));
}

function split(name) {
  const cut = name.lastIndexOf(".");
  return [name.slice(0, cut), name.slice(cut + 1)];
}
