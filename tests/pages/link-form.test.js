// What is typed for an access link: its request, the employee it is for, and its invalid fields.

import assert from "node:assert/strict";
import { mock, test } from "node:test";

import { served } from "./browser.js";

const {
  accessEnd,
  eligibleEmployees,
  invalidFields,
  newLinkDraft,
  requestBody,
  selectedEmployeeId,
  serializeLinkDraft,
} = await served("partner.link-form.request.js");
const { Unreachable } = await served("shared.auth.js");

const EMPLOYEES = [
  { user_id: "user-manager", eligible: true, state: "active" },
  { user_id: "user-employee", eligible: true, state: "active" },
  { user_id: "user-trainee", eligible: false, state: "active" },
  { user_id: "user-former", eligible: true, state: "deactivated" },
];

test("what was typed survives the sign-in", () => {
  const draft = newLinkDraft({
    employee_id: "user-employee",
    removed: ["crm.export"],
    narrowed: true,
    purpose: "Help",
  });
  assert.deepEqual(newLinkDraft(JSON.parse(JSON.stringify(serializeLinkDraft(draft)))), draft);
});

test("an empty form requests one approval within a week", () => {
  const body = requestBody(newLinkDraft({ employee_id: "user-employee" }));
  assert.deepEqual(body, { employee_id: "user-employee", link_days: 7, max_approvals: 1 });
});

test("a complete form requests all of it, without spaces around texts", () => {
  const draft = newLinkDraft({
    employee_id: "user-employee",
    recipient_email: " admin@bakery.example ",
    purpose: " Set up the service desk\n",
    access_days: "90",
    link_days: "14",
    max_approvals: "3",
    locale: "ja",
    removed: ["crm.export", "crm.deals.delete"],
  });
  assert.deepEqual(requestBody(draft), {
    employee_id: "user-employee",
    link_days: 14,
    max_approvals: 3,
    recipient_email: "admin@bakery.example",
    purpose: "Set up the service desk",
    locale: "ja",
    access_days: 90,
    permissions: { remove: ["crm.deals.delete", "crm.export"] },
  });
});

test("a link for one client has no number of approvals, and one for any client no account", () => {
  const draft = newLinkDraft({ where: "one", account_id: " client-bakery ", max_approvals: "3" });
  assert.deepEqual(requestBody(draft), { employee_id: "", link_days: 7, account_id: "client-bakery" });
  draft.where = "any";
  assert.deepEqual(requestBody(draft), { employee_id: "", link_days: 7, max_approvals: 3 });
});

test("a field of spaces is empty", () => {
  const draft = newLinkDraft({ recipient_email: " ", purpose: "\n" });
  assert.deepEqual(Object.keys(requestBody(draft)), ["employee_id", "link_days", "max_approvals"]);
});

test("a link is for active and eligible employees", () => {
  assert.deepEqual(eligibleEmployees(EMPLOYEES), EMPLOYEES.slice(0, 2));
});

test("the selected employee stays while eligible, and the user is selected before others", () => {
  const eligible = eligibleEmployees(EMPLOYEES);
  assert.equal(selectedEmployeeId(eligible, "user-employee", "user-manager"), "user-employee");
  assert.equal(selectedEmployeeId(eligible, "user-former", "user-employee"), "user-employee");
  assert.equal(selectedEmployeeId(eligible, "", "user-trainee"), "user-manager");
  assert.equal(selectedEmployeeId(eligible, "", undefined), "user-manager");
});

test("access ends after 1 to 730 days, and has no end otherwise", () => {
  mock.timers.enable({ apis: ["Date"], now: Date.parse("2027-01-01T12:00:00Z") });
  try {
    assert.deepEqual(accessEnd("1"), "2027-01-02");
    assert.deepEqual(accessEnd("730"), "2028-12-31");
    for (const days of ["", "0", "-1", "731", "soon"]) assert.equal(accessEnd(days), undefined, days);
  } finally {
    mock.timers.reset();
  }
});

test("the fields that the API rejects are those of the form", () => {
  const pointers = ["/recipient_email", "/permissions/remove/0", "/access_days"];
  const errors = pointers.map((pointer) => ({ pointer, detail: "" }));
  assert.deepEqual(invalidFields({ code: "invalid_field", errors }), ["recipient_email", "access_days"]);
  assert.deepEqual(invalidFields(new Unreachable()), []);
});
