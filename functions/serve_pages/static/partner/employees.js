// Tab of partner employees: whether each is eligible as partner admin, and their clients.

import { signedInUserId } from "../shared/auth.js";
import { button, emailLine, h } from "../shared/elements.js";
import { partner, setName } from "./context.js";
import { offboardingTask } from "./offboarding.js";
import { linkFormTask } from "./link-form.js";
import { filterableList } from "../shared/filterable-list.js";
import { includesText } from "../shared/normalization.js";
import { migrationTask } from "./migration.js";
import { openTask } from "./tasks.js";
import { displayName, t } from "../shared/texts.js";

/** @type {{ text?: string }} */
const viewState = {};

export function employeesTab() {
  return filterableList({
    name: "employees",
    pages: partner.employees,
    viewState,
    headings: [
      t("partner.person"),
      t("partner.can_be"),
      t("partner.clients"),
      t("partner.super_admin_of"),
      t("partner.actions"),
    ],
    matches: (employee, text) =>
      includesText(
        text,
        displayName(employee),
        employee.email,
        ...employee.clients.map((client) => client.name),
        ...employee.super_admin_of.map((client) => client.name),
      ),
    renderRows: (items) => ({ rows: h("tbody", {}, items.map(employeeRow)), count: items.length }),
    emptyContent: () => [h("p", {}, t("partner.no_employees"))],
  });
}

/** @param {Api.Employee} employee */
function employeeRow(employee) {
  return h(
    "tr",
    {},
    h(
      "td",
      {},
      displayName(employee),
      employee.user_id === signedInUserId() && [" ", t("partner.you")],
      emailLine(employee.email),
    ),
    h("td", { "data-label": t("partner.can_be") }, eligibility(employee)),
    h(
      "td",
      { "data-label": t("partner.clients") },
      clientList(employee.clients, employee.has_more_clients, (client) =>
        t("partner.client_with", { client: client.name, set: setName(client.permission_set, client.set_name) }),
      ),
    ),
    h(
      "td",
      { "data-label": t("partner.super_admin_of") },
      clientList(employee.super_admin_of, employee.has_more_super_admin_of, (client) => client.name),
    ),
    h("td", {}, actions(employee)),
  );
}

/** @param {Api.Employee} employee */
function eligibility(employee) {
  if (employee.eligible && employee.state === "active") {
    return h("span", { class: "state active" }, t("partner.eligible"));
  }
  const reasonKey = employee.state === "active" ? "partner.why_not.partner" : "partner.why_not.deactivated";
  return [
    h("span", { class: "state deactivated" }, t("partner.not_eligible")),
    h("span", { class: "quiet block" }, t(reasonKey)),
  ];
}

/**
 * @template {{ name: string }} Item
 * @param {Item[]} clients
 * @param {boolean} hasMore
 * @param {(client: Item) => string} describe
 */
function clientList(clients, hasMore, describe) {
  if (!clients.length) return "–";
  if (clients.length === 1 && !hasMore) return describe(clients[0]);
  return h(
    "details",
    {},
    h("summary", {}, t(hasMore ? "partner.more_than" : "partner.count.clients", { n: clients.length })),
    h(
      "ul",
      {},
      clients.map((client) => h("li", {}, describe(client))),
    ),
  );
}

/** @param {Api.Employee} employee */
function actions(employee) {
  const isSelf = employee.user_id === signedInUserId();
  const values = { name: displayName(employee) };
  return h(
    "div",
    { class: "tools" },
    employee.allowed_actions.includes("create_link") &&
      button(t("partner.get_link"), () => openTask(linkFormTask({ employee_id: employee.user_id })), {
        class: "plain",
        "aria-label": t("partner.get_link_for", values),
      }),
    isSelf &&
      employee.super_admin_of.length > 0 &&
      button(t("partner.migrate.short"), () => openTask(migrationTask()), { class: "plain" }),
    employee.allowed_actions.includes("offboard") &&
      button(t(isSelf ? "partner.leave_all" : "partner.end_all"), () => openTask(offboardingTask(employee)), {
        class: "plain bad",
        "aria-label": t(isSelf ? "partner.leave_all" : "partner.end_all_of", values),
      }),
  );
}
