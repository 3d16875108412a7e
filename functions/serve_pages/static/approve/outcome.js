// Pages without a request to decide on: the answer was sent, the link has ended, or there is none.

import { isEnded, isFinal, removedByApprover } from "./answer.js";
import { context, forgetSecret, loadedPreview, pageState, requestNames, setError } from "./context.js";
import { call, idempotencyKeyFor } from "../shared/api.js";
import { formatDateTime, formatEnd } from "../shared/dates.js";
import { bulletList, button, factList, h, infoNote } from "../shared/elements.js";
import { attempt, errorAlert, redraw } from "../shared/page.js";
import { describeDenied } from "../shared/permissions.js";
import { problemText, t } from "../shared/texts.js";

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

export function noLinkPage() {
  return narrowPage(t("approve.no_link.title"), t("approve.no_link.body"), startLink());
}

/**
 * Page for a link that cannot be answered, or not at the moment.
 *
 * @param {Api.Failure} failure
 * @param {() => unknown} retry
 */
export function errorPage(failure, retry) {
  const code = failure.code ?? "";
  if (isEnded(failure)) {
    return narrowPage(t("approve.ended.title"), problemText(code), ...renewalOffer("first"));
  }
  if (code === "link_already_used") {
    return narrowPage(t("approve.link_already_used.title"), problemText(code), ...renewalOffer("plain"), startLink());
  }
  if (isFinal(failure)) {
    return narrowPage(t(`approve.${code}.title`), problemText(code), startLink());
  }
  const retryButton = button(t("approve.look_again"), retry);
  return narrowPage(t("approve.title"), errorAlert(failure), h("div", { class: "actions" }, retryButton));
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

async function requestRenewal() {
  const body = { secret: context.secret };
  await attempt(
    async () => {
      await call("POST", "/access-links/renewals", { body, key: await idempotencyKeyFor("renewals", body) });
      context.outcome = () => narrowPage(t("approve.renewed.title"), t("approve.renewed.body"));
      forgetSecret();
    },
    { pageState: pageState(), onError: setError },
  );
  await redraw();
}

/**
 * @param {Api.Grant} grant
 * @param {string | undefined} account
 * @returns {() => PageContent}
 */
export function approvedPage(grant, account) {
  const names = requestNames();
  const removed = removedByApprover(grant, loadedPreview().link);
  return () =>
    narrowPage(
      t("approve.approved.title", names),
      t("approve.approved.body", { ...names, account }),
      factList(
        [t("approve.account"), h("strong", {}, account)],
        [t("approve.access_until"), grant.expires_at ? formatEnd(grant.expires_at) : t("approve.no_end")],
        [t("approve.taken"), removed.length > 0 && bulletList(describeDenied(removed))],
      ),
      grant.notice === "paid_seat_required" && infoNote(h("p", {}, t("approve.paid_seat"))),
      h("p", {}, t("approve.approved.next", names)),
      usersLink(grant),
    );
}

/**
 * Page for an approval of earlier that is not in effect any more.
 *
 * @param {Api.Grant} grant
 * @param {string | undefined} account
 * @returns {() => PageContent}
 */
export function approvedBeforePage(grant, account) {
  const names = requestNames();
  return () =>
    narrowPage(
      t("approve.before.title"),
      t("approve.before.body", { ...names, account, date: formatDateTime(grant.created_at) }),
      usersLink(grant),
    );
}

/** @param {Api.Grant} grant */
function usersLink(grant) {
  const href = `/accounts/${encodeURIComponent(grant.account_id)}`;
  return h("div", { class: "actions" }, h("a", { class: "button first", href }, t("approve.see_users")));
}

/**
 * @param {string | undefined} account
 * @returns {() => PageContent}
 */
export function declinedPage(account) {
  const names = requestNames();
  return () => narrowPage(t("approve.declined.title"), t("approve.declined.body", { ...names, account }));
}
