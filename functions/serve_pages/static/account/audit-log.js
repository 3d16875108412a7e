// View of the audit log: newest entries first, filtered, page by page, with a CSV download.

import { content, detailLabel } from "./audit-content.js";
import { detailRows, EVENTS } from "./audit-details.js";
import { accountId, accountPath, navigate, setName, viewLink } from "./context.js";
import { call, SignInRequired } from "../shared/api.js";
import { token, Unreachable } from "../shared/auth.js";
import { daysBetween, formatDateTime, today } from "../shared/dates.js";
import { alertNote, button, byId, factList, h, setContent } from "../shared/elements.js";
import { attempt, errorAlert } from "../shared/page.js";
import { hasText, t } from "../shared/texts.js";

const PAGE_SIZE = 25;
const EXPORT_PAGE_SIZE = 100;
const MAX_DAYS = 90;
const MINUTE_MS = 60000;
/** @type {("event" | "from" | "to")[]} */
const FILTERS = ["event", "from", "to"];
/**
 * An entry with the details that the page shows. Which details there are depends on the event.
 *
 * @typedef {Api.AuditEntry & { details?: AuditDetails }} AuditEntry
 *
 * @typedef {Record<string, any>} AuditDetails
 */

/**
 * @param {string | null} userId
 * @param {URLSearchParams} initialParams
 * @returns {View}
 */
