// The form state of a member's access: what is offered, what is requested, and what a concurrent edit leaves of it.

import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";

import { served } from "./browser.js";

const { loadPermissionTexts } = await served("shared.texts.js");
await loadPermissionTexts();
const { context } = await served("account.context.js");
const { allPermissions, applyOverrides, parseRights } = await served("account.rights.js");
const draft = await served("account.access-draft.js");

const VIEW = "crm.contacts.view";
const EDIT = "crm.contacts.edit";
const DELETE = "crm.contacts.delete";
const BILLING = "account.billing.manage";
const SALES = { permission_set: "sales", name: "Sales", permissions: [VIEW, `${EDIT}:team`] };
const MARKETING = { permission_set: "marketing", name: "Marketing", permissions: [VIEW] };
const CHOICES = [SALES, MARKETING];
const NO_OVERRIDES = { added: [], removed: [] };

beforeEach(() => {
  Object.assign(context, { account: { permission_set: "super_admin", allowed_actions: [] }, sets: CHOICES });
});

/** Return a loaded member who has the set sales, with these fields instead. */
function loadedMember(fields = {}) {
  const member = { permission_set: "sales", seat: "core", paid_seats: [], permissions: NO_OVERRIDES, ...fields };
  const base = parseRights(CHOICES.find((set) => set.permission_set === member.permission_set)?.permissions ?? []);
  return { member, etag: '"1"', choices: CHOICES, gained: [], base, rights: applyOverrides(base, member.permissions) };
}

test("a draft survives the sign-in", () => {
  const filled = draft.newDraft({
    set: "sales",
    seat: "core",
    paidSeats: ["service"],
    removed: [VIEW],
    scopes: [[EDIT, "owned"]],
    until: "2027-01-31",
  });
  for (const each of [filled, draft.newDraft()]) {
    assert.deepEqual(draft.newDraft(JSON.parse(JSON.stringify(draft.serializeDraft(each)))), each);
  }
});

test("a super admin can grant everything but restricted permissions to a partner member", () => {
  assert.ok(draft.offeredPermissions("sales", undefined).includes(BILLING));
  assert.ok(!draft.offeredPermissions("partner_admin", undefined).includes(BILLING));
  assert.ok(
    !draft.offeredPermissions("sales", undefined, loadedMember({ partner_id: "partner-north" })).includes(BILLING),
  );
});

test("another user can grant no restricted permission, and a partner only keeps what is there", () => {
  context.account = { permission_set: "sales", allowed_actions: [] };
  assert.ok(!draft.offeredPermissions("sales", undefined).includes(BILLING));
  context.sets = undefined;
  const loaded = loadedMember({ permissions: { added: [`${DELETE}:team`], removed: [] } });
  assert.deepEqual(draft.offeredPermissions("sales", loaded.base, loaded), [VIEW, EDIT, DELETE]);
});

test("the draft of a member results in the rights that the member has", () => {
  for (const permissions of [
    NO_OVERRIDES,
    { added: [`${DELETE}:team`], removed: [] },
    { added: [], removed: [EDIT] },
  ]) {
    const loaded = loadedMember({ permissions });
    const current = draft.draftOf(loaded);
    assert.deepEqual(
      new Map([...draft.draftRights(current, draft.draftBase(current, CHOICES, loaded), loaded)].sort()),
      new Map([...loaded.rights].sort()),
    );
    assert.deepEqual(draft.requestBody(current, CHOICES, loaded), {}, "nothing has changed");
  }
});

test("a chosen scope replaces the current one, and is not wider than that of the required permission", () => {
  const loaded = loadedMember({ permissions: { added: [`${DELETE}:team`], removed: [] } });
  const current = draft.draftOf(loaded);
  current.scopes.set(EDIT, "owned");
  const rights = draft.draftRights(current, loaded.base, loaded);
  assert.deepEqual([rights.get(VIEW), rights.get(EDIT), rights.get(DELETE)], ["all", "owned", "owned"]);
});

test("the rights of a set that the user cannot see are unknown", () => {
  const hidden = draft.newDraft({ set: "reporting" });
  assert.equal(draft.draftBase(hidden, CHOICES), undefined);
  assert.equal(draft.draftRights(hidden, undefined), undefined);
  draft.selectSet(hidden, "reporting", CHOICES);
  assert.equal(hidden.removed, undefined);
});

test("another set starts without overrides, and the current set with those of the member", () => {
  const loaded = loadedMember({ permissions: { added: [`${DELETE}:team`], removed: [] } });
  const edited = draft.draftOf(loaded);
  edited.scopes.set(VIEW, "owned");
  draft.selectSet(edited, "marketing", CHOICES, loaded);
  assert.deepEqual(draft.requestBody(edited, CHOICES, loaded), { permission_set: "marketing" });
  draft.selectSet(edited, "sales", CHOICES, loaded);
  assert.deepEqual(draft.requestBody(edited, CHOICES, loaded), {});
});

