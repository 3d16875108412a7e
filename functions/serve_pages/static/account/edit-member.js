// View that edits a member's access. It shows the changes before they are saved.

import { context, navigate, problemAlert, seatName, setName, userPath, viewLink } from "./context.js";
import {
  draftBase,
  draftOf,
  draftRights,
  mergeDraft,
  newDraft,
  requestBody,
  selectSet,
  serializeDraft,
} from "./access-draft.js";
import { detailFields, permissionSetField, redrawDetails } from "./access-fields.js";
import { comparableState, concurrentChangeAlert, loadMember } from "./member.js";
import { differenceList } from "./rights.js";
import { dateAlert } from "../shared/adjustment-fields.js";
import { call, newIdempotencyKey } from "../shared/api.js";
import { alertNote, byId, form, h, inputById, setContent } from "../shared/elements.js";
import { attempt, redraw, toast } from "../shared/page.js";
import { displayName, formatList, problemText, t } from "../shared/texts.js";

/**
 * @param {string} userId
 * @returns {View<SavedAccessDraft | undefined>}
 */
export function editView(userId) {
  /** @type {LoadedMember} */
  let loaded;
  /** @type {AccessDraft} */
  let draft;
  /** @type {((() => Content) & { clearsOnChange?: boolean }) | undefined} */
  let note;

  async function load() {
    loaded = await loadMember(userId);
    draft ??= draftOf(loaded);
    if (!draft.removed) selectSet(draft, draft.set, loaded.choices, loaded);
  }

  function stateAfter() {
    const { member } = loaded;
    const base = draftBase(draft, loaded.choices, loaded);
    const rights = draftRights(draft, base, loaded);
    const seat = draft.set === "partner_admin" ? "partner" : draft.seat || member.seat;
    return {
      set: setName(
        draft.set,
        loaded.choices.find((each) => each.permission_set === draft.set)?.name ?? member.set_name,
      ),
      seats: formatList([seat, ...[...draft.paidSeats].filter((each) => each !== seat).sort()].map(seatName)),
      until: newEnd(member),
      rights: draft.set === "super_admin" ? base : rights,
      state: comparableState(loaded).state,
    };
  }

  /** @param {Api.Member} member */
  function newEnd(member) {
    const body = requestBody(draft, loaded.choices, loaded);
    if (draft.set === "super_admin") return null;
    return "access_ends_on" in body ? body.access_ends_on : member.access_ends_on;
  }

  function changeSummary() {
    return differenceList(comparableState(loaded), stateAfter()) ?? h("p", { class: "quiet" }, t("account.no_changes"));
  }

  function onChange() {
    if (note?.clearsOnChange) showNote();
    setContent(byId("can-list"), changeSummary());
  }

  function formOptions() {
    return { draft, choices: loaded.choices, loaded, onChange };
  }

  function render() {
    const { member, choices } = loaded;
    const name = displayName(member);
    const title = t("account.edit.title", { name });
    const cancelLink = viewLink(t("cancel"), { user: userId }, { class: "button" });
    if (!member.allowed_actions.includes("edit")) {
      return {
        title,
        narrow: true,
        content: [h("h1", {}, title), alertNote(h("p", {}, problemText("forbidden"))), cancelLink],
      };
    }
    const saveButton = h("button", { type: "submit", class: "first" }, t("account.save"));
    return {
      title,
      content: form(
        saveButton,
        submit,
        { class: "edit" },
        h("h1", {}, title),
        h("p", { class: "lead" }, t(context.sets ? "account.edit.lead" : "account.edit.narrow_only")),
        h("div", { id: "problem" }, note?.()),
        context.sets &&
          permissionSetField({
            draft,
            choices: choices.filter(
              (each) => each.permission_set !== "partner_admin" || member.permission_set !== "super_admin",
            ),
            currentMember: member,
            onChoose: (set) => {
              selectSet(draft, set, choices, loaded);
              redrawDetails(formOptions());
              onChange();
            },
          }),
        h("div", { id: "details" }, detailFields(formOptions())),
        h(
          "section",
          { class: "changes", "aria-labelledby": "changes", "aria-live": "polite" },
          h("h2", { id: "changes" }, t("account.changes")),
          h("div", { id: "can-list" }, changeSummary()),
        ),
        h("div", { class: "actions" }, saveButton, cancelLink),
      ),
    };
  }

  /**
   * Show a note about the input. The note stays until the input changes.
   *
   * @param {() => Content} [renderContent]
   */
  function showNote(renderContent) {
    note = renderContent && Object.assign(() => renderContent(), { clearsOnChange: true });
    setContent(byId("problem"), renderContent?.());
    if (renderContent) byId("problem").scrollIntoView({ block: "center" });
  }

  async function submit() {
    const body = requestBody(draft, loaded.choices, loaded);
    if (!Object.keys(body).length) return showNote(() => alertNote(h("p", {}, t("account.no_changes"))));
    const field = inputById("until");
    if (field?.checkValidity() === false && "access_ends_on" in body) {
      showNote(() => dateAlert("account.date_wrong", field));
      return field.focus();
    }
    const key = newIdempotencyKey();
    return attempt(
      async () => {
        await call("PATCH", userPath(userId), { body, key, expectedVersion: loaded.etag });
        toast(t("account.saved"));
        await navigate({ user: userId });
      },
      {
        pageState: { formState: serializeDraft(draft) },
        onError: async (caught) => {
          if (caught.code !== "precondition_failed") {
            return showNote(() =>
              problemAlert(caught, context.sets ? {} : { forbidden: t("account.edit.narrow_only") }),
            );
          }
          return attempt(mergeConcurrentEdit, {
            pageState: { formState: serializeDraft(draft) },
            onError: (reloadError) => showNote(() => problemAlert(reloadError)),
          });
        },
      },
    );
  }

  /** After a version conflict: load the latest state, keep the user's own edits, and show what changed meanwhile. */
  async function mergeConcurrentEdit() {
    const [before, original] = [loaded, draftOf(loaded)];
    loaded = await loadMember(userId);
    draft = mergeDraft(draft, original, loaded);
    const latest = loaded;
    note = () => concurrentChangeAlert(before, latest);
    await redraw({ focus: false });
    byId("problem").scrollIntoView({ block: "center" });
  }

  return {
    load,
    render,
    formState: () => draft && serializeDraft(draft),
    restore: (formState) => {
      draft = newDraft(formState ?? {});
    },
  };
}
