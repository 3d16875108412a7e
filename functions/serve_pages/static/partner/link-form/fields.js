// Fields for an access link. Each updates the draft when it changes.

import { partner } from "../context.js";
import { accessEnd, FIELD_LABELS } from "./request.js";
import { adjustmentFields } from "../../shared/adjustment-fields.js";
import { signedInUserId } from "../../shared/auth.js";
import { formatDay, MAX_ACCESS_DAYS } from "../../shared/dates.js";
import { bulletList, choice, h } from "../../shared/elements.js";
import { describeAllowed, permissionGroups } from "../../shared/permissions.js";
import { displayName, LANGUAGES, t } from "../../shared/texts.js";

const OPTIONAL = new Set(["recipient_email", "purpose", "access_days"]);

/**
 * @typedef {import("./request.js").LinkDraft} LinkDraft
 *
 * @typedef {import("./request.js").LinkField} LinkField
 */

/**
 * Create the fields, in their order on the page.
 *
 * @param {LinkDraft} draft
 * @param {readonly Api.Employee[]} eligible
 * @returns {Content}
 */
export function linkFields(draft, eligible) {
  return [
    selectField(
      draft,
      "employee_id",
      eligible.map((employee) => [
        employee.user_id,
        employee.user_id === signedInUserId() ? `${displayName(employee)} ${t("partner.you")}` : displayName(employee),
      ]),
    ),
    clientField(draft),
    inputField(draft, "recipient_email", { type: "email", maxlength: "254", autocomplete: "off" }),
    purposeField(draft),
    accessDaysField(draft),
    narrowingField(draft),
    h(
      "div",
      { class: "pair" },
      numberField(draft, "link_days", { max: "30", required: true }),
      selectField(draft, "locale", [["", t("partner.link.locale_auto")], ...Object.entries(LANGUAGES)]),
    ),
  ];
}

/**
 * @param {LinkField} name
 * @param {...Content} content
 */
function field(name, ...content) {
  return h(
    "div",
    { class: "field" },
    h(
      "label",
      { for: name },
      t(FIELD_LABELS[name]),
      OPTIONAL.has(name) && h("span", { class: "optional" }, ` ${t("partner.optional")}`),
    ),
    content,
  );
}

/** @param {LinkField} name */
function hintFor(name) {
  return h("p", { class: "quiet", id: `${name}-hint` }, t(`partner.link.${name}_hint`));
}

/**
 * Return the attributes of a text field with a hint.
 *
 * @param {LinkDraft} draft
 * @param {LinkField} name
 * @param {() => void} [onInput]
 * @returns {Attributes}
 */
function textAttributes(draft, name, onInput) {
  return {
    id: name,
    value: draft[name],
    "aria-describedby": `${name}-hint`,
    oninput: ({ currentTarget }) => {
      const element = /** @type {HTMLInputElement | HTMLTextAreaElement} */ (currentTarget);
      draft[name] = element.value;
      element.removeAttribute("aria-invalid");
      onInput?.();
    },
  };
}

/**
 * @param {LinkDraft} draft
 * @param {LinkField} name
 * @param {[value: string, text: string][]} options
 */
function selectField(draft, name, options) {
  const select = h(
    "select",
    {
      id: name,
      onchange: () => {
        draft[name] = select.value;
      },
    },
    options.map(([value, text]) => h("option", { value, selected: value === draft[name] }, text)),
  );
  return field(name, select);
}

/**
 * @param {LinkDraft} draft
 * @param {LinkField} name
 * @param {Attributes} attributes
 */
function inputField(draft, name, attributes) {
  return field(name, h("input", { ...attributes, ...textAttributes(draft, name) }), hintFor(name));
}

/**
 * @param {LinkDraft} draft
 * @param {LinkField} name
 * @param {Attributes} attributes
 * @param {HTMLElement} [hint]
 * @param {() => void} [onInput]
 */
function numberField(draft, name, attributes, hint = hintFor(name), onInput) {
  const common = { type: "number", min: "1", inputmode: "numeric", class: "short" };
  return field(name, h("input", { ...common, ...attributes, ...textAttributes(draft, name, onInput) }), hint);
}

/** @param {LinkDraft} draft */
function purposeField(draft) {
  const textarea = h("textarea", { rows: "2", maxlength: "500", ...textAttributes(draft, "purpose") });
  return field("purpose", textarea, hintFor("purpose"));
}

/**
 * Field for the days of access, with the date on which access would end.
 *
 * @param {LinkDraft} draft
 */
function accessDaysField(draft) {
  const hint = h("p", { class: "quiet", id: "access_days-hint" });
  const updateHint = () => {
    const end = accessEnd(draft.access_days);
    hint.textContent = end ? t("partner.link.ends_on", { date: formatDay(end) }) : t("partner.link.no_end");
  };
  updateHint();
  return numberField(draft, "access_days", { max: String(MAX_ACCESS_DAYS) }, hint, updateHint);
}

/**
 * Choice of fewer permissions, with a list of the remaining ones.
 *
 * @param {LinkDraft} draft
 */
function narrowingField(draft) {
  const all = permissionGroups().flatMap((group) => Object.keys(group.names));
  const remainingList = () => bulletList(describeAllowed(all.filter((name) => !draft.removed.has(name))));
  const canList = h("div", { id: "can-list", class: "can" }, remainingList());
  const [, permissionFields] = adjustmentFields({
    permissions: all,
    adjustment: draft,
    onChange: () => canList.replaceChildren(remainingList()),
  });
  const details = h(
    "details",
    {
      class: "narrowing",
      open: draft.narrowed,
      ontoggle: () => {
        draft.narrowed = details.open;
      },
    },
    h("summary", {}, t("partner.link.narrow")),
    permissionFields,
    h("h2", {}, t("partner.link.left")),
    canList,
  );
  return details;
}

/**
 * Choice between any client and one client. Only a link for any client can have several approvals.
 *
 * @param {LinkDraft} draft
 */
function clientField(draft) {
  const oneClient = h(
    "div",
    { class: "under" },
    inputField(draft, "account_id", { list: "known", maxlength: "128", autocomplete: "off", spellcheck: "false" }),
  );
  const anyClient = h("div", { class: "under" }, numberField(draft, "max_approvals", { max: "1000", required: true }));
  const knownClients = new Map(partner.clients.items.map((client) => [client.account_id, client.name]));
  function updateVisibility() {
    oneClient.hidden = draft.where !== "one";
    anyClient.hidden = draft.where !== "any";
  }
  updateVisibility();
  const radioChoice = (/** @type {"any" | "one"} */ value) => {
    const input = h("input", {
      type: "radio",
      name: "where",
      value,
      checked: draft.where === value,
      onchange: () => {
        draft.where = input.value;
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
