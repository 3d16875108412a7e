// The client access manager: a firm's clients, its people, and the links between them.

import { carried, token } from "./auth.js";
import { clients } from "./partner-clients.js";
import { button, h } from "./elements.js";
import { employees } from "./partner-employees.js";
import { firm, meet } from "./partner-firm.js";
import { carry, linkForm } from "./partner-linkform.js";
import { links } from "./partner-links.js";
import { attempt, door, failed, page, redraw } from "./shell.js";
import { open, shown } from "./partner-views.js";
import { say, withPermissions } from "./words.js";

const TABS = { clients, employees, links };
const NAMES = Object.keys(TABS);

let error;

function chosen() {
  const wanted = new URLSearchParams(location.search).get("tab");
  return NAMES.includes(wanted) ? wanted : NAMES[0];
}

async function go(name) {
  history.replaceState(history.state, "", `?tab=${name}`);
  await redraw({ focus: false });
  document.getElementById(`tab-${name}`).focus();
}

function tabs() {
  const now = chosen();
  const keys = { ArrowRight: 1, ArrowLeft: -1 };
  return h("div", { class: "tabs", role: "tablist", "aria-label": say("partner.title"), onkeydown: (event) => {
    const ends = { Home: NAMES[0], End: NAMES.at(-1) };
    const next = ends[event.key] ?? (event.key in keys && NAMES.at((NAMES.indexOf(now) + keys[event.key]) % NAMES.length));
    if (!next) return;
    event.preventDefault();
    go(next);
  } }, NAMES.map((name) => h("button", { type: "button", role: "tab", id: `tab-${name}`, "aria-selected": String(name === now), "aria-controls": "panel", tabindex: name === now ? "0" : "-1", onclick: () => go(name) }, say(`partner.tab.${name}`))));
}

function render() {
  const title = say("partner.title");
  if (!token()) return door(title, say("partner.lead"), carry());
  if (shown()) return shown()();
  const start = [h("h1", {}, title), h("p", { class: "lead" }, say("partner.lead"))];
  if (error) return { title, content: [...start, failed(error), h("p", {}, h("a", { href: "/" }, say("to_start")))] };
  const firmLine = h("p", { class: "firm" }, firm.name ? [h("strong", {}, firm.name), !firm.manages && h("span", { class: "quiet block" }, say("partner.own_only"))] : " ");
  if (firm.manages === undefined) return { title, content: [...start, firmLine, h("p", { class: "waiting", role: "status" }, say("loading"))] };
  return {
    title: firm.name ? `${title}: ${firm.name}` : title,
    content: [...start, firmLine, h("div", { class: "over" }, tabs(), firm.manages && button(say("partner.get_link"), () => open(linkForm()), { class: "first" })), h("div", { id: "panel", role: "tabpanel", "aria-labelledby": `tab-${chosen()}` }, TABS[chosen()]())],
  };
}

async function begin() {
  await attempt(meet, { otherwise: (refusal) => {
    error = refusal;
  } });
  const left = carried();
  if (left?.link && firm.manages) await open(linkForm(left.link));
  else await redraw({ focus: false });
}

await withPermissions();
page(render);
if (token()) await begin();
