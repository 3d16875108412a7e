// Editing what somebody may do: what will be different is shown before it is saved.

import { go, here, link, mayOf, seatName, setName, trouble, userPath } from "./account-here.js";
import { asItIs, asked, choose, details, heldBy, packed, redrawDetails, setChoices, wishedBase, wishOf } from "./account-form.js";
import { look, meanwhile, nameOf, stateOf } from "./account-person.js";
import { difference } from "./account-rights.js";
import { call, newKey } from "./api.js";
import { day } from "./dates.js";
import { alert, busy, h, show } from "./elements.js";
import { attempt, redraw, toast } from "./shell.js";
import { listed, refused, say } from "./words.js";

export function edit(userId) {
  let found;
  let wish;
  let note;

  async function load() {
    found = await look(userId);
    wish ??= asItIs(found);
    if (!wish.removed) choose(wish, wish.set, found.choices, found);
  }

  function after() {
    const { member } = found;
    const base = wishedBase(wish, found.choices, found);
    const rights = heldBy(wish, base, found);
    const seat = wish.set === "partner_admin" ? "partner" : wish.seat || member.seat;
    return {
      set: setName(wish.set, found.choices.find((each) => each.permission_set === wish.set)?.name ?? member.set_name),
      seats: listed([seat, ...[...wish.paid].filter((each) => each !== seat).sort()].map(seatName)),
      until: until(member),
      rights: wish.set === "super_admin" ? base : rights,
      state: stateOf(found).state,
    };
  }

  function until(member) {
    const sent = asked(wish, found.choices, found);
    if (wish.set === "super_admin") return null;
    return "access_days" in sent ? wish.until && new Date(`${wish.until}T12:00`) : member.expires_at;
  }

  function changes() {
    return difference(stateOf(found), after()) ?? h("p", { class: "quiet" }, say("account.no_changes"));
  }

  function changed() {
    if (note?.untilChanged) tell();
    show(document.getElementById("can-list"), changes());
  }

  function how() {
    return { wish, choices: found.choices, known: found, changed };
  }

  function render() {
    const { member, choices } = found;
    const name = nameOf(member);
    const title = say("account.edit.title", { name });
    const back = link(say("cancel"), { user: userId }, { class: "button" });
    if (!mayOf(member).edit) return { title, narrow: true, content: [h("h1", {}, title), alert(h("p", {}, refused("forbidden"))), back] };
    const save = h("button", { type: "submit", class: "first" }, say("account.save"));
    return {
      title,
      content: h("form", { novalidate: true, class: "edit", onsubmit: (event) => {
        event.preventDefault();
        busy(save, submit);
      } },
        h("h1", {}, title),
        h("p", { class: "lead" }, say(here.sets ? "account.edit.lead" : "account.edit.narrow_only")),
        h("div", { id: "trouble" }, note?.()),
        here.sets && setChoices({ wish, choices: choices.filter((each) => each.permission_set !== "partner_admin" || member.permission_set !== "super_admin"), present: member, chosen: (set) => {
          choose(wish, set, choices, found);
          redrawDetails(how());
          changed();
        } }),
        h("div", { id: "details" }, details(how())),
        h("section", { class: "changes", "aria-labelledby": "changes", "aria-live": "polite" }, h("h2", { id: "changes" }, say("account.changes")), h("div", { id: "can-list" }, changes())),
        h("div", { class: "actions" }, save, back)),
    };
  }

  /** What is wrong with what is typed is told until it changes. */
  function tell(told) {
    note = told && Object.assign(() => told(), { untilChanged: true });
    show(document.getElementById("trouble"), told?.());
    if (told) document.getElementById("trouble").scrollIntoView({ block: "center" });
  }

  async function submit() {
    const body = asked(wish, found.choices, found);
    if (!Object.keys(body).length) return tell(() => alert(h("p", {}, say("account.no_changes"))));
    const field = document.getElementById("until");
    if (field?.checkValidity() === false && "access_days" in body) {
      tell(() => alert(h("p", {}, say("account.date_wrong", { first: day(field.min), last: day(field.max) }))));
      return field.focus();
    }
    const key = newKey();
    return attempt(async () => {
      await call("PATCH", userPath(userId), { body, key, seen: found.etag });
      toast(say("account.saved"));
      await go({ user: userId });
    }, { carry: { typed: packed(wish) }, otherwise: async (refusal) => {
      if (refusal.code !== "precondition_failed") return tell(() => trouble(refusal, here.sets ? {} : { forbidden: say("account.edit.narrow_only") }));
      return attempt(reconcile, { carry: { typed: packed(wish) }, otherwise: (lost) => tell(() => trouble(lost)) });
    } });
  }

  /** Somebody was quicker: what he did is shown and kept, and so is what was typed here. */
  async function reconcile() {
    const [before, typed, was] = [found, wish, asItIs(found)];
    found = await look(userId);
    wish = asItIs(found);
    const set = typed.set === was.set ? wish.set : typed.set;
    if (set !== wish.set || !typed.removed) choose(wish, set, found.choices, found);
    if (typed.set === set && typed.removed && wish.removed) {
      const reference = typed.set === was.set ? was.removed : undefined;
      for (const name of typed.removed) if (!reference?.has(name)) wish.removed.add(name);
      for (const name of [...wish.removed]) if (!typed.removed.has(name) && (!reference || reference.has(name))) wish.removed.delete(name);
    }
    if (typed.set === set) wish.scopes = typed.scopes;
    if (typed.seat !== was.seat) wish.seat = typed.seat;
    if ([...typed.paid].sort().join() !== [...was.paid].sort().join()) wish.paid = typed.paid;
    if (typed.until !== was.until) wish.until = typed.until;
    const now = found;
    note = () => meanwhile(before, now);
    await redraw({ focus: false });
    document.getElementById("trouble").scrollIntoView({ block: "center" });
  }

  return { load, render, typed: () => wish && packed(wish), take: (typed) => {
    wish = wishOf(typed);
  } };
}
