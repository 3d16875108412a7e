// Page of an access link: preview, adjust, approve or decline. Opening the page changes nothing.

import { onLinkChange, takeLink } from "./approve/link-secret.js";
import { call, idempotencyKeyFor } from "./shared/api.js";
import { signedInEmail, token } from "./shared/auth.js";
import { daysFromNow, daysUntil, formatDate, formatDateTime } from "./shared/dates.js";
import { adjustmentFields } from "./shared/adjustment-fields.js";
import {
  alertNote,
  breakableEmail,
  bulletList,
  button,
  byId,
  factList,
  form,
  h,
  infoNote,
  inputById,
} from "./shared/elements.js";
import { describeAllowed, describeDenied } from "./shared/permissions.js";
import { askToConfirm } from "./shared/confirmation.js";
import { attempt, errorAlert, loadingNote, redraw, showPage, signInPage } from "./shared/page.js";
import { formatList, loadPermissionTexts, problemText, t } from "./shared/texts.js";

const ENDED_CODES = new Set(["link_expired", "link_revoked", "link_declined"]);
const FINAL_CODES = new Set([...ENDED_CODES, "link_not_found", "link_already_used"]);
const RESOLVED_IN_ACCOUNT = new Set(["is_super_admin", "grant_suspended", "no_seat_left", "already_partner_admin"]);

/**
 * @typedef {import("./approve/link-secret.js").OpenedLink} OpenedLink
 *
 * @typedef {{ shown: boolean; removed: Set<string>; until: string }} ShownAdjustment
 */

/** @type {string | undefined} */
let secret;
/** @type {Api.LinkPreview | undefined} */
let preview;
/** @type {ShownAdjustment} */
let adjustment;
/** @type {string | undefined} */
let chosenAccountId;
/** @type {Api.Failure | undefined} */
let error;
/** @type {(() => PageContent) | undefined} */
let outcome;

/** @param {OpenedLink | null} link */
function openLink(link) {
  [secret, preview, error, outcome] = [link?.secret, undefined, undefined, undefined];
  chosenAccountId = link?.formState?.chosenAccountId;
  adjustment = { shown: false, removed: new Set(), until: "", ...link?.formState?.adjustment };
  adjustment.removed = new Set(adjustment.removed);
}

/** Return the state to restore after the sign-in. */
function pageState() {
  return { secret, formState: { chosenAccountId, adjustment: { ...adjustment, removed: [...adjustment.removed] } } };
}

async function loadPreview() {
  if (!secret || !token()) return;
  await attempt(
    async () => {
      /** @type {Api.Response<Api.LinkPreview>} */
      const { body } = await call("POST", "/access-links/preview", { body: { secret } });
      preview = body;
      const approvable = preview.accounts.filter((account) => account.can_approve);
      if (!approvable.some((account) => account.account_id === chosenAccountId)) {
        chosenAccountId = approvable.length === 1 ? approvable[0].account_id : undefined;
      }
    },
    {
      pageState: pageState(),
      onError: (caught) => {
        error = caught;
      },
    },
  );
  await redraw({ focus: false });
}

// --- rendering ---

/** @returns {PageContent} */
function render() {
  if (outcome) return outcome();
  if (!secret) return narrowPage(t("approve.no_link.title"), t("approve.no_link.body"), startLink());
  if (!token()) return signInPage(t("approve.title"), t("approve.lead"), pageState());
  if (error && !preview) return errorPage(error);
  if (!preview) {
    return { title: t("approve.title"), content: [h("h1", {}, t("approve.title")), loadingNote()] };
  }
  return requestPage();
}

/**
 * @param {string} title
 * @param {...Content} content
 * @returns {PageContent}
 */
function narrowPage(title, ...content) {
  return {
    title,
    narrow: true,
    content: [
      h("h1", {}, title),
      content.map((each) => (typeof each === "string" ? h("p", { class: "lead" }, each) : each)),
    ],
  };
}

function startLink() {
  return h("p", {}, h("a", { href: "/" }, t("to_start")));
}

/**
 * Page for a link that cannot be answered, or not at the moment.
 *
 * @param {Api.Failure} failure
 */
