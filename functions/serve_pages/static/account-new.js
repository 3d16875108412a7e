// A new user: the address, then the set, then what is different from it. What was typed stays on the way back and forth.

import { api, choicesFor, go, here, isOfTheAccount, link, setName, trouble } from "./account-here.js";
import { asked, choose, details, heldBy, packed, setChoices, wishedBase, wishOf } from "./account-form.js";
import { abilities } from "./account-rights.js";
import { call, newKey } from "./api.js";
import { day, moment } from "./dates.js";
import { alert, busy, button, facts, h, show } from "./elements.js";
import { attempt, redraw } from "./shell.js";
import { refused, say } from "./words.js";

const STEPS = 3;

export function newcomer() {
  let step = 1;
  let email = "";
  let partnerId = "";
  let choices = [];
  let wish = wishOf();
  let note;
  let made;
  let key = newKey();

  function typed() {
    return { step, email, partnerId, wish: packed(wish) };
  }

  async function load() {
    if (step > 1 && here.sets) choices = await choicesFor(email);
  }

  async function to(next) {
    [step, note] = [next, undefined];
    await redraw();
  }

  function tell(told) {
    note = told;
    show(document.getElementById("trouble"), told());
    document.querySelector("#email, #sets input, #partner")?.focus();
  }

  function form(next, label, ...fields) {
    const first = h("button", { type: "submit", class: "first" }, label);
    return h("form", { novalidate: true, onsubmit: (event) => {
      event.preventDefault();
      busy(first, next);
    } },
      h("p", { class: "quiet" }, say("account.new.step", { step, steps: STEPS })),
      h("h1", {}, say("account.new.title")),
      h("div", { id: "trouble" }, note?.()),
      fields,
      h("div", { class: "actions" }, first, step > 1 ? button(say("account.new.back"), () => to(step - 1)) : link(say("cancel"), {}, { class: "button" })));
  }

  function render() {
    const title = say("account.new.title");
    if (!isOfTheAccount()) return { title, narrow: true, content: [h("h1", {}, title), alert(h("p", {}, refused("forbidden")))] };
    if (made) return done();
    return { title, narrow: step < STEPS, content: [whom, which, what][step - 1]() };
  }

  function whom() {
    const field = h("input", { type: "email", id: "email", value: email, autocomplete: "off", inputmode: "email", spellcheck: "false", required: true, "aria-describedby": "email-hint", oninput: () => {
      email = field.value;
      key = newKey();
    } });
    return form(async () => {
      email = email.trim();
      if (!email || !field.checkValidity()) return tell(() => alert(h("p", {}, refused("invalid_email"))));
      return attempt(async () => {
        choices = await choicesFor(email);
        if (!choices.some((each) => each.permission_set === wish.set)) wish = wishOf();
        await to(2);
      }, { carry: { typed: typed() }, otherwise: (refusal) => tell(() => trouble(refusal, { invalid_query: refused("invalid_email"), "invalid_query/email": refused("invalid_email") })) });
    }, say("account.new.next"),
      h("p", { class: "lead" }, say("account.new.lead")),
      h("div", { class: "field" }, h("label", { for: "email" }, say("account.email")), field, h("p", { class: "quiet", id: "email-hint" }, say("account.new.email_hint"))));
  }

  function which() {
    const partners = choices.some((each) => each.permission_set === "partner_admin");
    return form(() => (wish.set ? to(3) : tell(() => alert(h("p", {}, say("account.new.choose_first"))))), say("account.new.next"),
      h("p", { class: "lead" }, say("account.new.for", { email })),
      h("p", { class: "quiet" }, say(partners ? "account.new.eligible" : "account.new.not_eligible")),
      setChoices({ wish, choices, chosen: (set) => {
        choose(wish, set, choices);
        key = newKey();
      } }));
  }

  function held() {
    return heldBy(wish, wishedBase(wish, choices), undefined);
  }

  function what() {
    const changed = () => {
      key = newKey();
      const rights = held();
      if (rights) show(document.getElementById("can-list"), abilities(rights));
    };
    const rights = held();
    return form(create, say("account.new.create"),
      h("p", { class: "lead" }, say("account.new.gets", { email, set: setName(wish.set, choices.find((each) => each.permission_set === wish.set)?.name) })),
      partnerId || note?.askPartner ? partner() : undefined,
      details({ wish, choices, known: undefined, changed }),
      h("div", { id: "can-list" }, rights && abilities(rights)));
  }

  function partner() {
    const field = h("input", { id: "partner", value: partnerId, autocomplete: "off", spellcheck: "false", "aria-describedby": "partner-hint", oninput: () => {
      partnerId = field.value.trim();
      key = newKey();
    } });
    return h("div", { class: "field" }, h("label", { for: "partner" }, say("account.field.partner_id")), field, h("p", { class: "quiet", id: "partner-hint" }, say("account.new.partner_hint")));
  }

  async function create() {
    const field = document.getElementById("until");
    if (field?.checkValidity() === false) return tell(() => alert(h("p", {}, say("account.date_wrong", { first: day(field.min), last: day(field.max) }))));
    const body = { email, ...asked(wish, choices), ...(partnerId && { partner_id: partnerId }) };
    return attempt(async () => {
      made = (await call("POST", `${api}/users`, { body, key })).body;
      await redraw();
    }, { carry: { typed: typed() }, otherwise: async (refusal) => {
      const told = () => trouble(refusal, { "invalid_field/email": say("account.new.unknown"), "invalid_field/partner_id": say("account.new.two_partners") });
      told.askPartner = refusal.errors?.some((each) => each.pointer === "/partner_id");
      note = told;
      await redraw({ focus: false });
      document.getElementById("trouble").scrollIntoView({ block: "center" });
      if (told.askPartner) document.getElementById("partner").focus({ preventScroll: true });
    } });
  }

  function done() {
    const name = made.name || made.email;
    const title = say("account.new.done", { name });
    return {
      title,
      narrow: true,
      content: [
        h("h1", {}, title),
        h("p", { class: "lead" }, say("account.new.done.body", { name })),
        facts(
          [say("account.set"), setName(made.permission_set)],
          [say("account.until"), made.expires_at ? moment(made.expires_at) : say("account.no_end")],
        ),
        made.grant?.notice === "paid_seat_required" && h("div", { class: "note" }, h("p", {}, say("approve.paid_seat"))),
        h("div", { class: "actions" },
          link(say("account.new.see", { name }), { user: made.user_id }, { class: "button first" }),
          button(say("account.new.another"), () => go({ new: "" })),
          link(say("account.back"), {}, { class: "button plain" })),
      ],
    };
  }

  return { load, render, typed, take: (back) => {
    [step, email, partnerId, wish] = [back.step ?? 1, back.email ?? "", back.partnerId ?? "", wishOf(back.wish)];
  } };
}
