// A list that can be long: filtered as one types, more of it when one asks, and a sentence where it is empty.

import { button, h } from "./elements.js";
import { attempt, failed } from "./shell.js";
import { say } from "./words.js";

/**
 * `pages` are read, `kept` remembers the filter; `bodies(items)` makes the table's rows, and gives how many things they are;
 * `matches(item, text)` says what a filter finds. The element has `update`, to show what has changed.
 */
export function listing({ name, pages, kept, head, bodies, matches, empty, tools = [], onmore }) {
  const place = h("div", { class: "list" });
  const status = h("p", { class: "quiet status", role: "status", tabindex: "-1" });
  const more = button(say("partner.more"), () => load("more"));
  const foot = h("div", { class: "actions" }, more);
  const field = h("input", { type: "search", id: `${name}-filter`, value: kept.text ?? "", autocomplete: "off", spellcheck: "false", oninput: () => {
    kept.text = field.value;
    update();
    if (kept.text.trim() && !pages.done) load("all");
  } });
  let error;

  async function load(how) {
    error = undefined;
    const loading = attempt(() => pages[how](), { otherwise: (refusal) => {
      error = refusal;
    } });
    update();
    await loading;
    update();
    onmore?.();
  }

  function update() {
    const text = (kept.text ?? "").trim().toLowerCase();
    const found = text ? pages.items.filter((item) => matches(item, text)) : pages.items;
    const { rows, count } = bodies(found, text);
    const waiting = !pages.done && (pages.asked || !pages.begun);
    if (count) {
      place.replaceChildren(h("table", { class: "cards", "aria-label": say(`partner.tab.${name}`) },
        h("thead", {}, h("tr", {}, head.map((each) => h("th", { scope: "col" }, each)))), rows));
    } else if (error || waiting) place.replaceChildren();
    else place.replaceChildren(h("div", { class: "note" }, text ? h("p", {}, say("partner.nothing_found")) : empty()));
    if (error) place.append(failed(error), h("div", { class: "actions" }, button(say("partner.again"), () => load("more"))));
    status.textContent = told(count, text, waiting);
    foot.hidden = pages.done || waiting || Boolean(error);
  }

  function told(count, text, waiting) {
    if (waiting) return say("loading");
    if (error) return "";
    if (text) return say("partner.found", { n: count });
    return say(pages.done ? `partner.count.${name}` : `partner.so_far.${name}`, { n: count });
  }

  const made = h("div", {},
    h("div", { class: "filters" }, h("div", { class: "filter" }, h("label", { for: `${name}-filter` }, say(`partner.filter.${name}`)), field), tools),
    status, place, foot);
  update();
  if (!pages.begun || pages.asked) load(kept.text?.trim() ? "all" : "more");
  return Object.assign(made, { update, again: () => load("more"), rest: () => status.focus() });
}

export function has(text, ...places) {
  return places.some((place) => place?.toLowerCase().includes(text));
}
