// Dates and times in the user's locale and in the time zone of the account that the page is about.

import { locale } from "./texts.js";

/** The longest access with an end, in days. */
export const MAX_ACCESS_DAYS = 730;
const DAY_MS = 86400000;
const MINUTE_MS = 60000;

/**
 * The time zone of the page. Until the account is known, it is undefined, which means the browser's.
 *
 * @type {string | undefined}
 */
let timeZone;

/**
 * Use the time zone of an account on this page. One that the browser does not know counts as UTC.
 *
 * @param {string} name
 */
export function setTimeZone(name) {
  try {
    timeZone = new Intl.DateTimeFormat("en", { timeZone: name }).resolvedOptions().timeZone;
  } catch {
    timeZone = "UTC";
  }
}

/** @param {string | number} instant */
export function formatDateTime(instant) {
  return keepOnOneLine(
    new Intl.DateTimeFormat(locale(), {
      year: "numeric",
      month: "long",
      day: "numeric",
      hour: "numeric",
      minute: "2-digit",
      timeZoneName: "short",
      timeZone,
    }).format(new Date(instant)),
  );
}

/**
 * Format the exclusive end of an access as its last minute, so that an end at midnight has the date that was chosen.
 *
 * @param {string} expiresAt
 */
export function formatEnd(expiresAt) {
  return formatDateTime(Date.parse(expiresAt) - MINUTE_MS);
}

/**
 * Format the day of an instant.
 *
 * @param {string} instant
 */
export function formatDate(instant) {
  return formatDay(localDay(new Date(instant)));
}

/**
 * Format a day, which is written as in a date field.
 *
 * @param {string} day
 */
export function formatDay(day) {
  const options = /** @type {const} */ ({ year: "numeric", month: "long", day: "numeric", timeZone: "UTC" });
  return keepOnOneLine(new Intl.DateTimeFormat(locale(), options).format(Date.parse(day)));
}

/**
 * Prevent line breaks in a Japanese date, which has no spaces.
 *
 * @param {string} text
 */
function keepOnOneLine(text) {
  return text.replace(/[年月]/g, "$&\u2060");
}

/** Return today in the time zone of the page, as in a date field. */
export function today() {
  return localDay(new Date());
}

/** @param {Date} date */
function localDay(date) {
  const parts = new Intl.DateTimeFormat("en-u-ca-iso8601-nu-latn", {
    year: "numeric",
    month: "2-digit",
    day: "2-digit",
    timeZone,
  }).formatToParts(date);
  const part = (/** @type {string} */ type) => parts.find((each) => each.type === type)?.value;
  return `${part("year")}-${part("month")}-${part("day")}`;
}

/**
 * Return the day that is so many days after another one.
 *
 * @param {string} day
 * @param {number} count
 */
export function addDays(day, count) {
  return new Date(Date.parse(day) + count * DAY_MS).toISOString().slice(0, 10);
}

/**
 * Return the number of days from one day to another.
 *
 * @param {string} first
 * @param {string} last
 */
export function daysBetween(first, last) {
  return (Date.parse(last) - Date.parse(first)) / DAY_MS;
}

/**
 * Return the last day of access that a link requests if it is approved today; undefined if it requests no end.
 *
 * @param {{ access_days?: number | null; access_ends_on?: string | null }} requested
 */
export function requestedLastDay({ access_days: days, access_ends_on: lastDay }) {
  return lastDay ?? (days ? addDays(today(), days) : undefined);
}