export function auditLogView(userId, initialParams) {
  /** @type {Record<"user_id" | "event" | "from" | "to", string>} */
  const filterValues = {
    user_id: userId ?? "",
    event: initialParams.get("event") ?? "",
    from: initialParams.get("from") ?? "",
    to: initialParams.get("to") ?? "",
  };
  /** @type {AuditEntry[]} */
  let entries = [];
  /** @type {Record<string, string | null>} */
  let names = {};
  /** @type {string | null | undefined} */
  let cursor;
  let forbidden = false;
  /** @type {Api.Failure | undefined} */
  let error;

  /**
   * Convert the filter to query parameters. Dates are days of the account; the last day is included.
   *
   * @param {number} limit
   */
  function queryParams(limit) {
    const params = new URLSearchParams({ limit: String(limit) });
    if (filterValues.user_id) params.set("user_id", filterValues.user_id);
    if (filterValues.event) params.set("event", filterValues.event);
    if (filterValues.from) params.set("from", filterValues.from);
    if (filterValues.to) params.set("to", filterValues.to);
    return params;
  }

  async function loadMore() {
    const params = queryParams(PAGE_SIZE);
    if (cursor) params.set("cursor", cursor);
    /** @type {Api.Response<Api.List<AuditEntry> & Pick<Api.AuditEntryList, "names">>} */
    const { body } = await call("GET", `${accountPath}/audit?${params}`);
    entries.push(...body.items);
    names = { ...names, ...body.names };
    cursor = body.next_cursor;
  }

  async function load() {
    [entries, names, cursor, error] = [[], {}, undefined, undefined];
    await attempt(
      async () => {
        do await loadMore();
        while (cursor && entries.length < PAGE_SIZE);
      },
      {
        onError: (caught) => {
          forbidden = caught.code === "forbidden";
          error = caught;
        },
      },
    );
  }

  /** @param {string | undefined} id */
  function userName(id) {
    return names[id ?? ""] || t("account.audit_log.nameless", { id: id ?? "" });
  }

  /** @param {AuditEntry} entry */
  function actorName({ event, actor_id: actorId, details }) {
    if (actorId === "schedule") return t("account.audit_log.by_time");
    const isDirectoryAct = details?.fields || event.startsWith("account.");
    return names[actorId] || (isDirectoryAct ? t("account.audit_log.vendor") : userName(actorId));
  }

  /** @param {AuditEntry} entry */
  function sentence(entry) {
    const { event, details } = entry;
    const subject = details?.user_id ?? details?.employee_id;
    const values = {
      by: actorName(entry),
      who: userName(subject),
      set: setName(details?.permission_set ?? ""),
      days: details?.days_left,
    };
    return hasText(`account.event.${event}`)
      ? t(`account.event.${event}`, values)
      : t("account.event.other", { ...values, event });
  }

  /** @param {AuditEntry} entry */
  function entryDetails({ details }) {
    const rows = detailRows(details ?? {});
    return (
      rows.length > 0 &&
      h(
        "details",
        {},
        h("summary", {}, t("account.audit_log.more")),
        factList(
          ...rows.map(
            ({ name, kind, value }) => /** @type {[string, Content]} */ ([detailLabel(name), content(kind, value)]),
          ),
        ),
      )
    );
  }

  /** @param {AuditEntry} entry */
  function entryItem(entry) {
    return h(
      "li",
      {},
      h("time", { class: "quiet", datetime: entry.at }, formatDateTime(entry.at)),
      h("p", {}, sentence(entry)),
      entryDetails(entry),
    );
  }

  function redrawEntries() {
    setContent(byId("entries"), entryList());
  }

  function entryList() {
    if (error) return errorAlert(error);
    if (!entries.length) return h("p", { class: "empty" }, t("account.audit_log.none"));
    return [
      h("ol", { class: "audit-log" }, entries.map(entryItem)),
      cursor &&
        h(
          "div",
          { class: "actions" },
          button(t("account.more"), async () => {
            const previousCount = entries.length;
            await attempt(loadMore, {
              onError: (caught) => {
                error = caught;
              },
            });
            redrawEntries();
            const firstNewEntry = /** @type {NodeListOf<HTMLElement>} */ (document.querySelectorAll(".audit-log > li"))[
              previousCount
            ];
            firstNewEntry?.setAttribute("tabindex", "-1");
            firstNewEntry?.focus();
          }),
        ),
    ];
  }

  function render() {
    const title = t("account.audit_log");
    if (forbidden) {
      return {
        title,
        narrow: true,
        content: [h("h1", {}, title), alertNote(h("p", {}, t("account.audit_log.forbidden")))],
      };
    }
    return {
      title,
      content: [
        h("h1", {}, title),
        h(
          "p",
          { class: "lead" },
          filterValues.user_id
            ? t("account.audit_log.about", { name: names[filterValues.user_id] ?? filterValues.user_id })
            : t("account.audit_log.lead"),
        ),
        filterForm(),
        h("div", { id: "problem" }),
        h("div", { id: "entries" }, entryList()),
      ],
    };
  }

  function filterForm() {
    const field = (/** @type {"from" | "to"} */ name, /** @type {string} */ label) => {
      const input = h("input", {
        type: "date",
        id: `audit-log-${name}`,
        value: filterValues[name],
        oninput: () => {
          filterValues[name] = input.value;
        },
      });
      return h("div", { class: "field" }, h("label", { for: `audit-log-${name}` }, label), input);
    };
    const eventSelect = h(
      "select",
      {
        id: "event",
        onchange: () => {
          filterValues.event = eventSelect.value;
        },
      },
      h("option", { value: "" }, t("account.audit_log.any")),
      EVENTS.map((each) =>
        h("option", { value: each, selected: each === filterValues.event }, t(`account.kind.${each}`)),
      ),
    );
    return h(
      "form",
      {
        class: "filters",
        novalidate: true,
        onsubmit: (event) => {
          event.preventDefault();
          applyFilter();
        },
      },
      h("div", { class: "field" }, h("label", { for: "event" }, t("account.audit_log.what")), eventSelect),
      field("from", t("account.audit_log.from")),
      field("to", t("account.audit_log.to")),
      h(
        "div",
        { class: "actions" },
        h("button", { type: "submit" }, t("account.audit_log.show")),
        filterValues.user_id &&
          viewLink(t("account.audit_log.everybody"), { audit_log: "" }, { class: "button plain" }),
        button(t("account.audit_log.download"), downloadCsv, { class: "plain" }),
      ),
    );
  }

  /** Put the filter into the URL, so that it can be bookmarked and shared. */
  async function applyFilter() {
    if (rejectLongPeriod()) return;
    await navigate({
      audit_log: "",
      ...(filterValues.user_id && { user: filterValues.user_id }),
      ...Object.fromEntries(FILTERS.filter((name) => filterValues[name]).map((name) => [name, filterValues[name]])),
    });
  }

  function rejectLongPeriod() {
    const days = filterValues.from ? daysBetween(filterValues.from, filterValues.to || today()) + 1 : 1;
    if (days >= 1 && days <= MAX_DAYS) return false;
    const note = alertNote(h("p", {}, t("account.audit_log.too_long", { n: MAX_DAYS })));
    setContent(byId("problem"), note);
    byId("audit-log-from").focus();
    return true;
  }

  /** Download all filtered entries as one CSV file. The API returns it page by page. */
  async function downloadCsv() {
    await attempt(
      async () => {
        /** @type {string[]} */
        const parts = [];
        /** @type {string | undefined} */
        let query = `?${queryParams(EXPORT_PAGE_SIZE)}`;
        while (query) {
          if (!token()) throw new SignInRequired();
          const response = await fetch(`${accountPath}/audit${query}`, {
            headers: { accept: "text/csv", authorization: `Bearer ${token()}` },
            cache: "no-store",
          });
          if (response.status === 401) throw new SignInRequired();
          if (!response.ok) throw new Unreachable();
          const text = await response.text();
          parts.push(parts.length ? text.slice(text.indexOf("\n") + 1) : text);
          query = response.headers.get("link")?.match(/<(\?[^>]*)>/)?.[1];
        }
        const url = URL.createObjectURL(new Blob(["\ufeff", ...parts], { type: "text/csv" }));
        h("a", { href: url, download: `${accountId}-${today()}.csv` }).click();
        setTimeout(() => URL.revokeObjectURL(url), MINUTE_MS);
      },
      { onError: (caught) => setContent(byId("problem"), errorAlert(caught)) },
    );
  }

  return { load, render };
}