function errorPage(failure) {
  const code = failure.code ?? "";
  const retryButton = button(t("approve.look_again"), () => {
    error = undefined;
    return loadPreview();
  });
  if (ENDED_CODES.has(code)) {
    return narrowPage(t("approve.ended.title"), problemText(code), ...renewalOffer("first"));
  }
  if (code === "link_already_used") {
    return narrowPage(t("approve.link_already_used.title"), problemText(code), ...renewalOffer("plain"), startLink());
  }
  if (FINAL_CODES.has(code)) {
    return narrowPage(t(`approve.${code}.title`), problemText(code), startLink());
  }
  return narrowPage(t("approve.title"), errorAlert(failure), h("div", { class: "actions" }, retryButton));
}

/** Return the loaded preview. The functions that call this run only while there is one. */
function loadedPreview() {
  return /** @type {Api.LinkPreview} */ (preview);
}

function requestNames() {
  const { link, partner } = loadedPreview();
  return { name: link.employee.name, partner: partner.name };
}

function requestPage() {
  const { link, partner } = loadedPreview();
  const title = t("approve.asks", requestNames());
  const requestFacts = factList(
    [
      t("approve.partner"),
      [
        h("strong", {}, partner.name),
        partner.domains.length > 0 &&
          h("span", { class: "quiet block" }, t("approve.verified", { domains: formatList(partner.domains) })),
      ],
    ],
    [
      t("approve.person"),
      [
        h("strong", {}, link.employee.name),
        link.employee.email && h("span", { class: "quiet block" }, breakableEmail(link.employee.email)),
      ],
    ],
    [t("approve.purpose"), link.purpose && h("q", {}, link.purpose)],
    [t("approve.access_until"), requestedEnd()],
    [t("approve.decide_by"), formatDateTime(link.expires_at)],
  );
  return {
    title,
    content: [
      h("h1", { class: "asks" }, title),
      h("p", { class: "lead" }, t("approve.meaning", requestNames())),
      requestFacts,
      canAnswer()
        ? h("p", { class: "to-decision" }, button(t("approve.to_decision"), focusDecision, { class: "plain" }))
        : notApproverNote(),
      h(
        "div",
        { class: "columns" },
        h(
          "section",
          { class: "can", "aria-labelledby": "can" },
          h("h2", { id: "can" }, t("approve.can", requestNames())),
          h("div", { id: "can-list" }, allowedList()),
        ),
        h(
          "section",
          { class: "cannot", "aria-labelledby": "cannot" },
          h("h2", { id: "cannot" }, t("approve.cannot", requestNames())),
          h("div", { id: "cannot-list" }, deniedList()),
        ),
      ),
      canAnswer() && decisionForm(),
    ],
  };
}

/**
 * Offer to request a new link, where the link has ended or was already used.
 *
 * @param {string} buttonClass
 */
function renewalOffer(buttonClass) {
  return [
    h("p", {}, t("approve.ended.body")),
    h("div", { class: "actions" }, button(t("approve.renew"), requestRenewal, { class: buttonClass })),
  ];
}

/** Move the focus to the decision form. On a phone it is far below the details. */
function focusDecision() {
  const heading = byId("decide");
  heading.setAttribute("tabindex", "-1");
  heading.focus();
  heading.scrollIntoView();
}

function canAnswer() {
  return loadedPreview().accounts.some((account) => account.can_approve);
}

function requestedEnd() {
  const days = loadedPreview().link.access_days;
  return days ? t("approve.for_days", { n: days, date: formatDate(daysFromNow(days)) }) : t("approve.no_end");
}

function remainingPermissions() {
  return loadedPreview().can.filter((name) => !adjustment.removed.has(name));
}

function allowedList() {
  return bulletList(describeAllowed(remainingPermissions()));
}

function deniedList() {
  return bulletList(describeDenied([...loadedPreview().cannot, ...adjustment.removed]));
}

function notApproverNote() {
  const accounts = loadedPreview().accounts;
  return h(
    "section",
    { "aria-labelledby": "accounts" },
    h("h2", { id: "accounts" }, t("approve.not_you.title")),
    accounts.length ? blockedAccounts(accounts) : h("p", {}, t("approve.no_account")),
    accounts.every((account) => !RESOLVED_IN_ACCOUNT.has(account.reason ?? "")) && h("p", {}, t("approve.forward")),
  );
}

