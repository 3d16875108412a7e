// URLs: ids as segments of paths.

import assert from "node:assert/strict";
import { test } from "node:test";

import { served } from "./browser.js";

const { pathSegment, userSegment } = await served("shared.urls.js");

test("a usual id is percent-encoded, and any other is written in Base64url", () => {
  for (const [userId, segment] of [
    ["user-1", "user-1"],
    ["auth0|5f7c", "auth0%7C5f7c"],
    ["anna+okta@example.test", "anna%2Bokta%40example.test"],
    ["aa==", "aa%3D%3D"],
    ["aa/bb==", "~YWEvYmI9PQ"],
    ["a#b", "~YSNi"],
    ["50%", "~NTAl"],
    ["..", "~Li4"],
    ["~YQ", "~fllR"],
    ["???", "~Pz8_"],
    ["~~~", "~fn5-"],
  ]) {
    assert.equal(userSegment(userId), segment);
  }
});

test("a segment of the path is decoded where it can be", () => {
  const { pathname } = globalThis.location;
  for (const [path, segment] of [
    ["/accounts/a%7Cb", "a|b"],
    ["/accounts/%", "%"],
    ["/accounts/%E3%81", "%E3%81"],
    ["/accounts", ""],
  ]) {
    Object.assign(globalThis.location, { pathname: path });
    assert.equal(pathSegment(2), segment);
  }
  Object.assign(globalThis.location, { pathname });
});
