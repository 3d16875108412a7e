// An access link is looked at, narrowed, approved or declined. Opening it changes nothing: only these buttons do.

import { onAnother, take } from "./secret.js";
import { call, keyOf } from "./api.js";
import { token, who as signedIn } from "./auth.js";
import { day, daysFromNow, daysUntil, moment } from "./dates.js";
import { adjustments } from "./adjust.js";
import { alert, breakable, bullets, busy, button, dialog, facts, h } from "./elements.js";
import { can, cannot } from "./permissions.js";
import { attempt, door, failed, page, redraw } from "./shell.js";
import { listed, refused, say, withPermissions } from "./words.js";

const ENDED = new Set(["link_expired", "link_revoked", "link_declined"]);
const OVER = new Set([...ENDED, "link_not_found", "link_already_used"]);
const SEEN_TO_IN_ACCOUNT = new Set(["is_super_admin", "grant_suspended", "no_seat_left", "already_partner_admin"]);

let secret;
let preview;
let adjusted;
let chosen;
let error;
let outcome;

function open(found) {
  [secret, preview, error, outcome] = [found?.secret, undefined, undefined, undefined];
  chosen = found?.typed?.chosen;
  adjusted = { shown: false, removed: new Set(), until: "", ...found?.typed?.adjusted };
  adjusted.removed = new Set(adjusted.removed);
}

/** What goes along through the sign-in, so that nobody has to begin anew. */
function carry() {
  return { secret, typed: { chosen, adjusted: { ...adjusted, removed: [...adjusted.removed] } } };
}

async function look() {
  if (!secret || !token()) return;
  await attempt(async () => {
    ({ body: preview } = await call("POST", "/access-links/preview", { body: { secret } }));
    const open = preview.accounts.filter((account) => account.can_approve);
    if (!open.some((account) => account.account_id === chosen)) chosen = open.length === 1 ? open[0].account_id : undefined;
  }, { carry: carry(), otherwise: (refusal) => {
    error = refusal;
  } });
  await redraw({ focus: false });
}

// --- what is shown ---

function render() {
  if (outcome) return outcome();
  if (!secret) return narrow(say("approve.no_link.title"), say("approve.no_link.body"), toStart());
  if (!token()) return door(say("approve.title"), say("approve.lead"), carry());
  if (error && !preview) return over();
  if (!preview) return { title: say("approve.title"), content: [h("h1", {}, say("approve.title")), h("p", { class: "waiting", role: "status" }, say("loading"))] };
  return request();
}

function narrow(title, ...content) {
  return { title, narrow: true, content: [h("h1", {}, title), content.map((each) => (typeof each === "string" ? h("p", { class: "lead" }, each) : each))] };
}

function toStart() {
  return h("p", {}, h("a", { href: "/" }, say("to_start")));
}

/** The link cannot be answered, or not now. */
function over() {
  const again = button(say("approve.look_again"), () => {
    error = undefined;
    return look();
  });
  if (ENDED.has(error.code)) return narrow(say("approve.ended.title"), refused(error.code), ...anew("first"));
  if (error.code === "link_already_used") return narrow(say("approve.link_already_used.title"), refused(error.code), ...anew("plain"), toStart());
  if (OVER.has(error.code)) return narrow(say(`approve.${error.code}.title`), refused(error.code), toStart());
  return narrow(say("approve.title"), failed(error), h("div", { class: "actions" }, again));
}

function who() {
  return { name: preview.link.employee.name, partner: preview.partner.name };
}

function request() {
  const { link, partner } = preview;
  const title = say("approve.asks", who());
  const places = facts(
    [say("approve.partner"), [h("strong", {}, partner.name), partner.domains.length > 0 && h("span", { class: "quiet block" }, say("approve.verified", { domains: listed(partner.domains) }))]],
    [say("approve.person"), [h("strong", {}, link.employee.name), link.employee.email && h("span", { class: "quiet block" }, breakable(link.employee.email))]],
    [say("approve.purpose"), link.purpose && h("q", {}, link.purpose)],
    [say("approve.access_until"), askedEnd()],
    [say("approve.decide_by"), moment(link.expires_at)],
  );
  return {
    title,
    content: [
      h("h1", { class: "asks" }, title),
      h("p", { class: "lead" }, say("approve.meaning", who())),
      places,
      mayAnswer() ? h("p", { class: "onward" }, button(say("approve.to_decision"), toDecision, { class: "plain" })) : nobodyHere(),
      h("div", { class: "columns" },
        h("section", { class: "can", "aria-labelledby": "can" }, h("h2", { id: "can" }, say("approve.can", who())), h("div", { id: "can-list" }, canList())),
        h("section", { class: "cannot", "aria-labelledby": "cannot" }, h("h2", { id: "cannot" }, say("approve.cannot", who())), h("div", { id: "cannot-list" }, cannotList())),
      ),
      mayAnswer() && decision(),
    ],
  };
}

