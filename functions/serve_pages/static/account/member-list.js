// View that lists the members of an account, page by page, filtered by state and by text.

import { accountPath, context, isAllowedInAccount, seatNames, setName, userPath, viewLink } from "./context.js";
import { call } from "../shared/api.js";
import { formatDate, formatDay } from "../shared/dates.js";
import { button, byId, emailLine, h, setContent } from "../shared/elements.js";
import { includesText, searchable } from "../shared/normalization.js";
import { attempt, errorAlert } from "../shared/page.js";
import { currentLanguage, displayName, t } from "../shared/texts.js";

const STATES = ["", "active", "suspended", "deactivated"];
const PAGE_SIZE = 50;
const SEARCH_PAGE_SIZE = 100;

/** @returns {View<{ text?: string; state?: string }>} */
export function memberListView() {
  /** @type {Api.MemberRow[]} */
  let members = [];
  /** @type {string | null | undefined} */
  let cursor;
  let text = "";
  let state = "";
  /** @type {Api.Failure | undefined} */
  let error;
  let ownOnly = false;
  let searching = false;

  /** @param {number} [limit] */
  async function loadMore(limit = PAGE_SIZE) {
    const query = new URLSearchParams({ limit: String(limit), ...(state && { state }), ...(cursor && { cursor }) });
    /** @type {Api.Response<Api.List<Api.MemberRow>>} */
    const { body } = await call("GET", `${accountPath}/users?${query}`);
    const collator = new Intl.Collator(currentLanguage());
    members.push(...body.items.sort((first, second) => collator.compare(displayName(first), displayName(second))));
    cursor = body.next_cursor;
  }

  async function load() {
    if (context.sets) {
      do await loadMore();
      while (cursor && members.length < PAGE_SIZE);
    } else {
      ownOnly = true;
      /** @type {Api.Response<Api.MemberRow>} */
      const { body } = await call("GET", userPath(context.userId));
      members = [body];
    }
  }

  /** Load the list again after the selection of another state. */
  async function reload() {
    [members, cursor, error] = [[], undefined, undefined];
    await attempt(load, {
      pageState: { formState: { text, state } },
      onError: (caught) => {
        error = caught;
      },
    });
    redrawRows();
    if (text) await search();
  }

  /** Load all remaining pages while a search text is set, so that the search covers every member. */
  async function search() {
    redrawRows();
    if (searching || !text) return;
    searching = true;
    await attempt(
      async () => {
        while (cursor && text) {
          await loadMore(SEARCH_PAGE_SIZE);
          redrawRows();
        }
      },
      {
        pageState: { formState: { text, state } },
        onError: (caught) => {
          error = caught;
        },
      },
    );
    searching = false;
    redrawRows();
  }

  function matchingMembers() {
    const searched = searchable(text);
    return members.filter((each) =>
      includesText(
        searched,
        displayName(each),
        each.email,
        each.partner_name,
        setName(each.permission_set, each.set_name),
      ),
    );
  }

  function redrawRows() {
    const container = document.getElementById("people");
    if (!container) return;
    const matches = matchingMembers();
    setContent(container, error ? errorAlert(error) : matches.length ? memberTable(matches) : emptyNote(), footer());
    byId("counted").textContent = countText(matches.length);
  }

  /** @param {number} n */
  function countText(n) {
    return t(cursor ? "account.shown_so_far" : "account.shown", { n });
  }

  function emptyNote() {
    return h("p", { class: "empty" }, t(text || state ? "account.none_found" : "account.none"));
  }

  function footer() {
    return (
      cursor &&
      !text &&
      h(
        "div",
        { class: "actions" },
        button(t("account.more"), async () => {
          const previousCount = members.length;
          await attempt(() => loadMore(), {
            onError: (caught) => {
              error = caught;
            },
          });
          redrawRows();
          /** @type {NodeListOf<HTMLElement>} */ (document.querySelectorAll("#people tbody a"))[previousCount]?.focus();
        }),
      )
    );
  }

  /** @param {Api.MemberRow[]} matches */
  function memberTable(matches) {
    const headings = ["person", "set", "seats", "since", "until", "state"].map((name) => t(`account.${name}`));
    const cell = (/** @type {number} */ column, /** @type {Content[]} */ ...content) =>
      h("td", { "data-label": headings[column] }, ...content);
    return h(
      "table",
      { class: "cards people" },
      h("caption", { class: "unseen" }, t("account.title")),
      h(
        "thead",
        {},
        h(
          "tr",
          {},
          headings.map((heading) => h("th", { scope: "col" }, heading)),
        ),
      ),
      h(
        "tbody",
        {},
        matches.map((each) =>
          h(
            "tr",
            {},
            h(
              "td",
              {},
              viewLink(displayName(each), { user: each.user_id }, { class: "name" }),
              emailLine(each.email),
              each.partner_name &&
                h("span", { class: "quiet block" }, t("account.of_partner", { partner: each.partner_name })),
            ),
            cell(
              1,
              setName(each.permission_set, each.set_name),
              hasOverrides(each) && h("span", { class: "quiet block" }, t("account.with_changes")),
            ),
            cell(2, seatNames(each)),
            cell(
              3,
              h("span", { class: "when" }, formatDate(each.since)),
              each.granted_by_name &&
                h("span", { class: "quiet block" }, t("account.by", { name: each.granted_by_name })),
            ),
            cell(
              4,
              each.access_ends_on
                ? h("span", { class: "when" }, formatDay(each.access_ends_on))
                : h("span", { class: "quiet" }, t("account.no_end")),
            ),
            cell(5, stateBadge(each.state)),
          ),
        ),
      ),
    );
  }

  function render() {
    const title = t("account.title");
    if (ownOnly) {
      return {
        title,
        content: [
          h("h1", {}, title),
          h("p", { class: "lead" }, t("account.alone")),
          h("div", { id: "people" }, memberTable(members)),
        ],
      };
    }
    const filterField = h("input", {
      type: "search",
      id: "filter",
      value: text,
      autocomplete: "off",
      oninput: () => {
        text = filterField.value;
        search();
      },
    });
    const stateSelect = h(
      "select",
      {
        id: "in-state",
        onchange: () => {
          state = stateSelect.value;
          reload();
        },
      },
      STATES.map((each) =>
        h("option", { value: each, selected: each === state }, t(each ? `account.state.${each}` : "account.state.any")),
      ),
    );
    const matches = matchingMembers();
    return {
      title,
      content: [
        h(
          "div",
          { class: "heading" },
          h("h1", {}, title),
          isAllowedInAccount("create_user") && viewLink(t("account.create"), { new: "" }, { class: "button first" }),
        ),
        h("p", { class: "lead" }, t("account.lead")),
        h(
          "div",
          { class: "filters" },
          h("div", { class: "field" }, h("label", { for: "filter" }, t("account.filter")), filterField),
          h("div", { class: "field" }, h("label", { for: "in-state" }, t("account.state")), stateSelect),
          h("p", { class: "quiet", id: "counted", role: "status" }, countText(matches.length)),
        ),
        h("div", { id: "people" }, matches.length ? memberTable(matches) : emptyNote(), footer()),
      ],
    };
  }

  return {
    load,
    render,
    formState: () => ({ text, state }),
    restore: (saved) => {
      ({ text = "", state = "" } = saved);
    },
  };
}

/** @param {Api.MemberRow} member */
function hasOverrides({ permissions }) {
  return permissions.added.length + permissions.removed.length > 0;
}

/** @param {string} state */
export function stateBadge(state) {
  return h("span", { class: `state ${state}` }, t(`account.state.${state}`));
}
