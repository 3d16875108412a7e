// Answers to an access link: the account to answer for, the permissions, the requests, and the state of the page.

import assert from "node:assert/strict";
import { test } from "node:test";

import { served } from "./browser.js";

const { Unreachable } = await served("shared.auth.js");
const answer = await served("approve.answer.js");
const { context, noAdjustment, openLink, pageState } = await served("approve.context.js");

const ACCOUNTS = [
  { account_id: "client-bakery", name: "Bakery", can_approve: true },
  { account_id: "client-dairy", name: "Dairy", can_approve: true },
  { account_id: "client-florist", name: "Florist", can_approve: false, reason: "not_an_approver" },
];

test("the only account that can approve is selected, and one of several is not", () => {
  assert.equal(answer.selectedAccountId([ACCOUNTS[0], ACCOUNTS[2]], undefined), "client-bakery");
  assert.equal(answer.selectedAccountId(ACCOUNTS, undefined), undefined);
  assert.equal(answer.selectedAccountId([ACCOUNTS[2]], undefined), undefined);
});

test("the chosen account stays selected while it can approve", () => {
  assert.equal(answer.selectedAccountId(ACCOUNTS, "client-dairy"), "client-dairy");
  assert.equal(answer.selectedAccountId(ACCOUNTS, "client-florist"), undefined);
  assert.equal(answer.selectedAccountId([ACCOUNTS[0]], "client-dairy"), "client-bakery");
});

test("accounts are grouped by a reason that cannot be resolved in them", () => {
  const blocked = [
    { account_id: "a", reason: "not_an_approver" },
    { account_id: "b", reason: "no_seat_left" },
    { account_id: "c", reason: "not_an_approver" },
    { account_id: "d", reason: "no_seat_left" },
    { account_id: "e" },
  ];
  const groups = answer
    .groupByReason(blocked)
    .map((/** @type {{ account_id: string }[]} */ group) => group.map((each) => each.account_id));
  assert.deepEqual(groups, [["a", "c"], ["b"], ["d"], ["e"]]);
});

test("an ended or used link is final, and an unreachable API is not", () => {
  for (const code of ["link_expired", "link_revoked", "link_declined"]) {
    assert.ok(answer.isEnded({ code }) && answer.isFinal({ code }), code);
  }
  for (const code of ["link_not_found", "link_already_used"]) {
    assert.ok(!answer.isEnded({ code }) && answer.isFinal({ code }), code);
  }
  assert.ok(!answer.isFinal(new Unreachable()));
  assert.ok(!answer.isFinal({ code: "no_seat_left" }));
});

test("removed permissions move from the allowed to the denied ones", () => {
  const preview = { can: ["crm.export", "crm.deals.view"], cannot: ["account.billing.manage"] };
  const adjustment = { removed: new Set(["crm.export"]), until: "" };
  assert.deepEqual(answer.allowedPermissions(preview, adjustment), ["crm.deals.view"]);
  assert.deepEqual(answer.deniedPermissions(preview, adjustment), ["account.billing.manage", "crm.export"]);
});

test("the approver did not remove what the link leaves out", () => {
  const [grant, link] = [{ permissions: { removed: ["a", "b"] } }, { permissions: { removed: ["a"] } }];
  assert.deepEqual(answer.removedByApprover(grant, link), ["b"]);
});

test("an approval as requested has a secret and an account only", () => {
  const body = answer.approvalBody("pal_secret", "client-bakery", noAdjustment(false));
  assert.deepEqual(body, { secret: "pal_secret", account_id: "client-bakery" });
});

test("an approval of less names the removed permissions in order, and the last day", () => {
  const adjustment = { removed: new Set(["crm.export", "crm.deals.view"]), until: "2027-01-31" };
  assert.deepEqual(answer.approvalBody("pal_secret", "client-bakery", adjustment), {
    secret: "pal_secret",
    account_id: "client-bakery",
    permissions: { remove: ["crm.deals.view", "crm.export"] },
    access_ends_on: "2027-01-31",
  });
});

test("dates are days of the chosen account, or of the first that can approve", () => {
  const accounts = [
    { account_id: "client-a", time_zone: "Asia/Tokyo", can_approve: false },
    { account_id: "client-b", time_zone: "Europe/Berlin", can_approve: true },
    { account_id: "client-c", time_zone: "UTC", can_approve: true },
  ];
  assert.equal(answer.timeZoneOf(accounts, "client-c"), "UTC");
  assert.equal(answer.timeZoneOf(accounts, undefined), "Europe/Berlin");
  assert.equal(answer.timeZoneOf(accounts.slice(0, 1), undefined), "Asia/Tokyo");
  assert.equal(answer.timeZoneOf([], undefined), undefined);
});

test("a decline has a reason only if one was typed", () => {
  assert.deepEqual(answer.declineBody("pal_secret", "a", ""), { secret: "pal_secret", account_id: "a" });
  assert.deepEqual(answer.declineBody("pal_secret", "a", "No"), {
    secret: "pal_secret",
    account_id: "a",
    reason: "No",
  });
});

test("what was typed before the sign-in is there again after it", () => {
  openLink({ secret: "pal_secret" });
  assert.deepEqual(context.adjustment, noAdjustment(false));
  context.chosenAccountId = "client-bakery";
  context.adjustment = { shown: true, removed: new Set(["crm.export"]), until: "2027-01-31" };
  const [before, stored] = [{ ...context }, JSON.stringify(pageState())];
  openLink(null);
  assert.equal(context.secret, undefined);
  openLink(JSON.parse(stored));
  assert.deepEqual(context, before);
});

test("another link has neither the error nor the outcome of the previous one", () => {
  Object.assign(context, { error: new Unreachable(), outcome: () => {}, preview: {} });
  openLink({ secret: "pal_other" });
  assert.deepEqual([context.error, context.outcome, context.preview], [undefined, undefined, undefined]);
});