test("the request for a new member has the set, and what differs from it", () => {
  const typed = draft.newDraft();
  draft.selectSet(typed, "sales", CHOICES);
  assert.deepEqual(draft.requestBody(typed, CHOICES), { permission_set: "sales" });
  typed.removed.add(EDIT);
  typed.removed.delete("crm.export");
  typed.seat = "core";
  assert.deepEqual(draft.requestBody(typed, CHOICES), {
    permission_set: "sales",
    permissions: { add: ["crm.export"], remove: [EDIT] },
    seat: "core",
  });
});

test("the request for a super admin has the set only", () => {
  const typed = draft.newDraft({ set: "super_admin", seat: "core", until: "2027-01-31", removed: [VIEW] });
  assert.deepEqual(draft.requestBody(typed, CHOICES), { permission_set: "super_admin" });
});

test("a partner admin has an end and no seat to choose", () => {
  const typed = draft.newDraft({ seat: "core", until: "2027-01-31" });
  draft.selectSet(typed, "partner_admin", CHOICES);
  const body = draft.requestBody(typed, CHOICES);
  assert.deepEqual(body, { permission_set: "partner_admin", access_ends_on: "2027-01-31" });
  typed.until = "";
  assert.deepEqual(draft.requestBody(typed, CHOICES), { permission_set: "partner_admin" });
});

test("the end of a grant is requested only when it changes", () => {
  const loaded = loadedMember({ grant_id: "grant-1", access_ends_on: "2027-01-31" });
  const edited = draft.draftOf(loaded);
  assert.deepEqual(draft.requestBody(edited, CHOICES, loaded), {});
  edited.until = "2027-01-11";
  assert.deepEqual(draft.requestBody(edited, CHOICES, loaded), { access_ends_on: "2027-01-11" });
  edited.until = "";
  assert.deepEqual(draft.requestBody(edited, CHOICES, loaded), { access_ends_on: null });
});

test("a member without a grant has no end", () => {
  const loaded = loadedMember();
  assert.equal(draft.hasEndDate(draft.draftOf(loaded), loaded), false);
  assert.equal(draft.hasEndDate(draft.draftOf(loaded), loadedMember({ grant_id: "grant-1" })), true);
  assert.equal(draft.hasEndDate(draft.newDraft({ set: "partner_admin" })), true);
  assert.deepEqual(draft.requestBody({ ...draft.draftOf(loaded), until: "2027-01-31" }, CHOICES, loaded), {});
});

test("paid seats are requested as a whole, in order", () => {
  const loaded = loadedMember({ paid_seats: ["service"] });
  const edited = draft.draftOf(loaded);
  edited.paidSeats.add("sales");
  assert.deepEqual(draft.requestBody(edited, CHOICES, loaded), { paid_seats: ["sales", "service"] });
});

test("a concurrent edit and the user's own edits of permissions are both kept", () => {
  const before = loadedMember({ permissions: { added: ["crm.export"], removed: [] } });
  const edited = draft.draftOf(before);
  edited.removed.add("crm.export");
  edited.removed.delete(DELETE);
  const latest = loadedMember({ permissions: { added: ["crm.export"], removed: [VIEW] } });
  const merged = draft.mergeDraft(edited, draft.draftOf(before), latest);
  assert.deepEqual(
    ["crm.export", DELETE, VIEW, EDIT].map((name) => merged.removed.has(name)),
    [true, false, true, false],
  );
});

test("a concurrent edit decides what the user has not edited", () => {
  const before = loadedMember({ grant_id: "grant-1" });
  const latest = loadedMember({
    grant_id: "grant-1",
    permission_set: "marketing",
    seat: "view_only",
    paid_seats: ["sales"],
    expires_at: "2027-01-31T12:00:00Z",
  });
  assert.deepEqual(draft.mergeDraft(draft.draftOf(before), draft.draftOf(before), latest), draft.draftOf(latest));
});

test("the set, the seats and the end that the user has edited are kept", () => {
  const before = loadedMember({ grant_id: "grant-1" });
  const edited = draft.draftOf(before);
  draft.selectSet(edited, "marketing", CHOICES, before);
  Object.assign(edited, { seat: "sales", paidSeats: new Set(["service"]), until: "2027-02-01" });
  edited.removed.add(VIEW);
  const latest = loadedMember({ grant_id: "grant-1", seat: "view_only", paid_seats: ["sales"] });
  const merged = draft.mergeDraft(edited, draft.draftOf(before), latest);
  assert.deepEqual(merged, edited);
});

test("every permission of a client account can be offered", () => {
  assert.deepEqual(draft.offeredPermissions("sales", undefined).sort(), [...allPermissions().keys()].sort());
});
