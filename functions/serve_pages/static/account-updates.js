// Newer versions of the vendor's sets: what each would bring to whom; nothing widens until it is accepted here.

import { api, isOfTheAccount, link, setName, trouble } from "./account-here.js";
import { call, every, newKey } from "./api.js";
import { alert, bullets, button, h } from "./elements.js";
import { can } from "./permissions.js";
import { attempt, redraw, toast } from "./shell.js";
import { refused, say } from "./words.js";

const AT_ONCE = 25;

export function updates() {
  let sets = [];
  let left = new Set();
  let failures = new Map();
  let note;

  async function load() {
    if (!isOfTheAccount()) return;
    const found = await every(`${api}/permission-sets/updates`);
    sets = Object.values(Object.groupBy(found, (each) => `${each.permission_set} ${each.latest}`));
  }

  function render() {
    const title = say("account.updates");
    if (!isOfTheAccount()) return { title, narrow: true, content: [h("h1", {}, title), alert(h("p", {}, refused("forbidden")))] };
    return {
      title,
      content: [
        h("h1", {}, title),
        h("p", { class: "lead" }, say("account.updates.lead")),
        h("div", { id: "trouble" }, note?.()),
        sets.length ? sets.map(set) : h("p", { class: "empty" }, say("account.updates.none")),
      ],
    };
  }

  function set(people) {
    const [{ permission_set: name, latest, version }] = people;
    const id = `set-${name}`;
    return h("section", { "aria-labelledby": id },
      h("h2", { id }, say("account.updates.of", { set: setName(name), version: Math.min(version, ...people.map((each) => each.version)), latest })),
      people.map((each) => row(each)),
      h("div", { class: "actions" }, button(say("account.updates.accept"), () => accept(people), { class: "first" })));
  }

  function row({ user_id: userId, name, gained }) {
    const box = h("input", { type: "checkbox", checked: !left.has(userId), onchange: () => {
      if (box.checked) left.delete(userId);
      else left.add(userId);
    } });
    const failure = failures.get(userId);
    return h("div", { class: "group" },
      h("label", { class: "choice" }, box, h("span", {}, h("strong", {}, name || userId))),
      h("div", { class: "gained can" }, h("p", { class: "quiet" }, say("account.updates.gains")), bullets(can(gained)), failure && alert(h("p", {}, refused(failure))), link(say("account.updates.person"), { user: userId }, { class: "quiet" })));
  }

  async function accept(people) {
    const chosen = people.filter((each) => !left.has(each.user_id));
    note = undefined;
    if (!chosen.length) note = () => alert(h("p", {}, say("account.updates.nobody")));
    failures = new Map();
    await attempt(async () => {
      for (let start = 0; start < chosen.length; start += AT_ONCE) {
        const some = chosen.slice(start, start + AT_ONCE);
        const { body } = await call("POST", `${api}/permission-sets/updates`, { body: { permission_set: some[0].permission_set, version: some[0].latest, user_ids: some.map((each) => each.user_id) }, key: newKey() });
        for (const each of body.items) if (each.outcome === "failed") failures.set(each.user_id, each.reason);
      }
      const n = chosen.length - failures.size;
      if (n) toast(say("account.updates.done", { n }));
      await load();
    }, { otherwise: (refusal) => {
      note = () => trouble(refusal);
    } });
    left = new Set([...left, ...failures.keys()]);
    await redraw();
  }

  return { load, render };
}
