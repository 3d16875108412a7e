// Less than was asked: permissions taken away, singly or by the group, and an earlier end.

import { day, daysFromNow, forField } from "./dates.js";
import { h } from "./elements.js";
import { givenWith, groups, isScoped, phrase, takenWith } from "./permissions.js";
import { number, say } from "./words.js";

const LONGEST = 730;
const SCOPES = ["owned", "team", "all"];

/**
 * The fields; `adjusted` is kept up to date ({removed, until, scopes}), and `changed` is told of each change.
 *
 * With `held`, which tells in which scope each is held then, scopes are offered as well, up to the one that `most` tells.
 */
export function adjustments({ can, adjusted, mostDays, changed, held, most = () => "all" }) {
  const boxes = new Map();
  const scopes = new Map();
  const heads = [];

  function draw() {
    for (const [name, box] of boxes) box.checked = !adjusted.removed.has(name);
    const now = held?.();
    for (const [name, select] of scopes) {
      select.hidden = !now.has(name);
      select.value = now.get(name) ?? select.value;
    }
    for (const { box, names, count } of heads) {
      const left = names.filter((name) => !adjusted.removed.has(name)).length;
      box.checked = left > 0;
      box.indeterminate = left > 0 && left < names.length;
      count.textContent = say("adjust.count", { left: number(left), all: number(names.length) });
    }
    changed();
  }

  function put(names, wanted) {
    for (const name of names) {
      for (const other of wanted ? givenWith(name, can) : takenWith(name, can)) {
        if (wanted) adjusted.removed.delete(other);
        else adjusted.removed.add(other);
      }
    }
    draw();
  }

  function single(name) {
    const box = h("input", { type: "checkbox", checked: !adjusted.removed.has(name), onchange: () => put([name], box.checked) });
    boxes.set(name, box);
    const made = h("label", { class: "choice" }, box, h("span", {}, phrase(name)));
    return held && isScoped(name) ? h("div", { class: "scoped" }, made, scope(name)) : made;
  }

  function scope(name) {
    const offered = SCOPES.slice(0, SCOPES.indexOf(most(name)) + 1);
    const select = h("select", { "aria-label": say("adjust.scope", { what: phrase(name) }), onchange: () => reach(name, select.value) }, offered.map((each) => h("option", { value: each }, say(`adjust.scope.${each}`))));
    scopes.set(name, select);
    return select;
  }

  /** What must reach as far comes along, and what may not reach farther. */
  function reach(name, wanted) {
    const now = held();
    const narrower = (one, other) => SCOPES.indexOf(one) < SCOPES.indexOf(other);
    for (const other of givenWith(name, can)) if (narrower(now.get(other) ?? wanted, wanted)) adjusted.scopes.set(other, wanted);
    for (const other of takenWith(name, can)) if (narrower(wanted, now.get(other) ?? wanted)) adjusted.scopes.set(other, wanted);
    adjusted.scopes.set(name, wanted);
    draw();
  }

  function together({ whole, names }) {
    const box = h("input", { type: "checkbox", checked: true, onchange: () => put(names, box.checked) });
    const count = h("span", { class: "count" });
    heads.push({ box, names, count });
    return h("div", { class: "group" }, h("label", { class: "choice" }, box, h("span", {}, whole)),
      h("details", {}, h("summary", {}, say("adjust.singly"), " ", count), h("div", { class: "singles" }, names.map(single))));
  }

  const offered = groups().map((group) => ({ whole: group.whole, names: Object.keys(group.names).filter((name) => can.includes(name)) })).filter((group) => group.names.length);
  const named = new Set(offered.flatMap((group) => group.names));
  const last = daysFromNow(mostDays ?? LONGEST);
  const field = h("input", { type: "date", id: "until", min: forField(daysFromNow(1)), max: forField(last), value: adjusted.until, "aria-describedby": "until-hint", oninput: () => {
    adjusted.until = field.value;
    field.removeAttribute("aria-invalid");
  } });
  const made = [
    h("p", {}, say("adjust.lead")),
    h("fieldset", {}, h("legend", {}, say("adjust.permissions")), offered.map(together), can.filter((name) => !named.has(name)).map(single)),
    h("div", { class: "field" }, h("label", { for: "until" }, say("adjust.until")), field, h("p", { class: "quiet", id: "until-hint" }, say(mostDays ? "adjust.latest" : "adjust.latest_open", { date: day(last) }))),
  ];
  queueMicrotask(() => document.getElementById("can-list") && draw());
  return made;
}
