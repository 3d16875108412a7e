// The firm's people: whether each can be a partner admin, where he is, and what is still open.

import { breakable, button, h } from "./elements.js";
import { firm, me, setName } from "./partner-firm.js";
import { leaving } from "./partner-leaving.js";
import { linkForm } from "./partner-linkform.js";
import { has, listing } from "./partner-listing.js";
import { migration } from "./partner-migrating.js";
import { open } from "./partner-views.js";
import { say } from "./words.js";

const kept = {};

export function employees() {
  return listing({
    name: "employees",
    pages: firm.employees,
    kept,
    head: [say("partner.person"), say("partner.can_be"), say("partner.clients"), say("partner.super_admin_of"), say("partner.actions")],
    matches: (employee, text) => has(text, employee.name, employee.email ?? "", ...employee.clients.map((client) => client.name), ...employee.super_admin_of.map((client) => client.name)),
    bodies: (items) => ({ rows: h("tbody", {}, items.map(row)), count: items.length }),
    empty: () => [h("p", {}, say("partner.no_employees"))],
  });
}

function row(employee) {
  return h("tr", {},
    h("td", {}, employee.name, employee.user_id === me() && [" ", say("partner.you")], employee.email && h("span", { class: "quiet block" }, breakable(employee.email))),
    h("td", { "data-label": say("partner.can_be") }, eligibility(employee)),
    h("td", { "data-label": say("partner.clients") }, places(employee.clients, employee.has_more_clients, (client) => say("partner.client_with", { client: client.name, set: setName(client.permission_set, client.set_name) }))),
    h("td", { "data-label": say("partner.super_admin_of") }, places(employee.super_admin_of, employee.has_more_super_admin_of, (client) => client.name)),
    h("td", {}, actions(employee)));
}

function eligibility(employee) {
  if (employee.eligible && employee.state === "active") return h("span", { class: "state active" }, say("partner.eligible"));
  const why = employee.state === "active" ? "partner.why_not.firm" : "partner.why_not.deactivated";
  return [h("span", { class: "state deactivated" }, say("partner.not_eligible")), h("span", { class: "quiet block" }, say(why))];
}

function places(clients, more, told) {
  if (!clients.length) return "–";
  if (clients.length === 1 && !more) return told(clients[0]);
  return h("details", {}, h("summary", {}, say(more ? "partner.more_than" : "partner.count.clients", { n: clients.length })), h("ul", {}, clients.map((client) => h("li", {}, told(client)))));
}

function actions(employee) {
  const own = employee.user_id === me();
  const mayMakeLink = firm.manages && employee.eligible && employee.state === "active";
  const name = { name: employee.name };
  return h("div", { class: "tools" },
    mayMakeLink && button(say("partner.get_link"), () => open(linkForm({ employee_id: employee.user_id })), { class: "plain", "aria-label": say("partner.get_link_for", name) }),
    own && employee.super_admin_of.length > 0 && button(say("partner.migrate.short"), () => open(migration()), { class: "plain" }),
    (own || firm.manages) && button(say(own ? "partner.leave_all" : "partner.end_all"), () => open(leaving(employee)), { class: "plain bad", "aria-label": say(own ? "partner.leave_all" : "partner.end_all_of", name) }));
}
