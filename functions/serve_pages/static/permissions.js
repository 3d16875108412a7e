// Permissions in plain words: a group is one sentence, and what is missing of it is named.

import { listed, permissionWords, say } from "./words.js";

const ORDER = ["view", "edit", "delete"];

export function groups() {
  return permissionWords().groups;
}

/** Verb and noun of what stands in a group. */
function partsOf(name) {
  return groups().find((group) => name in group.names)?.names[name];
}

export function phrase(permission) {
  const [name, scope] = permission.split(":");
  return narrowed(scope, together([name])[0]);
}

function narrowed(scope, said) {
  return scope ? permissionWords().narrowed[scope].replace("{}", said) : said;
}

/** A sentence for each verb. */
function together(names) {
  const words = permissionWords();
  return Object.entries(Object.groupBy(names, (name) => partsOf(name)?.[0] ?? name)).map(([verb, some]) => {
    if (!partsOf(some[0])) return words.single[verb] ?? words.unnamed.replace("{}", verb);
    const said = say("permissions.do", { verb, what: listed(some.map((name) => partsOf(name)[1])) });
    return said[0].toUpperCase() + said.slice(1);
  });
}

/** Whether it can be held for some records only. */
export function isScoped(name) {
  return permissionWords().scoped.includes(name);
}

/** The sentences that say what somebody can do who holds these. */
export function can(permissions) {
  const held = new Set(permissions);
  const narrow = permissions.filter((each) => each.includes(":"));
  const limited = new Set(narrow.map((each) => each.split(":")[0]));
  const said = [];
  for (const group of groups()) {
    const names = Object.keys(group.names);
    const missing = names.filter((name) => !held.has(name));
    if (!missing.length) said.push(group.whole);
    else if (missing.length * 2 <= names.length && !names.some((name) => limited.has(name))) said.push(say("permissions.except", { whole: group.whole, missing: listed(together(missing).map(lower)) }));
    else said.push(...together(names.filter((name) => held.has(name))));
    names.forEach((name) => held.delete(name));
  }
  for (const [scope, some] of Object.entries(Object.groupBy(narrow, (each) => each.split(":")[1]))) {
    said.push(...together(some.map((each) => each.split(":")[0])).map((each) => narrowed(scope, each)));
    some.forEach((each) => held.delete(each));
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

function lower(said) {
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