/** The way to a new link: no dead end behind one that has ended or was answered. */
function anew(look) {
  return [h("p", {}, say("approve.ended.body")), h("div", { class: "actions" }, button(say("approve.renew"), renew, { class: look }))];
}

/** On a phone the buttons are far below; whoever has seen enough need not look for them. */
function toDecision() {
  const heading = document.getElementById("decide");
  heading.setAttribute("tabindex", "-1");
  heading.focus();
  heading.scrollIntoView();
}

function mayAnswer() {
  return preview.accounts.some((account) => account.can_approve);
}

function askedEnd() {
  const days = preview.link.access_days;
  return days ? say("approve.for_days", { n: days, date: day(daysFromNow(days)) }) : say("approve.no_end");
}

function held() {
  return preview.can.filter((name) => !adjusted.removed.has(name));
}

function canList() {
  return bullets(can(held()));
}

function cannotList() {
  return bullets(cannot([...preview.cannot, ...adjusted.removed]));
}

function nobodyHere() {
  const own = preview.accounts;
  return h("section", { "aria-labelledby": "accounts" },
    h("h2", { id: "accounts" }, say("approve.not_you.title")),
    own.length ? refusedAccounts(own) : h("p", {}, say("approve.no_account")),
    own.every((account) => !SEEN_TO_IN_ACCOUNT.has(account.reason)) && h("p", {}, say("approve.forward")),
  );
}

/** What holds for several accounts is said once; where the account itself is to be seen to, there is a way to it. */
function refusedAccounts(accounts) {
  const alike = Object.groupBy(accounts, ({ account_id: id, reason }) => (SEEN_TO_IN_ACCOUNT.has(reason) ? id : reason));
  return Object.values(alike).map((some) => h("div", { class: "note" },
    h("p", {}, h("strong", {}, listed(some.map((account) => account.name)))),
    h("p", {}, refused(some[0].reason)),
    SEEN_TO_IN_ACCOUNT.has(some[0].reason) && h("p", {}, h("a", { href: `/accounts/${encodeURIComponent(some[0].account_id)}` }, say("approve.see_users"))),
  ));
}

function decision() {
  const yes = h("button", { type: "submit", class: "first" }, say("approve.approve"));
  const toggle = button(say(adjusted.shown ? "approve.as_asked" : "approve.adjust"), async () => {
    adjusted = { shown: !adjusted.shown, removed: new Set(), until: "" };
    await redraw({ focus: false });
    document.getElementById("adjust-toggle").focus();
  }, { "aria-expanded": String(adjusted.shown), "aria-controls": "adjust", id: "adjust-toggle" });
  return h("form", { novalidate: true, "aria-labelledby": "decide", onsubmit: (event) => {
    event.preventDefault();
    busy(yes, approve);
  } },
    h("h2", { id: "decide" }, say("approve.decide")),
    choice(),
    h("div", { id: "adjust" }, adjusted.shown && adjustments({ can: preview.can, adjusted, mostDays: preview.link.access_days, changed })),
    h("div", { id: "trouble" }, error && failed(error)),
    h("div", { class: "actions" }, yes, toggle, button(say("approve.decline"), decline, { class: "plain bad" })),
    h("p", { class: "quiet" }, say("approve.any_time"), signedIn() && [" ", say("signed_in_as", { who: signedIn() })]),
  );
}

/** What stands above the form follows it; what is typed stays as it is. */
function changed() {
  document.getElementById("can-list").replaceChildren(canList());
  document.getElementById("cannot-list").replaceChildren(cannotList());
}

function choice() {
  const [open, closed] = [true, false].map((may) => preview.accounts.filter((account) => account.can_approve === may));
  if (open.length === 1 && !closed.length) return facts([say("approve.account"), h("strong", {}, open[0].name)]);
  return [
    h("fieldset", { id: "choice" },
      h("legend", {}, say("approve.which")),
      open.map((account) => h("label", { class: "choice" },
        h("input", { type: "radio", name: "account", value: account.account_id, checked: account.account_id === chosen, onchange: () => {
          chosen = account.account_id;
          trouble();
        } }),
        h("span", {}, account.name))),
    ),
    closed.length > 0 && h("details", {}, h("summary", {}, say("approve.elsewhere", { n: closed.length })), refusedAccounts(closed)),
  ];
}

