// Grouping of items by a key.

import assert from "node:assert/strict";
import { test } from "node:test";

import { served } from "./browser.js";

const { groupBy } = await served("shared.group-by.js");

test("groups and their items are in the order of the items", () => {
  const groups = groupBy(["b1", "a1", "b2"], (/** @type {string} */ item) => item[0]);
  assert.deepEqual(
    [...groups],
    [
      ["b", ["b1", "b2"]],
      ["a", ["a1"]],
    ],
  );
  assert.deepEqual([...groupBy([], String)], []);
});
