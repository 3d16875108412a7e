// Details of audit entries: which rows there are, and what is nothing.

import assert from "node:assert/strict";
import { test } from "node:test";

import { served } from "./browser.js";

const { beforeAndAfter, detailRows } = await served("account.audit-details.js");

test("a detail without a value has no row, and an empty list has one", () => {
  const rows = detailRows({ user_id: "ann", gained: [], lost: ["crm.export"], expires_at: null, reason: undefined });
  assert.deepEqual(rows, [
    { name: "gained", kind: "gained", value: [] },
    { name: "lost", kind: "lost", value: ["crm.export"] },
  ]);
});

test("a value that counts as false has a row", () => {
  assert.deepEqual(detailRows({ active: false }), [{ name: "active", kind: "flag", value: false }]);
});

test("an unknown detail comes last and is no permission", () => {
  assert.deepEqual(
    detailRows({ people: ["ann"], role: "self" }).map(({ name, kind }) => [name, kind]),
    [
      ["role", "role"],
      ["people", "unknown"],
    ],
  );
});

test("a value is one value, or one before and after", () => {
  assert.deepEqual(beforeAndAfter(3), [3]);
  assert.deepEqual(beforeAndAfter({ before: 3, after: 4 }), [3, 4]);
  assert.deepEqual(beforeAndAfter({ after: "partner" }), ["partner"]);
});
