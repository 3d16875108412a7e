// One person in the account: what he can and cannot do, and what can be done about it.

import { accountId, choicesFor, go, here, api, isOfTheAccount, link, mayOf, seats, setName, trouble, userPath } from "./account-here.js";
import { badge } from "./account-list.js";
import { abilities, adjusted, baseOf, difference } from "./account-rights.js";
import { call, every, newKey } from "./api.js";
import { day, daysFromNow, daysUntil, forField, moment } from "./dates.js";
import { alert, button, dialog, facts, h } from "./elements.js";
import { attempt, redraw, toast } from "./shell.js";
import { listed, say } from "./words.js";

const LONGEST = 730;

/** Somebody's membership with all that is needed to say what it means. */
export async function look(userId) {
  const { body: member, etag } = await call("GET", userPath(userId));
  const [choices, gained] = await Promise.all([here.sets ? choicesFor(member.email) : [], isOfTheAccount() ? newer(userId) : []]);
  const base = baseOf(member.permission_set, [...(here.sets ?? []), ...choices], gained);
  return { member, etag, choices, gained, base, rights: base && adjusted(base, member.permissions) };
}

async function newer(userId) {
  const found = (await every(`${api}/permission-sets/updates`)).find((each) => each.user_id === userId);
  return found?.gained ?? [];
}

/** What of somebody's access can differ, in words. */
export function stateOf({ member, rights }) {
  return {
    set: setName(member.permission_set, member.set_name),
    seats: seats(member),
    until: member.expires_at,
    state: say(`account.state.${member.state}`),
    rights,
  };
}

export function nameOf(member) {
  return member.name || member.user_id;
}

/** What somebody else changed meanwhile. */
export function meanwhile(before, now) {
  return alert(h("p", {}, say("account.meanwhile")), difference(stateOf(before), stateOf(now)) ?? h("p", {}, say("account.meanwhile.elsewhere")));
}

