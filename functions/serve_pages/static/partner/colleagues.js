// Task that adds colleagues to a client. It reports the outcome of each one.

import { call, newIdempotencyKey } from "../shared/api.js";
import { alertNote, busy, button, emailLine, h, infoNote, setContent } from "../shared/elements.js";
import { partner, partnerPath, setName } from "./context.js";
import { includesText, searchable } from "../shared/normalization.js";
import { attempt, errorAlert, loadingNote } from "../shared/page.js";
import { backLink, outcomeTable } from "./tasks.js";
import { displayName, problemText, t } from "../shared/texts.js";

const MAX_COLLEAGUES = 25;

/**
 * Create the task for one client.
 *
 * @param {{ account_id: string; name: string; people: { user_id: string }[] }} client
 * @returns {() => PageContent}
 */
export function colleaguesTask(client) {
  /** @type {Set<string>} */
  const chosen = new Set();
  const presentIds = new Set(client.people.map((member) => member.user_id));
  /** @type {Map<string, Api.BulkMemberRow>} */
  const rows = new Map();
  /** @type {Map<string, string>} */
  const names = new Map();
  /** @type {Api.PermissionSet[] | undefined} */
  let sets;
  /** @type {string | undefined} */
  let set;
  /** @type {Api.Failure | undefined} */
  let error;
  /** @type {Api.Employee[]} */
  let eligible = [];
  let container = h("div", {});
  let filterText = "";

  async function load() {
    await attempt(
      async () => {
        /** @type {Promise<Api.Response<Api.List<Api.PermissionSet>>>} */
        const setsRequest = call("GET", `/accounts/${encodeURIComponent(client.account_id)}/permission-sets`);
        const [choices] = await Promise.all([setsRequest, partner.employees.all()]);
        sets = choices.body.items.filter(
          (each) => each.permission_set !== "partner_admin" && each.permission_set !== "super_admin",
        );
        set ??= sets[0]?.permission_set;
        eligible = partner.employees.items.filter(
          (employee) => employee.eligible && employee.state === "active" && !presentIds.has(employee.user_id),
        );
        for (const employee of eligible) names.set(employee.user_id, displayName(employee));
      },
      {
        onError: (caught) => {
          error = caught;
        },
      },
    );
    refresh();
  }

  function refresh() {
    setContent(container, content());
  }

  /** @returns {Content} */
  function content() {
    if (error && !sets) return errorAlert(error);
    if (!sets) return loadingNote();
    if (rows.size) return report();
    if (!eligible.length) return infoNote(h("p", {}, t("partner.add.nobody")));
    if (!sets.length) return infoNote(h("p", {}, t("partner.add.no_set")));
    return selectionForm(sets);
  }

  /** @param {Api.PermissionSet[]} offeredSets */
  function selectionForm(offeredSets) {
    const submitButton = h("button", { type: "submit", class: "first" }, t("partner.add.yes"));
    const alertContainer = h("div", {}, error && errorAlert(error));
    const setSelect = h(
      "select",
      {
        id: "set",
        onchange: () => {
          set = setSelect.value;
        },
      },
      offeredSets.map((each) =>
        h(
          "option",
          { value: each.permission_set, selected: each.permission_set === set },
          each.kind === "custom" ? each.name : setName(each.permission_set),
        ),
      ),
    );
    const options = eligible.map((employee) => {
      const checkbox = h("input", {
        type: "checkbox",
        value: employee.user_id,
        checked: chosen.has(employee.user_id),
        onchange: () => {
          if (checkbox.checked) chosen.add(employee.user_id);
          else chosen.delete(employee.user_id);
          alertContainer.replaceChildren();
        },
      });
      return h("label", { class: "choice" }, checkbox, h("span", {}, displayName(employee), emailLine(employee.email)));
    });
    const applyFilter = () =>
      options.forEach((option) => {
        option.hidden = !includesText(searchable(filterText), option.textContent);
      });
    const filterField = h("input", {
      type: "search",
      id: "colleagues-filter",
      value: filterText,
      autocomplete: "off",
      oninput: () => {
        filterText = filterField.value;
        applyFilter();
      },
    });
    applyFilter();
    return h(
      "form",
      {
        novalidate: true,
        onsubmit: (event) => {
          event.preventDefault();
          if (chosen.size && chosen.size <= MAX_COLLEAGUES) return busy(submitButton, () => add([...chosen]));
          alertContainer.replaceChildren(alertNote(h("p", {}, t("partner.add.choose", { most: MAX_COLLEAGUES }))));
          return options[0].querySelector("input")?.focus();
        },
      },
      h(
        "fieldset",
        {},
        h("legend", {}, t("partner.add.who")),
        eligible.length > 8 &&
          h(
            "div",
            { class: "filter" },
            h("label", { for: "colleagues-filter" }, t("partner.filter.employees")),
            filterField,
          ),
        h("div", { class: "singles" }, options),
      ),
      h(
        "div",
        { class: "field" },
        h("label", { for: "set" }, t("partner.add.set")),
        setSelect,
        h("p", { class: "quiet" }, t("partner.add.set_hint")),
      ),
      alertContainer,
      h("div", { class: "actions" }, submitButton),
    );
  }

  /** @param {string[]} ids */
  async function add(ids) {
    error = undefined;
    await attempt(
      async () => {
        /** @type {Api.Response<Api.List<Api.BulkMemberRow>>} */
        const { body } = await call("POST", partnerPath("clients", client.account_id, "users"), {
          body: { employee_ids: ids, permission_set: set },
          key: newIdempotencyKey(),
        });
        for (const row of body.items) rows.set(row.user_id, row);
        partner.clients.reset();
        partner.employees.reset();
      },
      {
        onError: (caught) => {
          error = caught;
        },
      },
    );
    refresh();
    /** @type {HTMLElement | null} */ (container.querySelector(".status"))?.focus();
  }

  function report() {
    const results = [...rows.values()];
    const failedIds = results.filter((row) => row.outcome === "failed").map((row) => row.user_id);
    return [
      h(
        "p",
        { class: "status", role: "status", tabindex: "-1" },
        t("partner.add.report", { n: results.length - failedIds.length, all: results.length }),
      ),
      outcomeTable(
        t("partner.add.rows"),
        t("partner.person"),
        results.map((row) => [
          names.get(row.user_id),
          [
            t(`partner.outcome.${row.outcome}`),
            row.reason && h("span", { class: "quiet block" }, problemText(row.reason)),
          ],
        ]),
      ),
      error && errorAlert(error),
      failedIds.length > 0 &&
        h(
          "div",
          { class: "actions" },
          button(t("partner.try_rest"), () => add(failedIds), { class: "first" }),
        ),
    ];
  }

  load();
  return () => {
    const title = t("partner.add_to", { client: client.name });
    container = h("div", {});
    refresh();
    return {
      title,
      content: [backLink(), h("h1", {}, title), h("p", { class: "lead" }, t("partner.add.lead")), container],
    };
  };
}