function trouble(...notes) {
  error = undefined;
  document.getElementById("trouble").replaceChildren(...notes);
}

// --- what is done ---

function body() {
  const asked = { secret, account_id: chosen };
  if (adjusted.removed.size) asked.permissions = { remove: [...adjusted.removed].sort() };
  if (adjusted.until) asked.access_days = daysUntil(adjusted.until);
  return asked;
}

async function approve() {
  if (!chosen) {
    trouble(alert(h("p", {}, say("approve.choose_first"))));
    document.querySelector("#choice input").focus();
    return;
  }
  const field = document.getElementById("until");
  if (field && !field.checkValidity()) {
    trouble(alert(h("p", {}, say("approve.date_wrong", { first: day(field.min), last: day(field.max) }))));
    field.setAttribute("aria-invalid", "true");
    field.focus();
    return;
  }
  await answer("/access-links/approvals", body(), ({ body: grant }) => approved(grant, nameOf(chosen)));
}

async function decline() {
  if (!chosen) {
    trouble(alert(h("p", {}, say("approve.choose_first"))));
    document.querySelector("#choice input").focus();
    return;
  }
  const account = nameOf(chosen);
  const reason = await dialog(say("approve.decline.title"), (close) => {
    const field = h("textarea", { id: "reason", rows: "3", maxlength: "500" });
    return h("form", { method: "dialog", onsubmit: (event) => {
      event.preventDefault();
      close(field.value.trim());
    } },
      h("p", {}, say("approve.decline.body", { ...who(), account })),
      h("label", { for: "reason" }, say("approve.decline.reason")),
      field,
      h("div", { class: "actions" }, h("button", { type: "submit", class: "first bad" }, say("approve.decline.yes")), button(say("cancel"), () => close())),
    );
  });
  if (reason === undefined) return;
  const asked = { secret, account_id: chosen, ...(reason ? { reason } : {}) };
  await answer("/access-links/declines", asked, () => () => narrow(say("approve.declined.title"), say("approve.declined.body", { ...who(), account })));
}

function nameOf(accountId) {
  return preview.accounts.find((account) => account.account_id === accountId).name;
}

/** The same answer to the same link is the same attempt, however often it is clicked: its key is made from it. */
async function answer(path, asked, done) {
  trouble();
  await attempt(async () => {
    const given = await call("POST", path, { body: asked, key: await keyOf(path, asked) });
    outcome = done(given);
    secret = undefined;
  }, { carry: carry(), otherwise: (refusal) => {
    error = refusal;
    if (OVER.has(refusal.code)) preview = undefined;
  } });
  if (error && preview) {
    const note = failed(error);
    trouble(note);
    note.scrollIntoView({ block: "nearest" });
    return;
  }
  await redraw();
}

function approved(grant, account) {
  const [people, asked] = [who(), preview.link];
  const taken = grant.permissions.removed.filter((name) => !asked.permissions.removed.includes(name));
  return () => ({
    title: say("approve.approved.title", people),
    narrow: true,
    content: [
      h("h1", {}, say("approve.approved.title", people)),
      h("p", { class: "lead" }, say("approve.approved.body", { ...people, account })),
      facts(
        [say("approve.account"), h("strong", {}, account)],
        [say("approve.access_until"), grant.expires_at ? moment(grant.expires_at) : say("approve.no_end")],
        [say("approve.taken"), taken.length > 0 && bullets(cannot(taken))],
      ),
      grant.notice === "paid_seat_required" && h("div", { class: "note" }, h("p", {}, say("approve.paid_seat"))),
      h("p", {}, say("approve.approved.next", people)),
      h("div", { class: "actions" }, h("a", { class: "button first", href: `/accounts/${encodeURIComponent(grant.account_id)}` }, say("approve.see_users"))),
    ],
  });
}

async function renew() {
  const asked = { secret };
  await attempt(async () => {
    await call("POST", "/access-links/renewals", { body: asked, key: await keyOf("renewals", asked) });
    outcome = () => narrow(say("approve.renewed.title"), say("approve.renewed.body"));
    secret = undefined;
  }, { carry: carry(), otherwise: (refusal) => {
    error = refusal;
  } });
  await redraw();
}

open(take());
await withPermissions();
page(render);
onAnother((found) => {
  open(found);
  redraw().then(look);
});
await look();
