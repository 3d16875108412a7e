// Getting an access link: for oneself or a colleague, with less than everything, and to be copied once.

import { adjustments } from "./adjust.js";
import { call, newKey } from "./api.js";
import { day, daysFromNow, moment } from "./dates.js";
import { alert, bullets, busy, button, facts, h } from "./elements.js";
import { clientName, firm, me, pathOf } from "./partner-firm.js";
import { can, cannot, groups } from "./permissions.js";
import { attempt, failed, toast } from "./shell.js";
import { open, way } from "./partner-views.js";
import { LANGUAGES, listed, refused, say } from "./words.js";

const FIELDS = { employee_id: "partner.link.employee", account_id: "partner.link.account", recipient_email: "partner.link.recipient", purpose: "partner.link.purpose", access_days: "partner.link.access_days", link_days: "partner.link.link_days", max_approvals: "partner.link.max", locale: "partner.link.locale" };
const OPTIONAL = new Set(["recipient_email", "purpose", "access_days"]);
const AT_FIRST = { where: "any", account_id: "", recipient_email: "", purpose: "", access_days: "", link_days: "7", max_approvals: "1", locale: "", narrowed: false };

let typed;

/** What goes along through the sign-in: all that was typed. */
export function carry() {
  return typed && { link: { ...typed, removed: [...typed.removed] } };
}

/** The task; what is given is filled in already. */
export function linkForm(given = {}) {
  typed = { ...AT_FIRST, ...given, removed: new Set(given.removed) };
  let [error, waiting] = [undefined, true];

  async function look() {
    await attempt(() => firm.employees.all(), { carry: carry(), otherwise: (refusal) => {
      error = refusal;
    } });
    waiting = false;
    fill();
  }

  let place = h("div", {});
  function fill() {
    place.replaceChildren(...[waiting ? h("p", { class: "waiting", role: "status" }, say("loading")) : form()].flat());
  }

  function form() {
    const able = firm.employees.items.filter((employee) => employee.eligible && employee.state === "active");
    if (!able.length) return error ? failed(error) : h("div", { class: "note" }, h("p", {}, say("partner.link.nobody")));
    if (!able.some((employee) => employee.user_id === typed.employee_id)) typed.employee_id = (able.find((employee) => employee.user_id === me()) ?? able[0]).user_id;
    const yes = h("button", { type: "submit", class: "first" }, say("partner.link.yes"));
    const trouble = h("div", {}, error && told(error));
    const all = groups().flatMap((group) => Object.keys(group.names));
    const left = () => all.filter((name) => !typed.removed.has(name));
    const canList = h("div", { id: "can-list", class: "can" }, bullets(can(left())));
    const [, permissions] = adjustments({ can: all, adjusted: typed, changed: () => canList.replaceChildren(bullets(can(left()))) });
    const ends = h("p", { class: "quiet", id: "access_days-hint" });
    const endsOn = () => {
      const days = Number(typed.access_days);
      ends.textContent = days >= 1 && days <= 730 ? say("partner.link.ends_on", { date: day(daysFromNow(days)) }) : say("partner.link.no_end");
    };
    endsOn();
    const more = h("details", { class: "narrowing", open: typed.narrowed, ontoggle: () => {
      typed.narrowed = more.open;
    } }, h("summary", {}, say("partner.link.narrow")), permissions, h("h2", {}, say("partner.link.left")), canList);
    return h("form", { novalidate: true, class: "link-form", onsubmit: (event) => {
      event.preventDefault();
      busy(yes, () => make(trouble));
    } },
      h("div", { class: "field" }, h("label", { for: "employee_id" }, say("partner.link.employee")),
        choice("employee_id", able.map((employee) => [employee.user_id, employee.user_id === me() ? `${employee.name} ${say("partner.you")}` : employee.name]))),
      where(),
      field("recipient_email", { type: "email", maxlength: "254", autocomplete: "off" }),
      h("div", { class: "field" }, label("purpose"), text(), hint("purpose")),
      field("access_days", { type: "number", min: "1", max: "730", inputmode: "numeric", class: "short" }, ends, endsOn),
      more,
      h("div", { class: "pair" },
        field("link_days", { type: "number", min: "1", max: "30", required: true, inputmode: "numeric", class: "short" }),
        h("div", { class: "field" }, h("label", { for: "locale" }, say("partner.link.locale")), choice("locale", [["", say("partner.link.locale_auto")], ...Object.entries(LANGUAGES)]))),
      trouble,
      h("div", { class: "actions" }, yes));
  }

  function choice(name, options) {
    const made = h("select", { id: name, onchange: () => {
      typed[name] = made.value;
    } }, options.map(([value, words]) => h("option", { value, selected: value === typed[name] }, words)));
    return made;
  }

  function label(name) {
    return h("label", { for: name }, say(FIELDS[name]), OPTIONAL.has(name) && h("span", { class: "optional" }, ` ${say("partner.optional")}`));
  }

  function hint(name) {
    return h("p", { class: "quiet", id: `${name}-hint` }, say(`partner.link.${name}_hint`));
  }

  function field(name, attributes, said = hint(name), changed = () => {}) {
    const made = h("input", { ...attributes, id: name, value: typed[name], "aria-describedby": `${name}-hint`, oninput: () => {
      typed[name] = made.value;
      made.removeAttribute("aria-invalid");
      changed();
    } });
    return h("div", { class: "field" }, label(name), made, said);
  }

  function text() {
    const made = h("textarea", { id: "purpose", rows: "2", maxlength: "500", value: typed.purpose, "aria-describedby": "purpose-hint", oninput: () => {
      typed.purpose = made.value;
      made.removeAttribute("aria-invalid");
    } });
    return made;
  }

  /** Any client that it is sent to, or a certain one; only the first may have more than one approval. */
  function where() {
    const one = h("div", { class: "under" }, field("account_id", { list: "known", maxlength: "128", autocomplete: "off", spellcheck: "false" }));
    const any = h("div", { class: "under" }, field("max_approvals", { type: "number", min: "1", max: "1000", required: true, inputmode: "numeric", class: "short" }));
    const known = new Map(firm.clients.items.map((client) => [client.account_id, client.name]));
    function follow() {
      one.hidden = typed.where !== "one";
      any.hidden = typed.where !== "any";
    }
    follow();
    const radio = (value) => {
      const made = h("input", { type: "radio", name: "where", value, checked: typed.where === value, onchange: () => {
        typed.where = made.value;
        follow();
      } });
      return h("label", { class: "choice" }, made, h("span", {}, say(`partner.link.where_${value}`)));
    };
    return h("fieldset", {}, h("legend", {}, say("partner.link.where")), radio("any"), any, radio("one"), one,
      h("datalist", { id: "known" }, [...known].map(([id, name]) => h("option", { value: id }, name))));
  }

  function body() {
    const asked = { employee_id: typed.employee_id, link_days: Number(typed.link_days) };
    if (typed.where === "one") asked.account_id = typed.account_id.trim();
    else asked.max_approvals = Number(typed.max_approvals);
    for (const name of ["recipient_email", "purpose", "locale"]) if (typed[name].trim()) asked[name] = typed[name].trim();
    if (typed.access_days) asked.access_days = Number(typed.access_days);
    if (typed.removed.size) asked.permissions = { remove: [...typed.removed].sort() };
    return asked;
  }

  function told(refusal) {
    const names = refusal.errors?.map((each) => each.pointer.split("/")[1]).filter((name) => name in FIELDS) ?? [];
    return names.length ? wrong(names, refused(refusal.code)) : failed(refusal);
  }

  function wrong(names, words) {
    for (const name of names) document.getElementById(name)?.setAttribute("aria-invalid", "true");
    return alert(words && h("p", {}, words), h("p", {}, say("partner.link.check", { fields: listed([...new Set(names)].map((name) => say(FIELDS[name]))) })));
  }

  async function make(trouble) {
    const bad = [...place.querySelectorAll("input[id], textarea")].filter((each) => each.id in FIELDS && !each.closest("[hidden]") && !each.checkValidity()).map((each) => each.id);
    if (typed.where === "one" && !typed.account_id.trim()) bad.push("account_id");
    error = undefined;
    if (bad.length) {
      trouble.replaceChildren(wrong(bad));
      document.getElementById(bad[0]).focus();
      return;
    }
    const done = await attempt(() => call("POST", pathOf("access-links"), { body: body(), key: newKey() }), { carry: carry(), otherwise: (refusal) => {
      error = refusal;
    } });
    if (error) {
      trouble.replaceChildren(told(error));
      document.querySelector("[aria-invalid]")?.focus();
      return;
    }
    const letterTo = typed.recipient_email.trim();
    typed = undefined;
    firm.links.reset();
    firm.employees.reset();
    await open(ready(done.body, letterTo));
  }

  look();
  return () => {
    const title = say("partner.link.title");
    place = h("div", {});
    fill();
    return { title, content: [way(), h("h1", {}, title), h("p", { class: "lead" }, say("partner.link.lead")), place] };
  };
}

