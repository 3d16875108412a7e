// Tab of access links: state and email delivery of each, with actions to resend or revoke it.

import { call, newIdempotencyKey } from "../shared/api.js";
import { signedInUserId } from "../shared/auth.js";
import { confirmAction } from "../shared/confirmation.js";
import { formatDate, formatDateTime } from "../shared/dates.js";
import { button, h } from "../shared/elements.js";
import { clientName, partner, partnerPath, requestedEnd } from "./context.js";
import { openLinkForm } from "./link-form.js";
import { linkReadyTask } from "./link-form/result.js";
import { filterableList } from "../shared/filterable-list.js";
import { includesText } from "../shared/normalization.js";
import { toast } from "../shared/page.js";
import { openTask } from "./tasks.js";
import { displayName, t } from "../shared/texts.js";

const STATES = ["open", "approved", "declined", "revoked", "expired"];
/** @type {{ state: string; text?: string }} */
const viewState = { state: "" };
/** @type {import("../shared/filterable-list.js").ListElement} */
let list;

function listPath() {
  return partnerPath("access-links") + (viewState.state ? `?state=${viewState.state}` : "");
}

export function linksTab() {
  if (partner.links.path !== listPath()) partner.links.reset(listPath());
  const container = h("div", {});
  const stateSelect = h(
    "select",
    {
      id: "links-state",
      onchange: () => {
        viewState.state = stateSelect.value;
        partner.links.reset(listPath());
        refresh();
      },
    },
    ["", ...STATES].map((state) =>
      h(
        "option",
        { value: state, selected: state === viewState.state },
        t(state ? `partner.link_state.${state}` : "partner.every_state"),
      ),
    ),
  );
  const stateFilter = h(
    "div",
    { class: "filter" },
    h("label", { for: "links-state" }, t("partner.state")),
    stateSelect,
  );
  function refresh() {
    const hadFocus = document.activeElement === stateSelect;
    list = filterableList({
      name: "links",
      pages: partner.links,
      viewState,
      tools: stateFilter,
      headings: [
        t("partner.link.for"),
        t("partner.client"),
        t("partner.state"),
        t("partner.delivery_status"),
        t("partner.link.made"),
        t("partner.actions"),
      ],
      matches: (link, text) =>
        includesText(
          text,
          displayName(link.employee),
          link.employee.email,
          link.purpose,
          link.account_id,
          link.account_id && clientName(link.account_id),
        ),
      renderRows: (items) => ({ rows: h("tbody", {}, items.map(linkRow)), count: items.length }),
      emptyContent: () => [
        h(
          "p",
          {},
          t(
            viewState.state
              ? "partner.nothing_found"
              : partner.managesClientAccess
                ? "partner.no_links"
                : "partner.no_links_own",
          ),
        ),
      ],
    });
    container.replaceChildren(list);
    if (hadFocus) stateSelect.focus();
  }
  refresh();
  return [!partner.managesClientAccess && h("p", { class: "quiet" }, t("partner.links_own")), container];
}

/** @param {Api.Link} link */
function linkRow(link) {
  const { removed } = link.permissions;
  return h(
    "tr",
    {},
    h(
      "td",
      {},
      displayName(link.employee),
      link.employee.user_id === signedInUserId() && [" ", t("partner.you")],
      link.purpose && h("span", { class: "quiet block" }, h("q", {}, link.purpose)),
      removed.length > 0 && h("span", { class: "quiet block" }, t("partner.fewer", { n: removed.length })),
    ),
    h(
      "td",
      { "data-label": t("partner.client") },
      link.account_id ? clientName(link.account_id) : t("partner.link.any"),
      h("span", { class: "quiet block" }, requestedEnd(link)),
    ),
    h(
      "td",
      { "data-label": t("partner.state") },
      h("span", { class: `state ${stateClass(link.state)}` }, t(`partner.link_state.${link.state}`)),
      link.max_approvals > 1 &&
        h(
          "span",
          { class: "quiet block" },
          t("partner.link.approvals", { n: link.approvals, most: link.max_approvals }),
        ),
      link.state === "open" &&
        h("span", { class: "quiet block" }, t("partner.link.until", { date: formatDateTime(link.expires_at) })),
    ),
    h(
      "td",
      { "data-label": t("partner.delivery_status") },
      h("span", { class: "whole" }, t(`partner.delivery_status.${link.delivery_status}`)),
      link.state === "open" &&
        ["bounced", "complained", "failed"].includes(link.delivery_status) &&
        h("span", { class: "quiet block" }, t("partner.delivery_status.copy")),
    ),
    h("td", { class: "when", "data-label": t("partner.link.made") }, formatDate(link.created_at)),
    h(
      "td",
      {},
      partner.managesClientAccess &&
        link.state === "open" &&
        h(
          "div",
          { class: "tools" },
          button(t("partner.resend"), () => resend(link), {
            class: "plain",
            "aria-label": t("partner.resend_one", values(link)),
          }),
          button(t("partner.revoke"), () => revoke(link), {
            class: "plain bad",
            "aria-label": t("partner.revoke_one", values(link)),
          }),
        ),
    ),
  );
}

/** @param {Api.Link["state"]} state */
function stateClass(state) {
  return state === "open" || state === "approved" ? "active" : "deactivated";
}

/** @param {Api.Link} link */
function values(link) {
  return { name: displayName(link.employee), date: formatDate(link.created_at) };
}

/** @param {Api.Link} link */
async function resend(link) {
  /** @type {Api.Response<Api.CreatedLink> | undefined} */
  const result = await confirmAction({
    title: t("partner.resend.title", values(link)),
    body: t(link.delivery_status === "none" ? "partner.resend.body" : "partner.resend.body_email", values(link)),
    confirmLabel: t("partner.resend"),
    isDestructive: false,
    action: () => call("POST", partnerPath("access-links", link.link_id, "resend"), { key: newIdempotencyKey() }),
  });
  if (!result) return;
  Object.assign(link, result.body);
  await openTask(linkReadyTask(result.body, { createAnother: openLinkForm }));
}

/** @param {Api.Link} link */
async function revoke(link) {
  const result = await confirmAction({
    title: t("partner.revoke.title", values(link)),
    body: t("partner.revoke.body", values(link)),
    confirmLabel: t("partner.revoke"),
    action: () => call("DELETE", partnerPath("access-links", link.link_id), { key: newIdempotencyKey() }),
  });
  if (!result) return;
  link.state = "revoked";
  partner.employees.reset();
  list.update();
  list.focusStatus();
  toast(t("partner.revoked"));
}
