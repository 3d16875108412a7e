// Who is in an account, with what, since when, by whom and until when; and what can be done about it.

import { carried, token } from "./auth.js";
import { arrive, here, isOfTheAccount, link, onMove } from "./account-here.js";
import { edit } from "./account-edit.js";
import { list } from "./account-list.js";
import { migration } from "./account-migrate.js";
import { newcomer } from "./account-new.js";
import { person } from "./account-person.js";
import { trail } from "./account-trail.js";
import { updates } from "./account-updates.js";
import { button, h } from "./elements.js";
import { attempt, door, failed, main, page, redraw } from "./shell.js";
import { say, withPermissions } from "./words.js";

let view;
let error;
let arrived = false;
let nth = 0;

/** The view that the address names. */
function named() {
  const asked = new URLSearchParams(location.search);
  const userId = asked.get("user");
  if (userId && asked.get("do") === "edit") return edit(userId);
  if (userId && asked.get("do") === "migrate") return migration(userId);
  if (asked.has("trail")) return trail(userId, asked);
  if (userId) return person(userId);
  if (asked.has("new")) return newcomer();
  if (asked.has("updates")) return updates();
  return list();
}

async function open({ typed, focus = true } = {}) {
  const mine = (nth += 1);
  const next = named();
  const carry = () => ({ typed: next.typed?.() });
  if (typed) next.take?.(typed);
  error = undefined;
  if (!token()) return show(next, focus);
  main.setAttribute("aria-busy", "true");
  await attempt(async () => {
    if (!arrived) await arrive();
    arrived = true;
    await next.load();
  }, { carry: carry(), otherwise: (refusal) => {
    error = refusal;
  } });
  if (mine === nth) await show(next, focus);
}

async function show(next, focus) {
  view = next;
  main.removeAttribute("aria-busy");
  await redraw({ focus });
}

function render() {
  const title = say("account.title");
  if (!token()) return door(title, say("account.lead"), { typed: view?.typed?.() });
  if (!view) return { title, content: [h("h1", {}, title), h("p", { class: "waiting", role: "status" }, say("loading"))] };
  if (error) return { title, content: [h("h1", {}, title), failed(error), h("div", { class: "actions" }, button(say("account.again"), () => open()), h("a", { class: "button plain", href: "/" }, say("to_start")))] };
  const shown = view.render();
  return { ...shown, content: [places(), shown.content] };
}

/** Where one can go from here; who sees only himself has nowhere to go. */
function places() {
  const name = here.account?.name;
  const asked = new URLSearchParams(location.search);
  const current = asked.has("trail") ? "trail" : asked.has("updates") ? "updates" : "users";
  const place = (key, label, to) => h("li", {}, link(label, to, { "aria-current": current === key && (location.search ? "true" : "page") }));
  if (!name) {
    const firms = here.accounts.filter((each) => each.kind === "partner");
    return h("nav", { class: "places", "aria-label": say("home.partner") }, firms.map((firm) => h("a", { href: `/partners/${encodeURIComponent(firm.account_id)}` }, say("account.to_partner", { partner: firm.name }))));
  }
  return h("nav", { class: "places", "aria-label": name },
    h("strong", {}, name),
    here.sets && h("ul", {},
      place("users", say("account.title"), {}),
      isOfTheAccount() && place("updates", say("account.updates"), { updates: "" }),
      place("trail", say("account.trail"), { trail: "" }),
    ));
}

onMove(() => open());
await withPermissions();
page(render);
if (token()) await open({ ...carried(), focus: false });
