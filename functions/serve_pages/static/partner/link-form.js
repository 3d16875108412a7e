// Task that creates an access link for the user or another employee.

import { partner, partnerPath } from "./context.js";
import { linkFields } from "./link-form/fields.js";
import {
  eligibleEmployees,
  FIELD_LABELS,
  invalidFields,
  newLinkDraft,
  requestBody,
  selectedEmployeeId,
  serializeLinkDraft,
} from "./link-form/request.js";
import { linkReadyTask } from "./link-form/result.js";
import { backLink, openTask } from "./tasks.js";
import { call, newIdempotencyKey } from "../shared/api.js";
import { signedInUserId } from "../shared/auth.js";
import { alertNote, byId, form, h, infoNote, setContent } from "../shared/elements.js";
import { typedEmail } from "../shared/normalization.js";
import { attempt, errorAlert, loadingNote } from "../shared/page.js";
import { formatList, problemText, t } from "../shared/texts.js";

/** @type {import("./link-form/request.js").LinkDraft | undefined} */
let openDraft;

/** Return the form state to restore after the sign-in. */
export function linkFormState() {
  return openDraft && { link: serializeLinkDraft(openDraft) };
}

/** Open the task with an empty form. */
export function openLinkForm() {
  return openTask(linkFormTask());
}

/**
 * Create the task. `initial` prefills fields.
 *
 * @param {import("./link-form/request.js").SavedLinkForm} [initial]
 * @returns {() => PageContent}
 */
export function linkFormTask(initial = {}) {
  const draft = newLinkDraft(initial);
  openDraft = draft;
  let waiting = true;
  /** @type {Api.Failure | undefined} */
  let error;
  let container = h("div", {});

  /** @param {Api.Failure} caught */
  function setError(caught) {
    error = caught;
  }

  async function load() {
    await attempt(() => partner.employees.all(), { pageState: linkFormState(), onError: setError });
    waiting = false;
    refresh();
  }

  function refresh() {
    setContent(container, waiting ? loadingNote() : linkForm());
  }

  function linkForm() {
    const eligible = eligibleEmployees(partner.employees.items);
    if (!eligible.length) {
      return error ? errorAlert(error) : infoNote(h("p", {}, t("partner.link.nobody")));
    }
    draft.employee_id = selectedEmployeeId(eligible, draft.employee_id, signedInUserId());
    const submitButton = h("button", { type: "submit", class: "first" }, t("partner.link.yes"));
    const alertContainer = h("div", {}, error && problemNote(error));
    return form(
      submitButton,
      () => createLink(alertContainer),
      { class: "link-form" },
      linkFields(draft, eligible),
      alertContainer,
      h("div", { class: "actions" }, submitButton),
    );
  }

  /** Return the names of the visible fields whose values the browser or the task rejects. */
  function fieldsToCorrect() {
    /** @type {NodeListOf<HTMLInputElement | HTMLTextAreaElement>} */
    const fields = container.querySelectorAll("input[id], textarea");
    const names = [...fields]
      .filter((each) => each.id in FIELD_LABELS && !each.closest("[hidden]") && !each.checkValidity())
      .map((each) => each.id);
    if (draft.where === "one" && !draft.account_id.trim()) names.push("account_id");
    return names;
  }

  /** @param {Element} alertContainer */
  async function createLink(alertContainer) {
    const emailField = /** @type {HTMLInputElement} */ (byId("recipient_email"));
    draft.recipient_email = typedEmail(draft.recipient_email);
    emailField.value = draft.recipient_email;
    const names = fieldsToCorrect();
    error = undefined;
    if (names.length) {
      alertContainer.replaceChildren(invalidFieldsAlert(names));
      byId(names[0]).focus();
      return;
    }
    /** @type {Api.Response<Api.CreatedLink> | undefined} */
    const response = await attempt(
      () => call("POST", partnerPath("access-links"), { body: requestBody(draft), key: newIdempotencyKey() }),
      { pageState: linkFormState(), onError: setError },
    );
    if (!response) {
      if (error) alertContainer.replaceChildren(problemNote(error));
      /** @type {HTMLElement | null} */ (document.querySelector("[aria-invalid]"))?.focus();
      return;
    }
    openDraft = undefined;
    partner.links.reset();
    partner.employees.reset();
    const emailTo = draft.recipient_email.trim();
    await openTask(linkReadyTask(response.body, { emailTo, createAnother: openLinkForm }));
  }

  load();
  return () => {
    const title = t("partner.link.title");
    container = h("div", {});
    refresh();
    return {
      title,
      content: [backLink(), h("h1", {}, title), h("p", { class: "lead" }, t("partner.link.lead")), container],
    };
  };
}

/** @param {Api.Failure} error */
function problemNote(error) {
  const names = invalidFields(error);
  return names.length ? invalidFieldsAlert(names, problemText(error.code ?? "")) : errorAlert(error);
}

/**
 * Alert that names the fields to correct. It marks them as invalid.
 *
 * @param {string[]} names
 * @param {string} [text]
 */
function invalidFieldsAlert(names, text) {
  for (const name of names) document.getElementById(name)?.setAttribute("aria-invalid", "true");
  const fields = formatList([...new Set(names)].map((each) => t(FIELD_LABELS[each])));
  return alertNote(text && h("p", {}, text), h("p", {}, t("partner.link.check", { fields })));
}
