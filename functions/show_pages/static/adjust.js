// Less than was asked: permissions taken away, singly or by the group, and an earlier end.

import { day, daysFromNow, forField } from "./dates.js";
import { h } from "./elements.js";
import { givenWith, groups, phrase, takenWith } from "./permissions.js";
import { number, say } from "./words.js";

const LONGEST = 730;

/** The fields; `adjusted` is kept up to date ({removed, until}), and `changed` is told of each change. */
export function adjustments({ can, adjusted, mostDays, changed }) {
  const boxes = new Map();
  const heads = [];

  function draw() {
    for (const [name, box] of boxes) box.checked = !adjusted.removed.has(name);
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
    return h("label", { class: "choice" }, box, h("span", {}, phrase(name)));
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
