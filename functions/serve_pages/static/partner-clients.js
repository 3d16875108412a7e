// The clients where the firm's people are: with what, until when, and what the firm may do about it.

import { call, newKey } from "./api.js";
import { ask } from "./partner-asking.js";
import { colleagues } from "./partner-colleagues.js";
import { moment } from "./dates.js";
import { breakable, button, h } from "./elements.js";
import { firm, me, seatName, setName, userPath } from "./partner-firm.js";
import { has, listing } from "./partner-listing.js";
import { migration } from "./partner-migrating.js";
import { toast } from "./shell.js";
import { open } from "./partner-views.js";
import { say } from "./words.js";

const kept = {};
let list;

/** By client: those who are there for the firm, and those whom the client made its own. */
function grouped(items) {
  const found = new Map();
  for (const item of items) {
    const client = found.get(item.account_id) ?? { account_id: item.account_id, name: item.name, people: [] };
    for (const person of item.people) client.people.push(Object.assign(person, { made_by_client: item.made_by_client }));
    found.set(item.account_id, client);
  }
  return [...found.values()];
}

export function clients() {
  list = listing({
    name: "clients",
    pages: firm.clients,
    kept,
    head: [say("partner.person"), say("partner.set"), say("partner.ends"), say("partner.state"), say("partner.changed"), say("partner.actions")],
    matches: (item, text) => has(text, item.name, item.account_id, ...item.people.flatMap((person) => [person.name, person.email, setName(person.permission_set, person.set_name)])),
    bodies: (items) => {
      const some = grouped(items);
      return { rows: some.map(rows), count: some.length };
    },
    empty: () => [h("p", {}, say(firm.manages ? "partner.no_clients" : "partner.no_clients_own"))],
    onmore: () => shownRoles(roles),
  });
  const roles = h("div", {});
  shownRoles(roles);
  return [roles, list];
}

/** Whoever is still super admin somewhere is told how to lay that down. */
function shownRoles(place) {
  const mine = firm.employees.items.find((employee) => employee.user_id === me())?.super_admin_of.length;
  const seen = firm.clients.items.filter((item) => item.made_by_client && item.people.some((person) => person.user_id === me() && person.permission_set === "super_admin")).length;
  const n = Math.max(mine ?? 0, seen);
  place.replaceChildren(...(n ? [h("div", { class: "note offer" }, h("p", {}, say("partner.still_super_admin", { n })), h("div", { class: "actions" }, button(say("partner.migrate.open"), () => open(migration()))))] : []));
}

function rows(client) {
  const mine = client.people.find((person) => person.user_id === me());
  const mayBringIn = firm.manages && mine?.partner_id === firm.id && mine.state === "active" && !mine.permissions.removed.some((name) => name.startsWith("account.users.manage"));
  return h("tbody", {},
    h("tr", { class: "head" }, h("th", { scope: "rowgroup", colspan: "6" },
      h("span", { class: "headed" },
        h("span", {}, h("strong", {}, client.name), " ", h("span", { class: "quiet" }, client.account_id)),
        h("span", { class: "tools" },
          mine && h("a", { href: `/accounts/${encodeURIComponent(client.account_id)}`, "aria-label": say("partner.users_of", { client: client.name }) }, say("partner.users")),
          mayBringIn && button(say("partner.add"), () => open(colleagues(client)), { "aria-label": say("partner.add_to", { client: client.name }) }))))),
    client.people.map((person) => row(person, client)));
}

function row(person, client) {
  const { removed, added } = person.permissions;
  return h("tr", {},
    h("td", {}, person.name, person.user_id === me() && [" ", say("partner.you")], h("span", { class: "quiet block" }, breakable(person.email))),
    h("td", { "data-label": say("partner.set") }, setName(person.permission_set, person.set_name),
      h("span", { class: "quiet block" }, seatName(person.seat)),
      removed.length > 0 && h("span", { class: "quiet block" }, say("partner.fewer", { n: removed.length })),
      added.length > 0 && h("span", { class: "quiet block" }, say("partner.added", { n: added.length })),
      person.made_by_client && h("span", { class: "quiet block" }, say("partner.made_by_client"))),
    h("td", { "data-label": say("partner.ends") }, person.expires_at ? moment(person.expires_at) : say("partner.no_end")),
    h("td", { "data-label": say("partner.state") }, state(person)),
    h("td", { "data-label": say("partner.changed") }, person.changed_at ? moment(person.changed_at) : "–"),
    h("td", {}, actions(person, client)));
}

export function state(person) {
  return [
    h("span", { class: `state ${person.state}` }, say(`partner.state.${person.state}`)),
    (person.suspended_by ?? []).map((side) => h("span", { class: "quiet block" }, say(`partner.suspended_by.${side}`))),
  ];
}

function actions(person, client) {
  const [own, ours] = [person.user_id === me(), person.partner_id === firm.id];
  const places = { name: person.name, client: client.name };
  const offered = [];
  if (firm.manages && ours && !own && person.permission_set !== "super_admin") {
    if (person.suspended_by?.includes("partner")) offered.push(act("partner.resume", "partner.resume_one", () => resume(person, client), places));
    else offered.push(act("partner.suspend", "partner.suspend_one", () => suspend(person, client), places));
  }
  if (own || (firm.manages && ours)) offered.push(act(own ? "partner.leave" : "partner.end", own ? "partner.leave_one" : "partner.end_one", () => end(person, client, own), places, "plain bad"));
  return h("div", { class: "tools" }, offered);
}

function act(words, label, work, places, style = "plain") {
  return button(say(words), work, { class: style, "aria-label": say(label, places) });
}

// --- what is done ---

async function suspend(person, client) {
  const places = { name: person.name, client: client.name };
  const done = await ask({
    title: say("partner.suspend.title", places),
    body: say("partner.suspend.body", places),
    reason: say("partner.suspend.reason"),
    yes: say("partner.suspend"),
    work: (reason) => call("PUT", `${userPath(client.account_id, person.user_id)}/suspension`, { body: reason ? { reason } : {}, key: newKey() }),
  });
  if (done) changed(person, done.body, say("partner.suspended", places));
}

async function resume(person, client) {
  const places = { name: person.name, client: client.name };
  const done = await ask({
    title: say("partner.resume.title", places),
    body: say("partner.resume.body", places),
    yes: say("partner.resume"),
    bad: false,
    work: () => call("DELETE", `${userPath(client.account_id, person.user_id)}/suspension`, { key: newKey() }),
  });
  if (done) changed(person, done.body, say("partner.resumed", places));
}

function changed(person, told, words) {
  Object.assign(person, { state: told.state, suspended_by: told.suspended_by, version: told.version, changed_at: new Date().toISOString() });
  after(words);
}

async function end(person, client, own) {
  const places = { name: person.name, client: client.name };
  const which = own ? "partner.leave" : "partner.end";
  const done = await ask({
    title: say(`${which}.title`, places),
    body: say(`${which}.body`, places),
    yes: say(which),
    work: () => call("DELETE", userPath(client.account_id, person.user_id), { seen: `"${person.version}"`, key: newKey() }),
    stale: anew,
  });
  if (!done) return;
  for (const item of firm.clients.items) item.people = item.people.filter((other) => other !== person);
  firm.clients.items = firm.clients.items.filter((item) => item.people.length);
  firm.employees.reset();
  after(say(`${which}.done`, places));
}

function after(words) {
  list.update();
  list.rest();
  toast(words);
}

function anew() {
  firm.clients.reset();
  list.again();
}
