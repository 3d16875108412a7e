// All that somebody may do for the firm ends at once: first what that means, then the receipt.

import { call, newKey } from "./api.js";
import { button, h } from "./elements.js";
import { firm, me, pathOf } from "./partner-firm.js";
import { attempt, failed, redraw } from "./shell.js";
import { leave, shown, way } from "./partner-views.js";
import { say } from "./words.js";

/** The task, for one employee. */
export function leaving(employee) {
  const own = employee.user_id === me();
  let [items, phase, error] = [[], "looking", undefined];
  let place = h("div", {});

  async function ends(dry) {
    const found = [];
    let cursor;
    do {
      const query = new URLSearchParams({ limit: "25", ...(dry ? { dry_run: "true" } : {}), ...(cursor ? { cursor } : {}) });
      const { body } = await call("DELETE", `${pathOf("employees", employee.user_id, "access")}?${query}`, { key: newKey() });
      found.push(...body.items);
      cursor = body.next_cursor;
      items = found;
      if (cursor) fill();
    } while (cursor);
  }

  async function run(next, dry) {
    error = undefined;
    await attempt(async () => {
      await ends(dry);
      phase = next;
    }, { otherwise: (refusal) => {
      error = refusal;
    } });
    fill();
  }

  async function end() {
    phase = "ending";
    await run("done", false);
    firm.clients.reset();
    firm.employees.reset();
    firm.links.reset();
    if (shown() === render) await redraw();
  }

  function fill() {
    place.replaceChildren(...[content()].flat(Infinity).filter(Boolean));
  }

  function content() {
    const places = { name: employee.name, n: items.length };
    if (phase === "looking") {
      return error ? [failed(error), h("div", { class: "actions" }, button(say("partner.again"), () => run("asking", true)))]
        : h("p", { class: "waiting", role: "status" }, say(items.length ? "partner.leaving.read" : "loading", places));
    }
    const [over, stays] = [items.filter((item) => item.outcome !== "retained"), items.filter((item) => item.outcome === "retained")];
    if (phase === "asking") return asking(over, stays);
    return [
      h("p", { class: "status", role: "status", tabindex: "-1" }, say(phase === "done" ? "partner.leaving.done" : "partner.leaving.ended", { name: employee.name, n: over.length })),
      error && [failed(error), h("div", { class: "actions" }, button(say("partner.try_rest"), end, { class: "first" }))],
      receipt(),
    ];
  }

  function asking(over, stays) {
    return [
      h("h2", {}, say("partner.leaving.over")),
      !over.length && h("p", {}, say("partner.leaving.nothing")),
      h("ul", { class: "names" }, over.map((item) => h("li", {}, item.name)), h("li", {}, say(own ? "partner.leaving.links_own" : "partner.leaving.links"))),
      stays.length > 0 && [h("h2", {}, say("partner.leaving.stays")), h("p", {}, say("partner.leaving.stays_why")),
        h("ul", { id: "stays" }, stays.map((item) => h("li", {}, item.name, h("span", { class: "quiet block" }, say(`partner.retained.${item.reason}`)))))],
      items.length > 0 && h("div", { class: "note bad" }, h("p", {}, say(own ? "partner.leaving.sure_own" : "partner.leaving.sure", { name: employee.name }))),
      h("div", { class: "actions" }, button(say(own ? "partner.leave_all" : "partner.end_all"), end, { class: "first bad" }), button(say("cancel"), leave)),
    ];
  }

  function receipt() {
    if (!items.length) return undefined;
    return h("table", { class: "cards", "aria-label": say("partner.leaving.receipt") },
      h("thead", {}, h("tr", {}, h("th", { scope: "col" }, say("partner.client")), h("th", { scope: "col" }, say("partner.outcome")))),
      h("tbody", {}, items.map((item) => h("tr", {},
        h("td", {}, item.name),
        h("td", { "data-label": say("partner.outcome") },
          h("span", { class: `state ${item.outcome === "retained" ? "suspended" : "active"}` }, say(`partner.receipt.${item.outcome}`)),
          item.outcome === "retained" && h("span", { class: "quiet block" }, say(`partner.retained.${item.reason}`)))))));
  }

  function render() {
    const title = say(phase === "done" ? "partner.leaving.title_done" : own ? "partner.leaving.title_own" : "partner.leaving.title", { name: employee.name });
    place = h("div", {});
    fill();
    return { title, content: [way(), h("h1", {}, title), place] };
  }

  run("asking", true);
  return render;
}
