// Task that creates an access link for the user or another employee. The URL is shown once.

import { adjustmentFields } from "../shared/adjustment-fields.js";
import { call, newIdempotencyKey } from "../shared/api.js";
import { signedInUserId } from "../shared/auth.js";
import { daysFromNow, formatDate, formatDateTime } from "../shared/dates.js";
import {
  alertNote,
  bulletList,
  button,
  byId,
  choice,
  factList,
  form,
  h,
  infoNote,
  setContent,
} from "../shared/elements.js";
import { clientName, partner, partnerPath } from "./context.js";
import { describeAllowed, describeDenied, permissionGroups } from "../shared/permissions.js";
import { attempt, errorAlert, loadingNote, toast } from "../shared/page.js";
import { backLink, openTask } from "./tasks.js";
import { formatList, LANGUAGES, problemText, t } from "../shared/texts.js";

/** @type {Record<string, string>} */
const FIELD_LABELS = {
  employee_id: "partner.link.employee",
  account_id: "partner.link.account",
  recipient_email: "partner.link.recipient",
  purpose: "partner.link.purpose",
  access_days: "partner.link.access_days",
  link_days: "partner.link.link_days",
  max_approvals: "partner.link.max",
  locale: "partner.link.locale",
};
/**
 * What was typed, by the name of the field.
 *
 * @typedef {Record<LinkField, string>} LinkFields
 *
 * @typedef {"where" | "employee_id" | "account_id" | "recipient_email" | "purpose" | "access_days" | "link_days"
 *   | "max_approvals" | "locale"} LinkField
 *
 * @typedef {{ narrowed: boolean; removed: Set<string> }} Narrowing
 *
 * @typedef {Partial<LinkFields> & { narrowed?: boolean; removed?: string[] }} SavedLinkForm
 */

const OPTIONAL = new Set(["recipient_email", "purpose", "access_days"]);
/** @type {LinkFields} */
const DEFAULTS = {
  where: "any",
  account_id: "",
  recipient_email: "",
  purpose: "",
  access_days: "",
  link_days: "7",
  max_approvals: "1",
  locale: "",
  employee_id: "",
};

/** @type {(LinkFields & Narrowing) | undefined} */
let draft;

/** Return the form state to restore after the sign-in. */
export function linkFormState() {
  return draft && { link: { ...draft, removed: [...draft.removed] } };
}

/**
 * Create the task. `initial` prefills fields.
 *
 * @param {SavedLinkForm} [initial]
 * @returns {() => PageContent}
 */
