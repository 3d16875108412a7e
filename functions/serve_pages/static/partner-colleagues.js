// Colleagues are brought into a client by one who is a partner admin there: each gets a row that says what became of him.

import { call, newKey } from "./api.js";
import { breakable, busy, button, h } from "./elements.js";
import { firm, pathOf, setName } from "./partner-firm.js";
import { attempt, failed } from "./shell.js";
import { way } from "./partner-views.js";
import { refused, say } from "./words.js";

const MOST = 25;

/** The task, for one client. */
export function colleagues(client) {
  const chosen = new Set();
  const there = new Set(client.people.map((person) => person.user_id));
  const [rows, names] = [new Map(), new Map()];
  let [sets, set, error, open] = [undefined, undefined, undefined, []];
  let [place, text] = [h("div", {}), ""];

  async function look() {
    await attempt(async () => {
      const [choices] = await Promise.all([call("GET", `/accounts/${encodeURIComponent(client.account_id)}/permission-sets`), firm.employees.all()]);
      sets = choices.body.items.filter((each) => each.permission_set !== "partner_admin" && each.permission_set !== "super_admin");
      set ??= sets[0]?.permission_set;
      open = firm.employees.items.filter((employee) => employee.eligible && employee.state === "active" && !there.has(employee.user_id));
      for (const employee of open) names.set(employee.user_id, employee.name);
    }, { otherwise: (refusal) => {
      error = refusal;
    } });
    fill();
  }

  function fill() {
    place.replaceChildren(...[content()].flat(Infinity).filter(Boolean));
  }

  function content() {
    if (error && !sets) return failed(error);
    if (!sets) return h("p", { class: "waiting", role: "status" }, say("loading"));
    if (rows.size) return report();
    if (!open.length) return h("div", { class: "note" }, h("p", {}, say("partner.add.nobody")));
    if (!sets.length) return h("div", { class: "note" }, h("p", {}, say("partner.add.no_set")));
    return form();
  }

  function form() {
    const yes = h("button", { type: "submit", class: "first" }, say("partner.add.yes"));
    const trouble = h("div", {}, error && failed(error));
    const choice = h("select", { id: "set", onchange: () => {
      set = choice.value;
    } }, sets.map((each) => h("option", { value: each.permission_set, selected: each.permission_set === set }, each.kind === "custom" ? each.name : setName(each.permission_set))));
    const boxes = open.map((employee) => {
      const box = h("input", { type: "checkbox", value: employee.user_id, checked: chosen.has(employee.user_id), onchange: () => {
        if (box.checked) chosen.add(employee.user_id);
        else chosen.delete(employee.user_id);
        trouble.replaceChildren();
      } });
      return h("label", { class: "choice" }, box, h("span", {}, employee.name, h("span", { class: "quiet block" }, breakable(employee.email))));
    });
    const narrow = () => boxes.forEach((box) => {
      box.hidden = !box.textContent.toLowerCase().includes(text.trim().toLowerCase());
    });
    const filter = h("input", { type: "search", id: "colleagues-filter", value: text, autocomplete: "off", oninput: () => {
      text = filter.value;
      narrow();
    } });
    narrow();
    return h("form", { novalidate: true, onsubmit: (event) => {
      event.preventDefault();
      if (chosen.size && chosen.size <= MOST) return busy(yes, () => add([...chosen]));
      trouble.replaceChildren(h("div", { class: "note bad", role: "alert" }, h("p", {}, say("partner.add.choose", { most: MOST }))));
      return boxes[0].querySelector("input").focus();
    } },
      h("fieldset", {}, h("legend", {}, say("partner.add.who")),
        open.length > 8 && h("div", { class: "filter" }, h("label", { for: "colleagues-filter" }, say("partner.filter.employees")), filter),
        h("div", { class: "singles" }, boxes)),
      h("div", { class: "field" }, h("label", { for: "set" }, say("partner.add.set")), choice, h("p", { class: "quiet" }, say("partner.add.set_hint"))),
      trouble,
      h("div", { class: "actions" }, yes));
  }

  async function add(ids) {
    error = undefined;
    await attempt(async () => {
      const { body } = await call("POST", pathOf("clients", client.account_id, "users"), { body: { employee_ids: ids, permission_set: set }, key: newKey() });
      for (const row of body.items) rows.set(row.user_id, row);
      firm.clients.reset();
      firm.employees.reset();
    }, { otherwise: (refusal) => {
      error = refusal;
    } });
    fill();
    place.querySelector(".status")?.focus();
  }

  function report() {
    const found = [...rows.values()];
    const rest = found.filter((row) => row.outcome === "failed").map((row) => row.user_id);
    return [
      h("p", { class: "status", role: "status", tabindex: "-1" }, say("partner.add.report", { n: found.length - rest.length, all: found.length })),
      h("table", { class: "cards", "aria-label": say("partner.add.rows") },
        h("thead", {}, h("tr", {}, h("th", { scope: "col" }, say("partner.person")), h("th", { scope: "col" }, say("partner.outcome")))),
        h("tbody", {}, found.map((row) => h("tr", {},
          h("td", {}, names.get(row.user_id)),
          h("td", { "data-label": say("partner.outcome") }, say(`partner.outcome.${row.outcome}`), row.reason && h("span", { class: "quiet block" }, refused(row.reason))))))),
      error && failed(error),
      rest.length > 0 && h("div", { class: "actions" }, button(say("partner.try_rest"), () => add(rest), { class: "first" })),
    ];
  }

  look();
  return () => {
    const title = say("partner.add_to", { client: client.name });
    place = h("div", {});
    fill();
    return { title, content: [way(), h("h1", {}, title), h("p", { class: "lead" }, say("partner.add.lead")), place] };
  };
}
