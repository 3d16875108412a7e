// Access links: what each asks for, in which state it is, what became of its letter; a new address, or the end.

import { call, newKey } from "./api.js";
import { ask } from "./partner-asking.js";
import { day, moment } from "./dates.js";
import { button, h } from "./elements.js";
import { clientName, firm, me, pathOf } from "./partner-firm.js";
import { ready } from "./partner-linkform.js";
import { has, listing } from "./partner-listing.js";
import { toast } from "./shell.js";
import { open } from "./partner-views.js";
import { say } from "./words.js";

const STATES = ["open", "approved", "declined", "revoked", "expired"];
const kept = { state: "" };
let list;

function wanted() {
  return pathOf("access-links") + (kept.state ? `?state=${kept.state}` : "");
}

export function links() {
  if (firm.links.path !== wanted()) firm.links.reset(wanted());
  const place = h("div", {});
  const choice = h("select", { id: "links-state", onchange: () => {
    kept.state = choice.value;
    firm.links.reset(wanted());
    fill();
  } }, ["", ...STATES].map((state) => h("option", { value: state, selected: state === kept.state }, say(state ? `partner.link_state.${state}` : "partner.every_state"))));
  const states = h("div", { class: "filter" }, h("label", { for: "links-state" }, say("partner.state")), choice);
  function fill() {
    const focused = document.activeElement === choice;
    list = listing({
      name: "links",
      pages: firm.links,
      kept,
      tools: states,
      head: [say("partner.link.for"), say("partner.client"), say("partner.state"), say("partner.letter"), say("partner.link.made"), say("partner.actions")],
      matches: (link, text) => has(text, link.employee.name, link.employee.email, link.purpose, link.account_id, link.account_id && clientName(link.account_id)),
      bodies: (items) => ({ rows: h("tbody", {}, items.map(row)), count: items.length }),
      empty: () => [h("p", {}, say(kept.state ? "partner.nothing_found" : firm.manages ? "partner.no_links" : "partner.no_links_own"))],
    });
    place.replaceChildren(list);
    if (focused) choice.focus();
  }
  fill();
  return [
    !firm.manages && h("p", { class: "quiet" }, say("partner.links_own")),
    place,
  ];
}

function row(link) {
  const { removed } = link.permissions;
  return h("tr", {},
    h("td", {}, link.employee.name, link.employee.user_id === me() && [" ", say("partner.you")], link.purpose && h("span", { class: "quiet block" }, h("q", {}, link.purpose)),
      removed.length > 0 && h("span", { class: "quiet block" }, say("partner.fewer", { n: removed.length }))),
    h("td", { "data-label": say("partner.client") }, link.account_id ? clientName(link.account_id) : say("partner.link.any"),
      h("span", { class: "quiet block" }, link.access_days ? say("partner.link.days", { n: link.access_days }) : say("partner.no_end"))),
    h("td", { "data-label": say("partner.state") }, h("span", { class: `state ${style(link.state)}` }, say(`partner.link_state.${link.state}`)),
      link.max_approvals > 1 && h("span", { class: "quiet block" }, say("partner.link.approvals", { n: link.approvals, most: link.max_approvals })),
      link.state === "open" && h("span", { class: "quiet block" }, say("partner.link.until", { date: moment(link.expires_at) }))),
    h("td", { "data-label": say("partner.letter") }, h("span", { class: "whole" }, say(`partner.letter.${link.delivery_status}`)),
      link.state === "open" && ["bounced", "complained", "failed"].includes(link.delivery_status) && h("span", { class: "quiet block" }, say("partner.letter.copy"))),
    h("td", { class: "when", "data-label": say("partner.link.made") }, day(link.created_at)),
    h("td", {}, firm.manages && link.state === "open" && h("div", { class: "tools" },
      button(say("partner.resend"), () => resend(link), { class: "plain", "aria-label": say("partner.resend_one", names(link)) }),
      button(say("partner.revoke"), () => revoke(link), { class: "plain bad", "aria-label": say("partner.revoke_one", names(link)) }))));
}

function style(state) {
  return { open: "active", approved: "active" }[state] ?? "deactivated";
}

function names(link) {
  return { name: link.employee.name, date: day(link.created_at) };
}

async function resend(link) {
  const done = await ask({
    title: say("partner.resend.title", names(link)),
    body: say(link.delivery_status === "none" ? "partner.resend.body" : "partner.resend.body_letter", names(link)),
    yes: say("partner.resend"),
    bad: false,
    work: () => call("POST", pathOf("access-links", link.link_id, "resend"), { key: newKey() }),
  });
  if (!done) return;
  Object.assign(link, done.body);
  await open(ready(done.body));
}

async function revoke(link) {
  const done = await ask({
    title: say("partner.revoke.title", names(link)),
    body: say("partner.revoke.body", names(link)),
    yes: say("partner.revoke"),
    work: () => call("DELETE", pathOf("access-links", link.link_id), { key: newKey() }),
  });
  if (!done) return;
  link.state = "revoked";
  firm.employees.reset();
  list.update();
  list.rest();
  toast(say("partner.revoked"));
}