export function linkFormTask(initial = {}) {
  /** @type {LinkFields & Narrowing} */
  const values = { ...DEFAULTS, narrowed: false, ...initial, removed: new Set(initial.removed) };
  draft = values;
  let waiting = true;
  /** @type {Api.Failure | undefined} */
  let error;

  async function load() {
    await attempt(() => partner.employees.all(), {
      pageState: linkFormState(),
      onError: (caught) => {
        error = caught;
      },
    });
    waiting = false;
    refresh();
  }

  let container = h("div", {});
  function refresh() {
    setContent(container, waiting ? loadingNote() : linkForm());
  }

  function linkForm() {
    const eligible = partner.employees.items.filter((employee) => employee.eligible && employee.state === "active");
    if (!eligible.length) {
      return error ? errorAlert(error) : infoNote(h("p", {}, t("partner.link.nobody")));
    }
    if (!eligible.some((employee) => employee.user_id === values.employee_id)) {
      values.employee_id = (eligible.find((employee) => employee.user_id === signedInUserId()) ?? eligible[0]).user_id;
    }
    const submitButton = h("button", { type: "submit", class: "first" }, t("partner.link.yes"));
    const alertContainer = h("div", {}, error && problemNote(error));
    const all = permissionGroups().flatMap((group) => Object.keys(group.names));
    const remaining = () => all.filter((name) => !values.removed.has(name));
    const canList = h("div", { id: "can-list", class: "can" }, bulletList(describeAllowed(remaining())));
    const [, permissionFields] = adjustmentFields({
      permissions: all,
      adjustment: values,
      onChange: () => canList.replaceChildren(bulletList(describeAllowed(remaining()))),
    });
    const endHint = h("p", { class: "quiet", id: "access_days-hint" });
    const updateEndHint = () => {
      const days = Number(values.access_days);
      endHint.textContent =
        days >= 1 && days <= 730
          ? t("partner.link.ends_on", { date: formatDate(daysFromNow(days)) })
          : t("partner.link.no_end");
    };
    updateEndHint();
    const narrowing = h(
      "details",
      {
        class: "narrowing",
        open: values.narrowed,
        ontoggle: () => {
          values.narrowed = narrowing.open;
        },
      },
      h("summary", {}, t("partner.link.narrow")),
      permissionFields,
      h("h2", {}, t("partner.link.left")),
      canList,
    );
    return form(
      submitButton,
      () => createLink(alertContainer),
      { class: "link-form" },
      h(
        "div",
        { class: "field" },
        h("label", { for: "employee_id" }, t("partner.link.employee")),
        selectField(
          "employee_id",
          eligible.map((employee) => [
            employee.user_id,
            employee.user_id === signedInUserId() ? `${employee.name} ${t("partner.you")}` : employee.name,
          ]),
        ),
      ),
      clientField(),
      inputField("recipient_email", { type: "email", maxlength: "254", autocomplete: "off" }),
      h("div", { class: "field" }, labelFor("purpose"), purposeField(), hintFor("purpose")),
      inputField(
        "access_days",
        { type: "number", min: "1", max: "730", inputmode: "numeric", class: "short" },
        endHint,
        updateEndHint,
      ),
      narrowing,
      h(
        "div",
        { class: "pair" },
        inputField("link_days", {
          type: "number",
          min: "1",
          max: "30",
          required: true,
          inputmode: "numeric",
          class: "short",
        }),
        h(
          "div",
          { class: "field" },
          h("label", { for: "locale" }, t("partner.link.locale")),
          selectField("locale", [["", t("partner.link.locale_auto")], ...Object.entries(LANGUAGES)]),
        ),
      ),
      alertContainer,
      h("div", { class: "actions" }, submitButton),
    );
  }

  /**
   * @param {LinkField} name
   * @param {[value: string, text: string][]} options
   */
  function selectField(name, options) {
    const select = h(
      "select",
      {
        id: name,
        onchange: () => {
          values[name] = select.value;
        },
      },
      options.map(([value, text]) => h("option", { value, selected: value === values[name] }, text)),
    );
    return select;
  }

  /** @param {LinkField} name */
  function labelFor(name) {
    return h(
      "label",
      { for: name },
      t(FIELD_LABELS[name]),
      OPTIONAL.has(name) && h("span", { class: "optional" }, ` ${t("partner.optional")}`),
    );
  }

  /** @param {LinkField} name */
  function hintFor(name) {
    return h("p", { class: "quiet", id: `${name}-hint` }, t(`partner.link.${name}_hint`));
  }

  /**
   * @param {LinkField} name
   * @param {Attributes} attributes
   * @param {HTMLElement} [hint]
   * @param {() => void} [onInput]
   */
  function inputField(name, attributes, hint = hintFor(name), onInput = () => {}) {
    const input = h("input", {
      ...attributes,
      id: name,
      value: values[name],
      "aria-describedby": `${name}-hint`,
      oninput: () => {
        values[name] = input.value;
        input.removeAttribute("aria-invalid");
        onInput();
      },
    });
    return h("div", { class: "field" }, labelFor(name), input, hint);
  }

  function purposeField() {
    const textarea = h("textarea", {
      id: "purpose",
      rows: "2",
      maxlength: "500",
      value: values.purpose,
      "aria-describedby": "purpose-hint",
      oninput: () => {
        values.purpose = textarea.value;
        textarea.removeAttribute("aria-invalid");
      },
    });
    return textarea;
  }

  /** Choice between any client and one client. Only a link for any client can have several approvals. */
  function clientField() {
    const oneClient = h(
      "div",
      { class: "under" },
      inputField("account_id", { list: "known", maxlength: "128", autocomplete: "off", spellcheck: "false" }),
    );
    const anyClient = h(
      "div",
      { class: "under" },
      inputField("max_approvals", {
        type: "number",
        min: "1",
        max: "1000",
        required: true,
        inputmode: "numeric",
        class: "short",
      }),
    );
    const knownClients = new Map(partner.clients.items.map((client) => [client.account_id, client.name]));
    function updateVisibility() {
      oneClient.hidden = values.where !== "one";
      anyClient.hidden = values.where !== "any";
    }
    updateVisibility();
    const radioChoice = (/** @type {"any" | "one"} */ value) => {
      const input = h("input", {
        type: "radio",
        name: "where",
        value,
        checked: values.where === value,
        onchange: () => {
          values.where = input.value;
          updateVisibility();
        },
      });
      return choice(input, t(`partner.link.where_${value}`));
    };
    return h(
      "fieldset",
      {},
      h("legend", {}, t("partner.link.where")),
      radioChoice("any"),
      anyClient,
      radioChoice("one"),
      oneClient,
      h(
        "datalist",
        { id: "known" },
        [...knownClients].map(([id, name]) => h("option", { value: id }, name)),
      ),
    );
  }

  function requestBody() {
    /** @type {Api.CreateLinkRequest} */
    const body = { employee_id: values.employee_id, link_days: Number(values.link_days) };
    if (values.where === "one") body.account_id = values.account_id.trim();
    else body.max_approvals = Number(values.max_approvals);
    if (values.recipient_email.trim()) body.recipient_email = values.recipient_email.trim();
    if (values.purpose.trim()) body.purpose = values.purpose.trim();
    if (values.locale) body.locale = /** @type {Api.Locale} */ (values.locale);
    if (values.access_days) body.access_days = Number(values.access_days);
    if (values.removed.size) body.permissions = { remove: [...values.removed].sort() };
    return body;
  }

  /** @param {Api.Failure} caught */
  function problemNote(caught) {
    const names = caught.errors?.map((each) => each.pointer.split("/")[1]).filter((name) => name in FIELD_LABELS) ?? [];
    return names.length ? invalidFieldsAlert(names, problemText(caught.code ?? "")) : errorAlert(caught);
  }

  /**
   * @param {string[]} names
   * @param {string} [text]
   */
  function invalidFieldsAlert(names, text) {
    for (const name of names) document.getElementById(name)?.setAttribute("aria-invalid", "true");
    return alertNote(
      text && h("p", {}, text),
      h(
        "p",
        {},
        t("partner.link.check", { fields: formatList([...new Set(names)].map((each) => t(FIELD_LABELS[each]))) }),
      ),
    );
  }

  /** @param {Element} alertContainer */
  async function createLink(alertContainer) {
    /** @type {NodeListOf<HTMLInputElement | HTMLTextAreaElement>} */
    const fields = container.querySelectorAll("input[id], textarea");
    const invalidIds = [...fields]
      .filter((each) => each.id in FIELD_LABELS && !each.closest("[hidden]") && !each.checkValidity())
      .map((each) => each.id);
    if (values.where === "one" && !values.account_id.trim()) invalidIds.push("account_id");
    error = undefined;
    if (invalidIds.length) {
      alertContainer.replaceChildren(invalidFieldsAlert(invalidIds));
      byId(invalidIds[0]).focus();
      return;
    }
    /** @type {Api.Response<Api.CreatedLink> | undefined} */
    const response = await attempt(
      () => call("POST", partnerPath("access-links"), { body: requestBody(), key: newIdempotencyKey() }),
      {
        pageState: linkFormState(),
        onError: (caught) => {
          error = caught;
        },
      },
    );
    if (!response) {
      if (error) alertContainer.replaceChildren(problemNote(error));
      /** @type {HTMLElement | null} */ (document.querySelector("[aria-invalid]"))?.focus();
      return;
    }
    const emailTo = values.recipient_email.trim();
    draft = undefined;
    partner.links.reset();
    partner.employees.reset();
    await openTask(linkReadyTask(response.body, emailTo));
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

/**
 * Show the created link. Its URL is available only in this response.
 *
 * @param {Api.CreatedLink} link
 * @param {string} [emailTo]
 * @returns {() => PageContent}
 */
export function linkReadyTask(link, emailTo) {
  return () => {
    const title = t("partner.ready.title");
    const field = h("input", {
      id: "address",
      readonly: true,
      value: link.url ?? "",
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
    const emailNote =
      link.delivery_status === "none"
        ? t("partner.ready.no_email")
        : emailTo
          ? t("partner.ready.email", { email: emailTo })
          : t("partner.ready.email_again");
    return {
      title,
      content: [
        backLink(),
        h("h1", {}, title),
        link.url
          ? h(
              "div",
              { class: "address" },
              h("label", { for: "address" }, t("partner.ready.address")),
              h("div", {}, field, button(t("partner.ready.copy"), copy, { class: "first" })),
              h("p", { class: "quiet", id: "address-hint" }, t("partner.ready.once")),
            )
          : infoNote(h("p", {}, t("partner.ready.lost"))),
        h("p", {}, emailNote),
        factList(
          [t("partner.link.for"), link.employee.name],
          [
            t("partner.client"),
            link.account_id ? clientName(link.account_id) : t("partner.link.any_n", { n: link.max_approvals }),
          ],
          [t("partner.link.purpose"), link.purpose && h("q", {}, link.purpose)],
          [
            t("partner.ready.access"),
            link.access_days ? t("partner.link.days", { n: link.access_days }) : t("partner.no_end"),
          ],
          [
            t("partner.ready.taken"),
            link.permissions.removed.length > 0 && bulletList(describeDenied(link.permissions.removed)),
          ],
          [t("partner.ready.until"), formatDateTime(link.expires_at)],
        ),
        h(
          "div",
          { class: "actions" },
          button(t("partner.ready.another"), () => openTask(linkFormTask())),
        ),
      ],
    };
  };
}
