// Dates and times in the user's locale and time zone.

import { locale } from "./texts.js";

/** The longest access with an end, in days. */
export const MAX_ACCESS_DAYS = 730;
const DAY_MS = 86400000;

/** @param {string} text */
export function formatDateTime(text) {
  return keepOnOneLine(
    new Intl.DateTimeFormat(locale(), {
      year: "numeric",
      month: "long",
      day: "numeric",
      hour: "numeric",
      minute: "2-digit",
      timeZoneName: "short",
    }).format(new Date(text)),
  );
}

/** @param {string | Date} value */
export function formatDate(value) {
  return keepOnOneLine(
    new Intl.DateTimeFormat(locale(), { year: "numeric", month: "long", day: "numeric" }).format(new Date(value)),
  );
}

/**
 * Prevent line breaks in a Japanese date, which has no spaces.
 *
 * @param {string} text
 */
function keepOnOneLine(text) {
  return text.replace(/[年月]/g, "$&\u2060");
}

/** @param {number} days */
export function daysFromNow(days) {
  return new Date(Date.now() + days * DAY_MS);
}

/**
 * Format a date for a date field, in the user's time zone.
 *
 * @param {Date} date
 */
export function toFieldValue(date) {
  const twoDigits = (/** @type {number} */ value) => String(value).padStart(2, "0");
  return `${date.getFullYear()}-${twoDigits(date.getMonth() + 1)}-${twoDigits(date.getDate())}`;
}

/**
 * Return the number of days from today to the date in a date field.
 *
 * @param {string} fieldValue
 */
export function daysUntil(fieldValue) {
  const [year, month, date] = fieldValue.split("-").map(Number);
  const today = new Date();
  return Math.round(
    (Date.UTC(year, month - 1, date) - Date.UTC(today.getFullYear(), today.getMonth(), today.getDate())) / DAY_MS,
  );
}
