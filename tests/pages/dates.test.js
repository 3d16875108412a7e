// Dates are days of the account that the page is about, and times have its time zone.

import assert from "node:assert/strict";
import { mock, test } from "node:test";

import { served } from "./browser.js";

const dates = await served("shared.dates.js");
const { addDays, daysBetween, formatDate, formatDateTime, formatDay, formatEnd, setTimeZone, today } = dates;
const { setLanguage } = await served("shared.texts.js");

/**
 * Run a check in an account with this time zone, and with this instant as now. The browser is elsewhere.
 *
 * @param {string} zone
 * @param {string} now
 * @param {() => void} check
 */
function at(zone, now, check) {
  process.env.TZ = "America/Los_Angeles";
  setTimeZone(zone);
  mock.timers.enable({ apis: ["Date"], now: Date.parse(now) });
  try {
    check();
  } finally {
    mock.timers.reset();
  }
}

/** An instant, and the day that it is on in each time zone. */
const TODAY = [
  ["Europe/Berlin", "2026-11-30T22:30:00Z", "2026-11-30"],
  ["Europe/Berlin", "2026-07-14T22:20:00Z", "2026-07-15"],
  ["Europe/Berlin", "2026-10-25T22:59:59Z", "2026-10-25"],
  ["America/New_York", "2026-11-01T03:59:59Z", "2026-10-31"],
  ["America/New_York", "2027-03-15T03:59:59Z", "2027-03-14"],
  ["Asia/Tokyo", "2027-01-08T15:00:00Z", "2027-01-09"],
  ["Africa/Cairo", "2027-04-29T22:00:00Z", "2027-04-30"],
  ["Africa/Cairo", "2026-10-29T21:30:00Z", "2026-10-29"],
  ["Australia/Lord_Howe", "2027-04-04T13:29:59Z", "2027-04-04"],
  ["Mars/Olympus_Mons", "2026-11-30T23:59:00Z", "2026-11-30"],
];

test("today is the day in the time zone of the account", () => {
  for (const [zone, now, day] of TODAY) at(zone, now, () => assert.equal(today(), day, zone));
});

test("days are counted by the calendar, whatever the clock does", () => {
  for (const [zone] of TODAY) {
    at(zone, "2026-11-30T22:30:00Z", () => {
      assert.equal(addDays("2026-11-30", 150), "2027-04-29");
      assert.equal(addDays("2026-07-15", 148), "2026-12-10");
      assert.equal(addDays("2028-02-28", 2), "2028-03-01");
      assert.equal(daysBetween("2026-08-01", "2026-10-29"), 89);
    });
  }
});

test("the last day of a link is its date, or as many days after today", () => {
  at("Asia/Tokyo", "2027-01-08T15:00:00Z", () => {
    assert.equal(dates.requestedLastDay({ access_days: 30 }), "2027-02-08");
    assert.equal(dates.requestedLastDay({ access_ends_on: "2027-04-10" }), "2027-04-10");
    assert.equal(dates.requestedLastDay({}), undefined);
  });
});

test("an end of access is shown as its last minute, on the day that was chosen", () => {
  at("Europe/Berlin", "2026-11-30T12:00:00Z", () => {
    assert.match(formatEnd("2027-04-10T22:00:00Z"), /^April 10, 2027.*11:59.PM GMT\+2$/);
  });
  at("Asia/Tokyo", "2026-11-30T12:00:00Z", () => {
    assert.match(formatEnd("2027-04-10T22:00:00Z"), /^April 11, 2027.*6:59.AM GMT\+9$/);
  });
});

test("an instant is formatted in the language of the user and the time zone of the account", async () => {
  at("Asia/Tokyo", "2027-01-01T00:00:00Z", () => {
    assert.equal(formatDate("2027-02-28T15:00:00Z"), "March 1, 2027");
    assert.equal(formatDay("2027-03-01"), "March 1, 2027");
    assert.match(formatDateTime("2027-02-28T15:00:00Z"), /^March 1, 2027.*12:00.AM GMT\+9$/);
  });
  await setLanguage("ja");
  at("Asia/Tokyo", "2027-01-01T00:00:00Z", () => {
    assert.equal(formatDate("2027-02-28T15:00:00Z"), "2027年\u20603月\u20601日", "a Japanese date is kept on one line");
    assert.match(formatDateTime("2027-02-28T15:00:00Z"), /^2027年\u20603月\u20601日 0:00 JST$/);
  });
});
