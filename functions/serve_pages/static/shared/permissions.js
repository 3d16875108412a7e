// Permissions in plain language. A complete group is one sentence; missing permissions are named.

import { groupBy } from "./group-by.js";
import { formatList, permissionTexts, t } from "./texts.js";

const ACTION_ORDER = ["view", "edit", "delete"];

export function permissionGroups() {
  return permissionTexts().groups;
}

/**
 * Return verb and noun of a permission that belongs to a group.
 *
 * @param {string} name
 */
function verbAndNoun(name) {
  return permissionGroups().find((group) => name in group.names)?.names[name];
}

/** @param {string} permission */
export function describePermission(permission) {
  const [name, scope] = permission.split(":");
  return withScope(scope, combinedSentences([name])[0]);
}

/**
 * @param {string | undefined} scope
 * @param {string} sentence
 */
function withScope(scope, sentence) {
  return scope ? permissionTexts().narrowed[scope].replace("{}", sentence) : sentence;
}

/**
 * Return one sentence for each verb.
 *
 * @param {readonly string[]} names
 */
function combinedSentences(names) {
  const words = permissionTexts();
  return [...groupBy(names, (name) => verbAndNoun(name)?.[0] ?? name)].map(([verb, sameVerb]) => {
    if (!verbAndNoun(sameVerb[0])) return words.single[verb] ?? words.unnamed.replace("{}", verb);
    const sentence = t("permissions.do", {
      verb,
      what: formatList(sameVerb.map((name) => verbAndNoun(name)?.[1] ?? name)),
    });
    return sentence[0].toUpperCase() + sentence.slice(1);
  });
}

/**
 * Return whether the permission can be limited to a scope of records.
 *
 * @param {string} name
 */
export function isScoped(name) {
  return permissionTexts().scoped.includes(name);
}

/**
 * Return sentences for what a holder of these permissions can do.
 *
 * @param {readonly string[]} permissions
 */
export function describeAllowed(permissions) {
  const remaining = new Set(permissions);
  const scopedNames = permissions.filter((each) => each.includes(":"));
  const partlyHeld = new Set(scopedNames.map((each) => each.split(":")[0]));
  const sentences = [];
  for (const group of permissionGroups()) {
    const names = Object.keys(group.names);
    const missing = names.filter((name) => !remaining.has(name));
    if (!missing.length) {
      sentences.push(group.whole);
    } else if (missing.length * 2 <= names.length && !names.some((name) => partlyHeld.has(name))) {
      sentences.push(
        t("permissions.except", {
          whole: group.whole,
          missing: formatList(combinedSentences(missing).map(lowerFirst)),
        }),
      );
    } else {
      sentences.push(...combinedSentences(names.filter((name) => remaining.has(name))));
    }
    names.forEach((name) => remaining.delete(name));
  }
  for (const [scope, sameScope] of groupBy(scopedNames, (each) => each.split(":")[1])) {
    sentences.push(
      ...combinedSentences(sameScope.map((each) => each.split(":")[0])).map((each) => withScope(scope, each)),
    );
    sameScope.forEach((each) => remaining.delete(each));
  }
  return [...sentences, ...[...remaining].map(describePermission)];
}

/**
 * Return sentences for what is not allowed without these permissions, most important first.
 *
 * @param {readonly string[]} permissions
 */
export function describeDenied(permissions) {
  const remaining = new Set(permissions);
  const singleNames = Object.keys(permissionTexts().single).filter((name) => remaining.delete(name));
  const sentences = singleNames.map(describePermission);
  for (const group of permissionGroups()) {
    const names = Object.keys(group.names);
    const denied = names.filter((name) => remaining.delete(name));
    if (denied.length === names.length) sentences.push(group.whole);
    else sentences.push(...denied.map(describePermission));
  }
  return [...sentences, ...[...remaining].map(describePermission)];
}

/** @param {string} sentence */
function lowerFirst(sentence) {
  return sentence[0].toLowerCase() + sentence.slice(1);
}

/**
 * Return the permissions to remove with this one: edit requires view, and delete requires edit.
 *
 * @param {string} name
 * @param {readonly string[]} all
 */
export function removedWith(name, all) {
  return relatedPermissions(name, all, (verb, action) => ACTION_ORDER.indexOf(verb) >= ACTION_ORDER.indexOf(action));
}

/**
 * Return the permissions to add with this one.
 *
 * @param {string} name
 * @param {readonly string[]} all
 */
export function addedWith(name, all) {
  return relatedPermissions(name, all, (verb, action) => ACTION_ORDER.indexOf(verb) <= ACTION_ORDER.indexOf(action));
}

/**
 * @param {string} name
 * @param {readonly string[]} all
 * @param {(verb: string, action: string) => boolean} isRelated
 */
function relatedPermissions(name, all, isRelated) {
  const [resource, action] = splitName(name);
  if (!ACTION_ORDER.includes(action)) return [name];
  return all.filter(
    (other) =>
      splitName(other)[0] === resource &&
      ACTION_ORDER.includes(splitName(other)[1]) &&
      isRelated(splitName(other)[1], action),
  );
}

/** @param {string} name */
function splitName(name) {
  const dot = name.lastIndexOf(".");
  return [name.slice(0, dot), name.slice(dot + 1)];
}
