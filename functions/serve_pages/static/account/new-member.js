// View that creates a member in three steps: email address, permission set, details. Input is kept between the steps.

import {
  accountPath,
  choicesFor,
  context,
  isAllowedInAccount,
  navigate,
  problemAlert,
  setName,
  viewLink,
} from "./context.js";
import { draftBase, draftRights, newDraft, requestBody, selectSet, serializeDraft } from "./access-draft.js";
import { detailFields, permissionSetField } from "./access-fields.js";
import { rightsOverview } from "./rights.js";
import { dateAlert } from "../shared/adjustment-fields.js";
import { call, newIdempotencyKey } from "../shared/api.js";
import { formatEnd } from "../shared/dates.js";
import { alertNote, button, byId, factList, form, h, infoNote, inputById, setContent } from "../shared/elements.js";
import { typedEmail } from "../shared/normalization.js";
import { attempt, redraw } from "../shared/page.js";
import { displayName, problemText, t } from "../shared/texts.js";

const STEPS = 3;

/**
 * What was typed, as it is stored during the sign-in.
 *
 * @typedef {{ step?: number; email?: string; partnerId?: string; draft?: SavedAccessDraft }} FormState
 */

/** @returns {View<FormState>} */
export function newMemberView() {
  let step = 1;
  let email = "";
  let partnerId = "";
  /** @type {Api.PermissionSet[]} */
  let choices = [];
  let draft = newDraft();
  /** @type {((() => Content) & { askPartner?: boolean }) | undefined} */
  let note;
  /** @type {Api.CreatedMember | undefined} */
  let created;
  let key = newIdempotencyKey();

  function formState() {
    return { step, email, partnerId, draft: serializeDraft(draft) };
  }

  async function load() {
    if (step > 1 && context.sets) choices = await choicesFor(email);
  }

  /** @param {number} nextStep */
  async function goToStep(nextStep) {
    [step, note] = [nextStep, undefined];
    await redraw();
  }

  /** @param {() => Content} renderNote */
  function showNote(renderNote) {
    note = renderNote;
    setContent(byId("problem"), renderNote());
    /** @type {HTMLElement | null} */ (document.querySelector("#email, #sets input, #partner"))?.focus();
  }

  /**
   * @param {() => unknown} submit
   * @param {string} label
   * @param {...Content} fields
   */
  function stepForm(submit, label, ...fields) {
    const submitButton = h("button", { type: "submit", class: "first" }, label);
    return form(
      submitButton,
      submit,
      {},
      h("p", { class: "quiet" }, t("account.new.step", { step, steps: STEPS })),
      h("h1", {}, t("account.new.title")),
      h("div", { id: "problem" }, note?.()),
      fields,
      h(
        "div",
        { class: "actions" },
        submitButton,
        step > 1
          ? button(t("account.new.back"), () => goToStep(step - 1))
          : viewLink(t("cancel"), {}, { class: "button" }),
      ),
    );
  }

  function render() {
    const title = t("account.new.title");
    if (!isAllowedInAccount("create_user")) {
      return { title, narrow: true, content: [h("h1", {}, title), alertNote(h("p", {}, problemText("forbidden")))] };
    }
    if (created) return createdContent(created);
    return { title, narrow: step < STEPS, content: [emailStep, setStep, detailsStep][step - 1]() };
  }

  function emailStep() {
    const field = h("input", {
      type: "email",
      id: "email",
      value: email,
      autocomplete: "off",
      inputmode: "email",
      spellcheck: "false",
      required: true,
      "aria-describedby": "email-hint",
      oninput: () => {
        email = field.value;
        key = newIdempotencyKey();
      },
    });
    return stepForm(
      async () => {
        email = typedEmail(email);
        field.value = email;
        if (!email || !field.checkValidity()) {
          return showNote(() => alertNote(h("p", {}, problemText("invalid_email"))));
        }
        return attempt(
          async () => {
            choices = await choicesFor(email);
            if (!choices.some((each) => each.permission_set === draft.set)) draft = newDraft();
            await goToStep(2);
          },
          {
            pageState: { formState: formState() },
            onError: (caught) =>
              showNote(() =>
                problemAlert(caught, {
                  invalid_query: problemText("invalid_email"),
                  "invalid_query/email": problemText("invalid_email"),
                }),
              ),
          },
        );
      },
      t("account.new.next"),
      h("p", { class: "lead" }, t("account.new.lead")),
      h(
        "div",
        { class: "field" },
        h("label", { for: "email" }, t("account.email")),
        field,
        h("p", { class: "quiet", id: "email-hint" }, t("account.new.email_hint")),
      ),
    );
  }

  function setStep() {
    const offersPartnerAdmin = choices.some((each) => each.permission_set === "partner_admin");
    return stepForm(
      () => (draft.set ? goToStep(3) : showNote(() => alertNote(h("p", {}, t("account.new.choose_first"))))),
      t("account.new.next"),
      h("p", { class: "lead" }, t("account.new.for", { email })),
      h("p", { class: "quiet" }, t(offersPartnerAdmin ? "account.new.eligible" : "account.new.not_eligible")),
      permissionSetField({
        draft,
        choices,
        onChoose: (set) => {
          selectSet(draft, set, choices);
          key = newIdempotencyKey();
        },
      }),
    );
  }

  function rightsOfDraft() {
    return draftRights(draft, draftBase(draft, choices), undefined);
  }

  function detailsStep() {
    const onChange = () => {
      key = newIdempotencyKey();
      const rights = rightsOfDraft();
      if (rights) setContent(byId("can-list"), rightsOverview(rights));
    };
    const rights = rightsOfDraft();
    return stepForm(
      create,
      t("account.new.create"),
      h(
        "p",
        { class: "lead" },
        t("account.new.gets", {
          email,
          set: setName(draft.set, choices.find((each) => each.permission_set === draft.set)?.name),
        }),
      ),
      partnerId || note?.askPartner ? partnerField() : undefined,
      detailFields({ draft, choices, loaded: undefined, onChange }),
      h("div", { id: "can-list" }, rights && rightsOverview(rights)),
    );
  }

  function partnerField() {
    const field = h("input", {
      id: "partner",
      value: partnerId,
      autocomplete: "off",
      spellcheck: "false",
      "aria-describedby": "partner-hint",
      oninput: () => {
        partnerId = field.value.trim();
        key = newIdempotencyKey();
      },
    });
    return h(
      "div",
      { class: "field" },
      h("label", { for: "partner" }, t("account.field.partner_id")),
      field,
      h("p", { class: "quiet", id: "partner-hint" }, t("account.new.partner_hint")),
    );
  }

  async function create() {
    const field = inputById("until");
    if (field?.checkValidity() === false) {
      return showNote(() => dateAlert("account.date_wrong", field));
    }
    const body = { email, ...requestBody(draft, choices), ...(partnerId && { partner_id: partnerId }) };
    return attempt(
      async () => {
        /** @type {Api.Response<Api.CreatedMember>} */
        const response = await call("POST", `${accountPath}/users`, { body, key });
        if (response.replayed) return navigate({ user: response.body.user_id });
        created = response.body;
        return redraw();
      },
      {
        pageState: { formState: formState() },
        onError: async (caught) => {
          const renderNote = () =>
            problemAlert(caught, {
              "invalid_field/email": t("account.new.unknown"),
              "invalid_field/partner_id": t("account.new.two_partners"),
            });
          renderNote.askPartner = caught.errors?.some((each) => each.pointer === "/partner_id");
          note = renderNote;
          await redraw({ focus: false });
          byId("problem").scrollIntoView({ block: "center" });
          if (renderNote.askPartner) byId("partner").focus({ preventScroll: true });
        },
      },
    );
  }

  /** @param {Api.CreatedMember} member */
  function createdContent(member) {
    const name = displayName(member);
    const title = t("account.new.done", { name });
    return {
      title,
      narrow: true,
      content: [
        h("h1", {}, title),
        h("p", { class: "lead" }, t("account.new.done.body", { name })),
        factList(
          [t("account.set"), setName(member.permission_set)],
          [t("account.until"), member.expires_at ? formatEnd(member.expires_at) : t("account.no_end")],
        ),
        member.grant?.notice === "paid_seat_required" && infoNote(h("p", {}, t("approve.paid_seat"))),
        h(
          "div",
          { class: "actions" },
          viewLink(t("account.new.see", { name }), { user: member.user_id }, { class: "button first" }),
          button(t("account.new.another"), () => navigate({ new: "" })),
          viewLink(t("account.back"), {}, { class: "button plain" }),
        ),
      ],
    };
  }

  return {
    load,
    render,
    formState,
    restore: (saved) => {
      [step, email, partnerId, draft] = [
        saved.step ?? 1,
        saved.email ?? "",
        saved.partnerId ?? "",
        newDraft(saved.draft),
      ];
    },
  };
}
