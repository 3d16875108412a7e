// The list of who is in: filtered by state and by what is typed, page by page.

import { api, here, link, seats, setName, userPath, isOfTheAccount } from "./account-here.js";
import { call } from "./api.js";
import { day } from "./dates.js";
import { breakable, button, h, show } from "./elements.js";
import { attempt, failed } from "./shell.js";
import { say, speaks } from "./words.js";

const STATES = ["", "active", "suspended", "deactivated"];
const AT_ONCE = 50;
const ALL_AT_ONCE = 100;

export function list() {
  let people = [];
  let cursor = null;
  let text = "";
  let state = "";
  let error;
  let alone = false;
  let searching = false;

  async function more(limit = AT_ONCE) {
    const asked = new URLSearchParams({ limit, ...(state && { state }), ...(cursor && { cursor }) });
    const { body } = await call("GET", `${api}/users?${asked}`);
    const order = new Intl.Collator(speaks());
    people.push(...body.items.sort((one, other) => order.compare(one.name, other.name)));
    cursor = body.next_cursor;
  }

  async function load() {
    if (here.sets) {
      do await more();
      while (cursor && people.length < AT_ONCE);
    } else {
      alone = true;
      people = [(await call("GET", userPath(here.userId))).body];
    }
  }

  /** Another state is another list. */
  async function again() {
    [people, cursor, error] = [[], null, undefined];
    await attempt(load, { carry: { typed: { text, state } }, otherwise: (refusal) => {
      error = refusal;
    } });
    rows();
    if (text) await search();
  }

  /** Who searches searches everybody, not only those who are shown so far. */
  async function search() {
    rows();
    if (searching || !text) return;
    searching = true;
    await attempt(async () => {
      while (cursor && text) {
        await more(ALL_AT_ONCE);
        rows();
      }
    }, { carry: { typed: { text, state } }, otherwise: (refusal) => {
      error = refusal;
    } });
    searching = false;
    rows();
  }

  function found() {
    const wanted = text.normalize("NFKC").toLocaleLowerCase().trim();
    return people.filter((each) => [each.name, each.email, each.partner_name, setName(each.permission_set, each.set_name)].some((told) => told?.normalize("NFKC").toLocaleLowerCase().includes(wanted)));
  }

  function rows() {
    const place = document.getElementById("people");
    if (!place) return;
    const shown = found();
    show(place, error ? failed(error) : shown.length ? table(shown) : nobody(), foot(shown.length));
    document.getElementById("counted").textContent = counted(shown.length);
  }

  function counted(n) {
    return say(cursor ? "account.shown_so_far" : "account.shown", { n });
  }

  function nobody() {
    return h("p", { class: "empty" }, say(text || state ? "account.none_found" : "account.none"));
  }

  function foot() {
    return cursor && !text && h("div", { class: "actions" }, button(say("account.more"), async () => {
      const before = people.length;
      await attempt(() => more(), { otherwise: (refusal) => {
        error = refusal;
      } });
      rows();
      document.querySelectorAll("#people tbody a")[before]?.focus();
    }));
  }

  function table(shown) {
    const heads = ["person", "set", "seats", "since", "until", "state"].map((name) => say(`account.${name}`));
    const cell = (nth, ...told) => h("td", { "data-label": heads[nth] }, ...told);
    return h("table", { class: "cards people" }, h("caption", { class: "unseen" }, say("account.title")),
      h("thead", {}, h("tr", {}, heads.map((head) => h("th", { scope: "col" }, head)))),
      h("tbody", {}, shown.map((each) => h("tr", {},
        h("td", {}, link(each.name || each.user_id, { user: each.user_id }, { class: "name" }), h("span", { class: "quiet block" }, breakable(each.email)), each.partner_name && h("span", { class: "quiet block" }, say("account.of_partner", { partner: each.partner_name }))),
        cell(1, setName(each.permission_set, each.set_name), isChanged(each) && h("span", { class: "quiet block" }, say("account.with_changes"))),
        cell(2, seats(each)),
        cell(3, h("span", { class: "when" }, day(each.since)), each.granted_by_name && h("span", { class: "quiet block" }, say("account.by", { name: each.granted_by_name }))),
        cell(4, each.expires_at ? h("span", { class: "when" }, day(each.expires_at)) : h("span", { class: "quiet" }, say("account.no_end"))),
        cell(5, badge(each.state)),
      ))));
  }

  function render() {
    const title = say("account.title");
    if (alone) {
      return { title, content: [h("h1", {}, title), h("p", { class: "lead" }, say("account.alone")), h("div", { id: "people" }, table(people))] };
    }
    const field = h("input", { type: "search", id: "filter", value: text, autocomplete: "off", oninput: () => {
      text = field.value;
      search();
    } });
    const select = h("select", { id: "in-state", onchange: () => {
      state = select.value;
      again();
    } }, STATES.map((each) => h("option", { value: each, selected: each === state }, say(each ? `account.state.${each}` : "account.state.any"))));
    const shown = found();
    return {
      title,
      content: [
        h("div", { class: "heading" }, h("h1", {}, title), isOfTheAccount() && link(say("account.create"), { new: "" }, { class: "button first" })),
        h("p", { class: "lead" }, say("account.lead")),
        h("div", { class: "filters" },
          h("div", { class: "field" }, h("label", { for: "filter" }, say("account.filter")), field),
          h("div", { class: "field" }, h("label", { for: "in-state" }, say("account.state")), select),
          h("p", { class: "quiet", id: "counted", role: "status" }, counted(shown.length))),
        h("div", { id: "people" }, shown.length ? table(shown) : nobody(), foot()),
      ],
    };
  }

  return { load, render, typed: () => ({ text, state }), take: (typed) => {
    ({ text = "", state = "" } = typed);
  } };
}

function isChanged({ permissions }) {
  return permissions.added.length + permissions.removed.length > 0;
}

export function badge(state) {
  return h("span", { class: `state ${state}` }, say(`account.state.${state}`));
}