/**
 * Explain why accounts cannot approve, grouped by reason. Link to an account if the reason can be resolved there.
 *
 * @param {Api.LinkAccount[]} accounts
 */
function blockedAccounts(accounts) {
  const accountGroups = Object.groupBy(accounts, ({ account_id: id, reason }) =>
    reason === undefined || RESOLVED_IN_ACCOUNT.has(reason) ? id : reason,
  );
  return Object.values(accountGroups).map((group = []) =>
    infoNote(
      h("p", {}, h("strong", {}, formatList(group.map((account) => account.name)))),
      h("p", {}, problemText(group[0].reason ?? "")),
      RESOLVED_IN_ACCOUNT.has(group[0].reason ?? "") &&
        h("p", {}, h("a", { href: `/accounts/${encodeURIComponent(group[0].account_id)}` }, t("approve.see_users"))),
    ),
  );
}

function decisionForm() {
  const approveButton = h("button", { type: "submit", class: "first" }, t("approve.approve"));
  const toggle = button(
    t(adjustment.shown ? "approve.as_asked" : "approve.adjust"),
    async () => {
      adjustment = { shown: !adjustment.shown, removed: new Set(), until: "" };
      await redraw({ focus: false });
      byId("adjust-toggle").focus();
    },
    { "aria-expanded": String(adjustment.shown), "aria-controls": "adjust", id: "adjust-toggle" },
  );
  return form(
    approveButton,
    approve,
    { "aria-labelledby": "decide" },
    h("h2", { id: "decide" }, t("approve.decide")),
    accountChoice(),
    h(
      "div",
      { id: "adjust" },
      adjustment.shown &&
        adjustmentFields({
          permissions: loadedPreview().can,
          adjustment,
          maxDays: loadedPreview().link.access_days,
          onChange: onAdjust,
        }),
    ),
    h("div", { id: "problem" }, error && errorAlert(error)),
    h(
      "div",
      { class: "actions" },
      approveButton,
      toggle,
      button(t("approve.decline"), decline, { class: "plain bad" }),
    ),
    h(
      "p",
      { class: "quiet" },
      t("approve.any_time"),
      signedInEmail() && [" ", t("signed_in_as", { who: signedInEmail() })],
    ),
  );
}

/** Update the permission lists above the form. The form itself stays, so that no input is lost. */
function onAdjust() {
  byId("can-list").replaceChildren(allowedList());
  byId("cannot-list").replaceChildren(deniedList());
}

function accountChoice() {
  const [approvable, blocked] = [true, false].map((canApprove) =>
    loadedPreview().accounts.filter((account) => account.can_approve === canApprove),
  );
  if (approvable.length === 1 && !blocked.length) {
    return factList([t("approve.account"), h("strong", {}, approvable[0].name)]);
  }
  return [
    h(
      "fieldset",
      { id: "choice" },
      h("legend", {}, t("approve.which")),
      approvable.map((account) =>
        h(
          "label",
          { class: "choice" },
          h("input", {
            type: "radio",
            name: "account",
            value: account.account_id,
            checked: account.account_id === chosenAccountId,
            onchange: () => {
              chosenAccountId = account.account_id;
              showAlerts();
            },
          }),
          h("span", {}, account.name),
        ),
      ),
    ),
    blocked.length > 0 &&
      h("details", {}, h("summary", {}, t("approve.elsewhere", { n: blocked.length })), blockedAccounts(blocked)),
  ];
}

/** @param {...Node} notes */
function showAlerts(...notes) {
  error = undefined;
  byId("problem").replaceChildren(...notes);
}

// --- actions ---

/** @param {string} accountId */
function approvalBody(accountId) {
  /** @type {Api.ApproveLinkRequest} */
  const body = { secret: secret ?? "", account_id: accountId };
  if (adjustment.removed.size) body.permissions = { remove: [...adjustment.removed].sort() };
  if (adjustment.until) body.access_days = daysUntil(adjustment.until);
  return body;
}