export function person(userId) {
  let found;
  let note;

  async function load() {
    found = await look(userId);
  }

  /** Does it once; what is refused is told, and what was changed meanwhile is shown. */
  async function act(work, done, next = load) {
    const before = found;
    note = undefined;
    await attempt(async () => {
      await work();
      toast(done);
      await next();
    }, { otherwise: async (refusal) => {
      note = () => trouble(refusal);
      if (refusal.code !== "precondition_failed") return;
      await attempt(load, { otherwise: () => {} });
      note = () => meanwhile(before, found);
    } });
    await redraw();
  }

  function render() {
    const { member, rights } = found;
    const name = nameOf(member);
    return {
      title: name,
      content: [
        here.sets && h("p", { class: "back" }, link(say("account.back"), {})),
        h("h1", {}, name, " ", badge(member.state)),
        h("div", { id: "trouble" }, note?.()),
        suspended(member),
        facts(
          [say("account.email"), member.email],
          [say("account.partner"), member.partner_id && (member.partner_name ?? member.partner_id)],
          [say("account.set"), [setName(member.permission_set, member.set_name), member.permission_set === "partner_admin" && h("span", { class: "quiet block" }, say("account.set.partner_admin.meaning"))]],
          [say("account.seats"), seats(member)],
          [say("account.since"), [moment(member.since), member.granted_by_name && h("span", { class: "quiet block" }, say("account.by", { name: member.granted_by_name }))]],
          [say("account.until"), member.expires_at ? moment(member.expires_at) : say("account.no_end")],
        ),
        buttons(member, name),
        member.state === "deactivated" ? h("p", { class: "note" }, say("account.ended_note")) : rights ? abilities(rights, name) : changes(member),
      ],
    };
  }

  function suspended(member) {
    if (!member.suspended_by?.length) return undefined;
    return h("div", { class: "note" },
      h("p", {}, say("account.suspended_note", { sides: listed(member.suspended_by.map((side) => say(`account.side.${side}`))) })),
      !mayOf(member).resume && h("p", {}, say("account.resumed_by_others")));
  }

  function changes({ permissions }) {
    return h("p", { class: "quiet" }, say(permissions.added.length + permissions.removed.length ? "account.set_with_changes_unknown" : "account.set_unknown"));
  }

  function buttons(member, name) {
    const may = mayOf(member);
    const own = member.user_id === here.userId;
    return h("div", { class: "actions" },
      may.edit && link(say("account.edit"), { user: userId, do: "edit" }, { class: "button first" }),
      may.lengthen && member.grant_id && member.state !== "deactivated" && button(say("account.change_end"), () => changeEnd(member, name)),
      may.migrate && link(say("account.migrate"), { user: userId, do: "migrate" }, { class: "button" }),
      may.suspend && button(say("account.suspend"), () => suspend(name)),
      may.resume && button(say("account.resume"), () => resume(name)),
      here.sets && link(say("account.history"), { trail: "", user: userId }, { class: "button plain" }),
      may.end && button(say(own ? "account.leave" : "account.end"), () => end(member, name, own), { class: "plain bad" }),
    );
  }

  async function changeEnd(member, name) {
    const until = await dialog(say("account.change_end"), (close) => {
      const last = daysFromNow(LONGEST);
      const field = h("input", { type: "date", id: "end", min: forField(daysFromNow(1)), max: forField(last), value: member.expires_at && forField(new Date(member.expires_at)), "aria-describedby": "end-hint" });
      const wrong = h("div", {});
      return h("form", { novalidate: true, onsubmit: (event) => {
        event.preventDefault();
        if (field.checkValidity()) return close(field.value);
        wrong.replaceChildren(alert(h("p", {}, say("account.date_wrong", { first: day(field.min), last: day(field.max) }))));
        return field.focus();
      } },
        h("p", {}, say("account.change_end.body", { name })),
        wrong,
        h("div", { class: "field" }, h("label", { for: "end" }, say("adjust.until")), field, h("p", { class: "quiet", id: "end-hint" }, say("account.end_hint", { date: day(last) }))),
        h("div", { class: "actions" }, h("button", { type: "submit", class: "first" }, say("account.save")), button(say("cancel"), () => close())));
    });
    if (until === undefined) return;
    const key = newKey();
    await act(() => call("PATCH", userPath(userId), { body: { access_days: until ? daysUntil(until) : null }, key, seen: found.etag }), say("account.saved"));
  }

  async function suspend(name) {
    const reason = await dialog(say("account.suspend.title", { name }), (close) => {
      const field = h("textarea", { id: "reason", rows: "3", maxlength: "500" });
      return h("form", { onsubmit: (event) => {
        event.preventDefault();
        close(field.value.trim());
      } },
        h("p", {}, say("account.suspend.body", { name })),
        h("label", { for: "reason" }, say("account.suspend.reason")),
        field,
        h("div", { class: "actions" }, h("button", { type: "submit", class: "first bad" }, say("account.suspend")), button(say("cancel"), () => close())));
    });
    if (reason === undefined) return;
    const key = newKey();
    await act(() => call("PUT", `${userPath(userId)}/suspension`, { body: reason ? { reason } : {}, key }), say("account.suspended", { name }));
  }

  async function resume(name) {
    const key = newKey();
    await act(() => call("DELETE", `${userPath(userId)}/suspension`, { key }), say("account.resumed", { name }));
  }

  async function end(member, name, own) {
    const what = member.grant_id ? "account.end.grant" : "account.end.membership";
    const account = here.account?.name ?? accountId;
    const sure = await dialog(say(own ? "account.leave.title" : "account.end.title", { name, account }), (close) => h("form", { onsubmit: (event) => {
      event.preventDefault();
      close(true);
    } },
      h("p", {}, say(own ? "account.leave.body" : what, { name, account })),
      h("p", {}, say(own ? "account.leave.back" : member.grant_id ? "account.end.again_link" : "account.end.again_create", { name })),
      h("div", { class: "actions" }, h("button", { type: "submit", class: "first bad" }, say(own ? "account.leave" : "account.end")), button(say("cancel"), () => close())),
    ));
    if (!sure) return;
    const key = newKey();
    await act(() => call("DELETE", userPath(userId), { key, seen: found.etag }), say(own ? "account.left" : "account.ended", { name, account }), () => {
      if (own) return location.assign("/");
      return here.sets ? go({}) : location.assign(`/partners/${encodeURIComponent(member.partner_id)}`);
    });
  }

  return { load, render };
}
