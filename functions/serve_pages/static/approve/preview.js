// The request of a link: the employee and their partner, and what they could and could not do in the account.

import { notApproverNote } from "./accounts.js";
import { allowedPermissions, approvableAccounts, deniedPermissions, timeZoneOf } from "./answer.js";
import { context, loadedPreview, requestNames } from "./context.js";
import { decisionForm } from "./decision-form.js";
import { formatDateTime, formatDay, requestedLastDay, setTimeZone } from "../shared/dates.js";
import { bulletList, button, byId, emailLine, factList, h } from "../shared/elements.js";
import { describeAllowed, describeDenied } from "../shared/permissions.js";
import { displayName, formatList, t } from "../shared/texts.js";

/** @returns {PageContent} */
export function requestPage() {
  const { accounts } = loadedPreview();
  const timeZone = timeZoneOf(accounts, context.chosenAccountId);
  if (timeZone) setTimeZone(timeZone);
  const canAnswer = approvableAccounts(accounts).length > 0;
  const title = t("approve.asks", requestNames());
  return {
    title,
    content: [
      h("h1", { class: "asks" }, title),
      h("p", { class: "lead" }, t("approve.meaning", requestNames())),
      requestFacts(),
      canAnswer
        ? h("p", { class: "to-decision" }, button(t("approve.to_decision"), focusDecision, { class: "plain" }))
        : notApproverNote(accounts),
      h(
        "div",
        { class: "columns" },
        permissionSection("can", allowedList()),
        permissionSection("cannot", deniedList()),
      ),
      canAnswer && decisionForm(updatePermissionLists),
    ],
  };
}

function requestFacts() {
  const { link, partner } = loadedPreview();
  return factList(
    [
      t("approve.partner"),
      [
        h("strong", {}, partner.name),
        partner.domains.length > 0 &&
          h("span", { class: "quiet block" }, t("approve.verified", { domains: formatList(partner.domains) })),
      ],
    ],
    [t("approve.person"), [h("strong", {}, displayName(link.employee)), emailLine(link.employee.email)]],
    [t("approve.purpose"), link.purpose && h("q", {}, link.purpose)],
    [t("approve.access_until"), requestedEnd(link)],
    [t("approve.decide_by"), formatDateTime(link.expires_at)],
  );
}

/** @param {Api.Link} link */
function requestedEnd(link) {
  const lastDay = requestedLastDay(link);
  if (!lastDay) return t("approve.no_end");
  const date = formatDay(lastDay);
  return link.access_days ? t("approve.for_days", { n: link.access_days, date }) : date;
}

/**
 * @param {"can" | "cannot"} name
 * @param {HTMLElement} list
 */
function permissionSection(name, list) {
  return h(
    "section",
    { class: name, "aria-labelledby": name },
    h("h2", { id: name }, t(`approve.${name}`, requestNames())),
    h("div", { id: `${name}-list` }, list),
  );
}

function allowedList() {
  return bulletList(describeAllowed(allowedPermissions(loadedPreview(), context.adjustment)));
}

function deniedList() {
  return bulletList(describeDenied(deniedPermissions(loadedPreview(), context.adjustment)));
}

/** Update the permission lists above the form. The form itself stays, so that no input is lost. */
function updatePermissionLists() {
  byId("can-list").replaceChildren(allowedList());
  byId("cannot-list").replaceChildren(deniedList());
}

/** Move the focus to the decision form. On a phone it is far below the details. */
function focusDecision() {
  const heading = byId("decide");
  heading.setAttribute("tabindex", "-1");
  heading.focus();
  heading.scrollIntoView();
}
