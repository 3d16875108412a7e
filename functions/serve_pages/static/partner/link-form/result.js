// Result of the creation of an access link, or of sending it again. Its URL is shown once.

import { clientName, requestedEnd } from "../context.js";
import { backLink } from "../tasks.js";
import { formatDateTime } from "../../shared/dates.js";
import { bulletList, button, factList, h, infoNote } from "../../shared/elements.js";
import { toast } from "../../shared/page.js";
import { describeDenied } from "../../shared/permissions.js";
import { displayName, t } from "../../shared/texts.js";

/**
 * Show the link. Its URL is available only in this response. `createAnother` opens the form for another link.
 *
 * @param {Api.CreatedLink} link
 * @param {{ emailTo?: string; createAnother: () => unknown }} options
 * @returns {() => PageContent}
 */
export function linkReadyTask(link, { emailTo, createAnother }) {
  return () => {
    const title = t("partner.ready.title");
    return {
      title,
      content: [
        backLink(),
        h("h1", {}, title),
        link.url ? urlField(link.url) : infoNote(h("p", {}, t("partner.ready.lost"))),
        h("p", {}, emailNote(link, emailTo)),
        linkFacts(link),
        h("div", { class: "actions" }, button(t("partner.ready.another"), createAnother)),
      ],
    };
  };
}

/** @param {string} url */
function urlField(url) {
  const field = h("input", {
    id: "address",
    readonly: true,
    value: url,
    spellcheck: "false",
    onfocus: () => {
      field.select();
    },
    "aria-describedby": "address-hint",
  });
  const copy = async () => {
    try {
      await navigator.clipboard.writeText(field.value);
      toast(t("partner.ready.copied"));
    } catch {
      field.focus();
      toast(t("partner.ready.by_hand"));
    }
  };
  return h(
    "div",
    { class: "address" },
    h("label", { for: "address" }, t("partner.ready.address")),
    h("div", {}, field, button(t("partner.ready.copy"), copy, { class: "first" })),
    h("p", { class: "quiet", id: "address-hint" }, t("partner.ready.once")),
  );
}

/**
 * @param {Api.CreatedLink} link
 * @param {string | undefined} emailTo
 */
function emailNote(link, emailTo) {
  if (link.delivery_status === "none") return t("partner.ready.no_email");
  return emailTo ? t("partner.ready.email", { email: emailTo }) : t("partner.ready.email_again");
}

/** @param {Api.CreatedLink} link */
function linkFacts(link) {
  const { removed } = link.permissions;
  return factList(
    [t("partner.link.for"), displayName(link.employee)],
    [
      t("partner.client"),
      link.account_id ? clientName(link.account_id) : t("partner.link.any_n", { n: link.max_approvals }),
    ],
    [t("partner.link.purpose"), link.purpose && h("q", {}, link.purpose)],
    [t("partner.ready.access"), requestedEnd(link)],
    [t("partner.ready.taken"), removed.length > 0 && bulletList(describeDenied(removed))],
    [t("partner.ready.until"), formatDateTime(link.expires_at)],
  );
}
