// Dates are shown and counted in the user's time zone.

import assert from "node:assert/strict";
import { mock, test } from "node:test";

import { served } from "./browser.js";

const { daysFromNow, daysUntil, formatDate, formatDateTime, toFieldValue } = await served("shared.dates.js");
const { setLanguage } = await served("shared.texts.js");

/**
 * Run a check with this time zone and this instant as now.
 *
 * @param {string} zone
 * @param {string} now
 * @param {() => void} check
 */
function at(zone, now, check) {
  process.env.TZ = zone;
  mock.timers.enable({ apis: ["Date"], now: Date.parse(now) });
  try {
    check();
  } finally {
    mock.timers.reset();
  }
}

test("days until a date are counted from the local day", () => {
  at("Asia/Tokyo", "2027-02-27T15:30:00Z", () => assert.equal(daysUntil("2027-03-01"), 1));
  at("UTC", "2027-02-27T15:30:00Z", () => assert.equal(daysUntil("2027-03-01"), 2));
  at("America/Los_Angeles", "2027-02-28T07:59:00Z", () => assert.equal(daysUntil("2027-02-27"), 0));
});

test("days until a date count a day of 23 or 25 hours as one", () => {
  at("Europe/Berlin", "2027-03-27T12:00:00Z", () => assert.equal(daysUntil("2027-03-29"), 2));
  at("Europe/Berlin", "2027-10-30T12:00:00Z", () => assert.equal(daysUntil("2027-11-01"), 2));
});

test("a leap day is a day", () => {
  at("UTC", "2028-02-28T00:00:00Z", () => assert.equal(daysUntil("2028-03-01"), 2));
});

test("the value of a date field is the local date", () => {
  at("Asia/Tokyo", "2027-01-08T15:00:00Z", () => assert.equal(toFieldValue(new Date()), "2027-01-09"));
  at("America/Los_Angeles", "2027-01-01T07:00:00Z", () => assert.equal(toFieldValue(new Date()), "2026-12-31"));
});

test("a date some days ahead has as many days until it", () => {
  at("Asia/Tokyo", "2027-05-05T05:05:00Z", () => {
    for (const days of [1, 30, 365, 730]) assert.equal(daysUntil(toFieldValue(daysFromNow(days))), days);
  });
});

test("an instant is formatted in the language and the time zone of the user", async () => {
  at("Asia/Tokyo", "2027-01-01T00:00:00Z", () => {
    assert.equal(formatDate("2027-02-28T15:00:00Z"), "March 1, 2027");
    assert.match(formatDateTime("2027-02-28T15:00:00Z"), /^March 1, 2027.*12:00.AM GMT\+9$/);
  });
  await setLanguage("ja");
  at("Asia/Tokyo", "2027-01-01T00:00:00Z", () => {
    assert.equal(formatDate("2027-02-28T15:00:00Z"), "2027年\u20603月\u20601日", "a Japanese date is kept on one line");
    assert.match(formatDateTime("2027-02-28T15:00:00Z"), /^2027年\u20603月\u20601日 0:00 JST$/);
  });
});
