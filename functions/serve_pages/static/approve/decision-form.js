// Form that approves the request, or less than requested, or declines it.

import { accountChoice } from "./accounts.js";
import { approvalBody, declineBody, isFinal } from "./answer.js";
import { context, forgetSecret, loadedPreview, noAdjustment, pageState, requestNames } from "./context.js";
import { approvedBeforePage, approvedPage, declinedPage } from "./outcome.js";
import { adjustmentFields, dateAlert } from "../shared/adjustment-fields.js";
import { call, idempotencyKeyFor, Problem } from "../shared/api.js";
import { signedInEmail } from "../shared/auth.js";
import { confirmAction } from "../shared/confirmation.js";
import { requestedLastDay } from "../shared/dates.js";
import { alertNote, button, byId, form, h, inputById } from "../shared/elements.js";
import { attempt, errorAlert, redraw } from "../shared/page.js";
import { t } from "../shared/texts.js";
import { userSegment } from "../shared/urls.js";

/**
 * `onAdjust` is called after each change of the permissions to grant.
 *
 * @param {() => void} onAdjust
 */
export function decisionForm(onAdjust) {
  const { adjustment, error } = context;
  const { accounts, can, link } = loadedPreview();
  const approveButton = h("button", { type: "submit", class: "first" }, t("approve.approve"));
  const toggle = button(t(adjustment.shown ? "approve.as_asked" : "approve.adjust"), toggleAdjustment, {
    "aria-expanded": String(adjustment.shown),
    "aria-controls": "adjust",
    id: "adjust-toggle",
  });
  return form(
    approveButton,
    approve,
    { "aria-labelledby": "decide" },
    h("h2", { id: "decide" }, t("approve.decide")),
    accountChoice(accounts, onChooseAccount),
    h(
      "div",
      { id: "adjust" },
      adjustment.shown &&
        adjustmentFields({ permissions: can, adjustment, latestDay: requestedLastDay(link), onChange: onAdjust }),
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

async function toggleAdjustment() {
  context.adjustment = noAdjustment(!context.adjustment.shown);
  await redraw({ focus: false });
  byId("adjust-toggle").focus();
}

/** Show dates in the time zone of the account that was chosen now. */
async function onChooseAccount() {
  context.error = undefined;
  await redraw({ focus: false });
  /** @type {HTMLElement} */ (document.querySelector("#choice input:checked")).focus();
}

/** @param {...Node} notes */
function showAlerts(...notes) {
  context.error = undefined;
  byId("problem").replaceChildren(...notes);
}

/** Return the chosen account; undefined, with an alert, if none is chosen yet. */
function chosenAccount() {
  const account = loadedPreview().accounts.find((each) => each.account_id === context.chosenAccountId);
  if (!account) {
    showAlerts(alertNote(h("p", {}, t("approve.choose_first"))));
    /** @type {HTMLElement} */ (document.querySelector("#choice input")).focus();
  }
  return account;
}

async function approve() {
  const account = chosenAccount();
  if (!account) return;
  const field = inputById("until");
  if (field && !field.checkValidity()) {
    showAlerts(dateAlert("approve.date_wrong", field));
    field.setAttribute("aria-invalid", "true");
    field.focus();
    return;
  }
  const body = approvalBody(context.secret ?? "", account.account_id, context.adjustment);
  showAlerts();
  await attempt(
    async () => {
      /** @type {Api.Response<Api.Grant>} */
      const { body: grant, replayed } = await sendAnswer("/access-links/approvals", body);
      const isHeld = !replayed || (await isInEffect(grant));
      context.outcome = (isHeld ? approvedPage : approvedBeforePage)(grant, account.name);
      forgetSecret();
    },
    {
      pageState: pageState(),
      onError: (caught) => {
        context.error = caught;
        if (isFinal(caught)) context.preview = undefined;
      },
    },
  );
  if (context.error && context.preview) {
    const note = errorAlert(context.error);
    showAlerts(note);
    note.scrollIntoView({ block: "nearest" });
    return;
  }
  await redraw();
}

async function decline() {
  const account = chosenAccount();
  if (!account) return;
  showAlerts();
  const outcome = declinedPage(account.name);
  const response = await confirmAction({
    title: t("approve.decline.title"),
    body: t("approve.decline.body", { ...requestNames(), account: account.name }),
    reasonLabel: t("approve.decline.reason"),
    confirmLabel: t("approve.decline.yes"),
    action: (reason) =>
      sendAnswer("/access-links/declines", declineBody(context.secret ?? "", account.account_id, reason)),
    closesOn: (error) => {
      if (isFinal(error)) Object.assign(context, { error, preview: undefined });
      return isFinal(error);
    },
    pageState: pageState(),
  });
  if (response) {
    context.outcome = outcome;
    forgetSecret();
  }
  if (response || !context.preview) await redraw();
}

/**
 * Send an approval or decline. The idempotency key is derived from it, so that repeated clicks are one attempt.
 *
 * @template Body
 * @param {string} path
 * @param {unknown} body
 * @returns {Promise<Api.Response<Body>>}
 */
async function sendAnswer(path, body) {
  return call("POST", path, { body, key: await idempotencyKeyFor(path, body) });
}

/**
 * Return whether the grant is in effect now. A replayed response is that of an earlier approval.
 *
 * @param {Api.Grant} grant
 */
async function isInEffect({ account_id: accountId, user_id: userId, grant_id: grantId }) {
  try {
    /** @type {Api.Response<Api.Member>} */
    const { body } = await call("GET", `/accounts/${encodeURIComponent(accountId)}/users/${userSegment(userId)}`);
    return body.grant_id === grantId && body.state === "active";
  } catch (error) {
    if (error instanceof Problem && error.code === "not_found") return false;
    throw error;
  }
}