async function approve() {
  const accountId = chosenAccountId;
  if (!accountId) {
    showAlerts(alertNote(h("p", {}, t("approve.choose_first"))));
    /** @type {HTMLElement} */ (document.querySelector("#choice input")).focus();
    return;
  }
  const field = inputById("until");
  if (field && !field.checkValidity()) {
    showAlerts(
      alertNote(h("p", {}, t("approve.date_wrong", { first: formatDate(field.min), last: formatDate(field.max) }))),
    );
    field.setAttribute("aria-invalid", "true");
    field.focus();
    return;
  }
  await sendAnswer(
    "/access-links/approvals",
    approvalBody(accountId),
    (/** @type {Api.Response<Api.Grant>} */ { body: grant }) => approvedPage(grant, accountName(accountId)),
  );
}

async function decline() {
  if (!chosenAccountId) {
    showAlerts(alertNote(h("p", {}, t("approve.choose_first"))));
    /** @type {HTMLElement} */ (document.querySelector("#choice input")).focus();
    return;
  }
  const account = accountName(chosenAccountId);
  const reason = await askToConfirm({
    title: t("approve.decline.title"),
    body: t("approve.decline.body", { ...requestNames(), account }),
    reasonLabel: t("approve.decline.reason"),
    confirmLabel: t("approve.decline.yes"),
  });
  if (reason === undefined) return;
  const body = { secret, account_id: chosenAccountId, ...(reason ? { reason } : {}) };
  await sendAnswer(
    "/access-links/declines",
    body,
    () => () => narrowPage(t("approve.declined.title"), t("approve.declined.body", { ...requestNames(), account })),
  );
}

/** @param {string} accountId */
function accountName(accountId) {
  return loadedPreview().accounts.find((account) => account.account_id === accountId)?.name;
}

/**
 * Send an approval or decline. The idempotency key is derived from it, so that repeated clicks are one attempt.
 *
 * @template Body
 * @param {string} path
 * @param {unknown} body
 * @param {(response: Api.Response<Body>) => () => PageContent} toOutcome
 */
async function sendAnswer(path, body, toOutcome) {
  showAlerts();
  await attempt(
    async () => {
      /** @type {Api.Response<Body>} */
      const response = await call("POST", path, { body, key: await idempotencyKeyFor(path, body) });
      outcome = toOutcome(response);
      secret = undefined;
    },
    {
      pageState: pageState(),
      onError: (caught) => {
        error = caught;
        if (FINAL_CODES.has(caught.code ?? "")) preview = undefined;
      },
    },
  );
  if (error && preview) {
    const note = errorAlert(error);
    showAlerts(note);
    note.scrollIntoView({ block: "nearest" });
    return;
  }
  await redraw();
}

/**
 * @param {Api.Grant} grant
 * @param {string | undefined} account
 * @returns {() => PageContent}
 */
function approvedPage(grant, account) {
  const [names, link] = [requestNames(), loadedPreview().link];
  const removed = grant.permissions.removed.filter((name) => !link.permissions.removed.includes(name));
  return () => ({
    title: t("approve.approved.title", names),
    narrow: true,
    content: [
      h("h1", {}, t("approve.approved.title", names)),
      h("p", { class: "lead" }, t("approve.approved.body", { ...names, account })),
      factList(
        [t("approve.account"), h("strong", {}, account)],
        [t("approve.access_until"), grant.expires_at ? formatDateTime(grant.expires_at) : t("approve.no_end")],
        [t("approve.taken"), removed.length > 0 && bulletList(describeDenied(removed))],
      ),
      grant.notice === "paid_seat_required" && infoNote(h("p", {}, t("approve.paid_seat"))),
      h("p", {}, t("approve.approved.next", names)),
      h(
        "div",
        { class: "actions" },
        h(
          "a",
          { class: "button first", href: `/accounts/${encodeURIComponent(grant.account_id)}` },
          t("approve.see_users"),
        ),
      ),
    ],
  });
}

async function requestRenewal() {
  const body = { secret };
  await attempt(
    async () => {
      await call("POST", "/access-links/renewals", { body, key: await idempotencyKeyFor("renewals", body) });
      outcome = () => narrowPage(t("approve.renewed.title"), t("approve.renewed.body"));
      secret = undefined;
    },
    {
      pageState: pageState(),
      onError: (caught) => {
        error = caught;
      },
    },
  );
  await redraw();
}

openLink(takeLink());
await loadPermissionTexts();
showPage(render);
onLinkChange((link) => {
  openLink(link);
  redraw().then(loadPreview);
});
await loadPreview();
