// Times as the reader's clock has them, always with the zone.

import { locale } from "./words.js";

const DAY = 86400000;

export function moment(text) {
  return unbroken(new Intl.DateTimeFormat(locale(), { year: "numeric", month: "long", day: "numeric", hour: "numeric", minute: "2-digit", timeZoneName: "short" }).format(new Date(text)));
}

export function day(value) {
  return unbroken(new Intl.DateTimeFormat(locale(), { year: "numeric", month: "long", day: "numeric" }).format(new Date(value)));
}

/** A Japanese date has no blanks, and is still one word. */
function unbroken(text) {
  return text.replace(/[年月]/g, "$&\u2060");
}

export function daysFromNow(days) {
  return new Date(Date.now() + days * DAY);
}

/** For a date field, in the reader's own zone. */
export function forField(date) {
  const two = (value) => String(value).padStart(2, "0");
  return `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}`;
}

/** How many days there are until a day of a date field. */
export function daysUntil(field) {
  const [year, month, date] = field.split("-").map(Number);
  const today = new Date();
  return Math.round((Date.UTC(year, month - 1, date) - Date.UTC(today.getFullYear(), today.getMonth(), today.getDate())) / DAY);
}
