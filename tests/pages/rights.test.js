// Rights: sets with overrides, scopes, and the sentences about them.

import assert from "node:assert/strict";
import { test } from "node:test";

import { served } from "./browser.js";

const { loadPermissionTexts } = await served("shared.texts.js");
await loadPermissionTexts();
const { allPermissions, applyOverrides, baseRights, capScopes, formatRights, overridesFor, parseRights, rightsBeyond } =
  await served("account.rights.js");
const { addedWith, describeAllowed, describeDenied, isScoped, removedWith } = await served("shared.permissions.js");

const VIEW = "crm.contacts.view";
const EDIT = "crm.contacts.edit";
const DELETE = "crm.contacts.delete";
const ALL = [VIEW, EDIT, DELETE, "crm.export"];

test("a permission without a scope has the widest one", () => {
  assert.deepEqual(parseRights([VIEW, `${EDIT}:team`]), new Map([[VIEW, "all"], [EDIT, "team"]])); // prettier-ignore
  assert.deepEqual(formatRights(parseRights([VIEW, `${EDIT}:team`])), [VIEW, `${EDIT}:team`]);
});

test("a super admin has all permissions, and a partner admin all but the restricted ones", () => {
  const superAdmin = baseRights("super_admin", []);
  const partnerAdmin = baseRights("partner_admin", []);
  assert.deepEqual(superAdmin, allPermissions());
  const missing = [...superAdmin.keys()].filter((name) => !partnerAdmin.has(name));
  assert.ok(missing.includes("account.billing.manage") && missing.includes("account.super_admins.manage"));
  assert.ok(!partnerAdmin.has("partner.client_access.manage"));
});

test("a set that the user cannot see has unknown rights", () => {
  assert.equal(baseRights("marketing", []), undefined);
});

test("what a newer version adds is not part of the member's version", () => {
  const sets = [{ permission_set: "sales", permissions: [VIEW, `${EDIT}:team`] }];
  assert.deepEqual([...baseRights("sales", sets, [`${EDIT}:team`]).keys()], [VIEW]);
});

test("overrides widen and remove, and never narrow a scope", () => {
  const base = parseRights([`${VIEW}:team`, EDIT]);
  const rights = applyOverrides(base, { added: [VIEW, `${DELETE}:owned`], removed: [EDIT] });
  assert.deepEqual(formatRights(rights), [VIEW, `${DELETE}:owned`]);
  assert.deepEqual(formatRights(applyOverrides(base, { added: [`${EDIT}:owned`], removed: [] })), [
    `${VIEW}:team`,
    EDIT,
  ]);
});

test("the overrides between two states lead from one to the other", () => {
  const states = [[], [VIEW], [`${VIEW}:owned`], [`${VIEW}:team`, `${EDIT}:owned`], ALL, [`${EDIT}:team`, DELETE]];
  for (const base of states.map(parseRights)) {
    for (const target of states.map(parseRights)) {
      const { add, remove } = overridesFor(base, target);
      const result = applyOverrides(base, { added: add, removed: remove });
      assert.deepEqual(new Map([...result].sort()), new Map([...target].sort()));
    }
  }
});

test("rights beyond others are new or wider", () => {
  const [narrow, wide] = [parseRights([`${VIEW}:team`]), parseRights([VIEW, EDIT])];
  assert.deepEqual(rightsBeyond(wide, narrow), [VIEW, EDIT]);
  assert.deepEqual(rightsBeyond(narrow, wide), []);
});

test("delete is never wider than edit, and edit is never wider than view", () => {
  const rights = capScopes([[VIEW, "owned"], [EDIT, "all"], [DELETE, "team"]]); // prettier-ignore
  assert.deepEqual(formatRights(rights), [`${VIEW}:owned`, `${EDIT}:owned`, `${DELETE}:owned`]);
});

test("edit needs view and delete needs edit", () => {
  assert.deepEqual(removedWith(VIEW, ALL), [VIEW, EDIT, DELETE]);
  assert.deepEqual(removedWith(DELETE, ALL), [DELETE]);
  assert.deepEqual(addedWith(DELETE, ALL), [VIEW, EDIT, DELETE]);
  assert.deepEqual(addedWith("crm.export", ALL), ["crm.export"]);
});

test("every permission is named in exactly one sentence of what is allowed or denied", () => {
  const names = [...allPermissions().keys()];
  assert.ok(describeAllowed(names).length < names.length / 2, "a complete group is one sentence");
  assert.deepEqual(describeAllowed([]), []);
  assert.deepEqual(describeDenied([]), []);
  for (const name of names) {
    assert.equal(describeAllowed([name]).length, 1, name);
    assert.equal(describeDenied([name]).length, 1, name);
  }
});

test("a limited scope is part of the sentence", () => {
  assert.ok(isScoped(EDIT));
  assert.notDeepEqual(describeAllowed([`${EDIT}:team`]), describeAllowed([EDIT]));
});

test("an unknown permission is shown by its name", () => {
  assert.ok(describeAllowed(["crm.future"])[0].includes("crm.future"));
});
