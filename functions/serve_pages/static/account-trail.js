// What happened in the account: newest first, with names, filtered, page by page, and as a file.

import { accountId, api, go, link, setName } from "./account-here.js";
import { call, SignInNeeded } from "./api.js";
import { token } from "./auth.js";
import { forField, moment } from "./dates.js";
import { alert, bullets, button, facts, h, show } from "./elements.js";
import { can, cannot } from "./permissions.js";
import { attempt, failed } from "./shell.js";
import { knows, say } from "./words.js";

const AT_ONCE = 25;
const IN_FILE = 100;
const LONGEST = 90;
const DAY = 86400000;
const EVENTS = [
  "member.created", "member.updated", "member.suspended", "member.resumed", "member.removed", "grant.revoked", "grant.expired", "grant.ending",
  "link.approved", "link.declined", "super_admin.migrated", "permission_set.update_accepted", "permission_set.created",
  "permission_set.updated", "permission_set.removed", "account.created", "account.updated", "account.orphaned",
];

export function trail(userId, query) {
  const wanted = { user_id: userId ?? "", event: query.get("event") ?? "", from: query.get("from") ?? "", to: query.get("to") ?? "" };
  let entries = [];
  let names = {};
  let cursor = null;
  let forbidden = false;
  let error;

  /** Days are the reader's own: from the first moment of the one to the last of the other. */
  function asked(limit) {
    const search = new URLSearchParams({ limit });
    if (wanted.user_id) search.set("user_id", wanted.user_id);
    if (wanted.event) search.set("event", wanted.event);
    if (wanted.from) search.set("from", new Date(`${wanted.from}T00:00`).toISOString());
    if (wanted.to) search.set("to", new Date(new Date(`${wanted.to}T00:00`).getTime() + DAY).toISOString());
    return search;
  }

  async function more() {
    const search = asked(AT_ONCE);
    if (cursor) search.set("cursor", cursor);
    const { body } = await call("GET", `${api}/audit?${search}`);
    entries.push(...body.items);
    names = { ...names, ...body.names };
    cursor = body.next_cursor;
  }

  async function load() {
    [entries, names, cursor, error] = [[], {}, null, undefined];
    await attempt(async () => {
      do await more();
      while (cursor && entries.length < AT_ONCE);
    }, { otherwise: (refusal) => {
      forbidden = refusal.code === "forbidden";
      error = refusal;
    } });
  }

  function nameOf(id) {
    return names[id] || say("account.trail.nameless", { id: id ?? "" });
  }

  function nameOfActor({ event, actor_id: by, details }) {
    if (by === "schedule") return say("account.trail.by_time");
    return names[by] || (details?.fields || event.startsWith("account.") ? say("account.trail.vendor") : nameOf(by));
  }

  function sentence(entry) {
    const { event, details } = entry;
    const subject = details?.user_id ?? details?.employee_id;
    const places = { by: nameOfActor(entry), who: nameOf(subject), set: setName(details?.permission_set ?? ""), days: details?.days_left };
    return knows(`account.event.${event}`) ? say(`account.event.${event}`, places) : say("account.event.other", { ...places, event });
  }

  function detailsOf({ details }) {
    const told = details ?? {};
    const given = told.given ?? {};
    const rows = [
      [say("account.gains"), listOf(can, told.gained ?? told.added)],
      [say("account.loses"), listOf(cannot, told.lost ?? told.removed ?? given.removed)],
      [say("account.until"), told.expires_at && moment(told.expires_at)],
      [say("account.trail.days"), given.access_days && String(given.access_days)],
    ];
    return rows.some(([, said]) => said) && h("details", {}, h("summary", {}, say("account.trail.more")), facts(...rows));
  }

  function listOf(plain, permissions) {
    return permissions?.length ? bullets(plain(permissions.map((each) => each.replace(/:all$/, "")))) : undefined;
  }

  function item(entry) {
    return h("li", {}, h("time", { class: "quiet", datetime: entry.at }, moment(entry.at)), h("p", {}, sentence(entry)), detailsOf(entry));
  }

  function rows() {
    show(document.getElementById("entries"), listed());
  }

  function listed() {
    if (error) return failed(error);
    if (!entries.length) return h("p", { class: "empty" }, say("account.trail.none"));
    return [h("ol", { class: "trail" }, entries.map(item)), cursor && h("div", { class: "actions" }, button(say("account.more"), async () => {
      const before = entries.length;
      await attempt(more, { otherwise: (refusal) => {
        error = refusal;
      } });
      rows();
      const next = document.querySelectorAll(".trail > li")[before];
      next?.setAttribute("tabindex", "-1");
      next?.focus();
    }))];
  }

  function render() {
    const title = say("account.trail");
    if (forbidden) return { title, narrow: true, content: [h("h1", {}, title), alert(h("p", {}, say("account.trail.forbidden")))] };
    return { title, content: [
      h("h1", {}, title),
      h("p", { class: "lead" }, wanted.user_id ? say("account.trail.about", { name: names[wanted.user_id] ?? wanted.user_id }) : say("account.trail.lead")),
      filters(),
      h("div", { id: "trouble" }),
      h("div", { id: "entries" }, listed()),
    ] };
  }

  function filters() {
    const field = (name, label) => {
      const made = h("input", { type: "date", id: `trail-${name}`, value: wanted[name], oninput: () => {
        wanted[name] = made.value;
      } });
      return h("div", { class: "field" }, h("label", { for: `trail-${name}` }, label), made);
    };
    const select = h("select", { id: "event", onchange: () => {
      wanted.event = select.value;
    } }, h("option", { value: "" }, say("account.trail.any")), EVENTS.map((each) => h("option", { value: each, selected: each === wanted.event }, say(`account.kind.${each}`))));
    return h("form", { class: "filters", novalidate: true, onsubmit: (event) => {
      event.preventDefault();
      filter();
    } },
      h("div", { class: "field" }, h("label", { for: "event" }, say("account.trail.what")), select),
      field("from", say("account.trail.from")),
      field("to", say("account.trail.to")),
      h("div", { class: "actions" },
        h("button", { type: "submit" }, say("account.trail.show")),
        wanted.user_id && link(say("account.trail.everybody"), { trail: "" }, { class: "button plain" }),
        button(say("account.trail.download"), download, { class: "plain" })),
    );
  }

  /** The address says what is filtered, so that it can be kept and sent on. */
  async function filter() {
    if (wrongSpan()) return;
    await go({ trail: "", ...(wanted.user_id && { user: wanted.user_id }), ...Object.fromEntries(["event", "from", "to"].filter((name) => wanted[name]).map((name) => [name, wanted[name]])) });
  }

  function wrongSpan() {
    const [from, to] = [wanted.from && Date.parse(wanted.from), wanted.to ? Date.parse(wanted.to) + DAY : Date.now()];
    if (!from || (from < to && to - from <= (LONGEST + 1) * DAY)) return false;
    show(document.getElementById("trouble"), alert(h("p", {}, say("account.trail.too_long", { n: LONGEST }))));
    document.getElementById("trail-from").focus();
    return true;
  }

  /** All of what is filtered, as one file: the API gives it page by page. */
  async function download() {
    await attempt(async () => {
      const parts = [];
      let search = `?${asked(IN_FILE)}`;
      while (search) {
        if (!token()) throw new SignInNeeded();
        const answer = await fetch(`${api}/audit${search}`, { headers: { accept: "text/csv", authorization: `Bearer ${token()}` }, cache: "no-store" });
        if (answer.status === 401) throw new SignInNeeded();
        if (!answer.ok) throw new TypeError(String(answer.status));
        const text = await answer.text();
        parts.push(parts.length ? text.slice(text.indexOf("\n") + 1) : text);
        search = answer.headers.get("link")?.match(/<(\?[^>]*)>/)?.[1];
      }
      const address = URL.createObjectURL(new Blob(["\ufeff", ...parts], { type: "text/csv" }));
      h("a", { href: address, download: `${accountId}-${forField(new Date())}.csv` }).click();
      setTimeout(() => URL.revokeObjectURL(address), DAY / 1440);
    }, { otherwise: (refusal) => show(document.getElementById("trouble"), failed(refusal)) });
  }

  return { load, render };
}