/** The link, with its address to copy: that is told this once. */
export function ready(link, letterTo) {
  return () => {
    const title = say("partner.ready.title");
    const field = h("input", { id: "address", readonly: true, value: link.url ?? "", spellcheck: "false", onfocus: () => field.select(), "aria-describedby": "address-hint" });
    const copy = async () => {
      try {
        await navigator.clipboard.writeText(field.value);
        toast(say("partner.ready.copied"));
      } catch {
        field.focus();
        toast(say("partner.ready.by_hand"));
      }
    };
    const letter = link.delivery_status === "none" ? say("partner.ready.no_letter") : letterTo ? say("partner.ready.letter", { email: letterTo }) : say("partner.ready.letter_again");
    return {
      title,
      content: [
        way(), h("h1", {}, title),
        link.url
          ? h("div", { class: "address" }, h("label", { for: "address" }, say("partner.ready.address")), h("div", {}, field, button(say("partner.ready.copy"), copy, { class: "first" })), h("p", { class: "quiet", id: "address-hint" }, say("partner.ready.once")))
          : h("div", { class: "note" }, h("p", {}, say("partner.ready.lost"))),
        h("p", {}, letter),
        facts(
          [say("partner.link.for"), link.employee.name],
          [say("partner.client"), link.account_id ? clientName(link.account_id) : say("partner.link.any_n", { n: link.max_approvals })],
          [say("partner.link.purpose"), link.purpose && h("q", {}, link.purpose)],
          [say("partner.ready.access"), link.access_days ? say("partner.link.days", { n: link.access_days }) : say("partner.no_end")],
          [say("partner.ready.taken"), link.permissions.removed.length > 0 && bullets(cannot(link.permissions.removed))],
          [say("partner.ready.until"), moment(link.expires_at)],
        ),
        h("div", { class: "actions" }, button(say("partner.ready.another"), () => open(linkForm()))),
      ],
    };
  };
}
