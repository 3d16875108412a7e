// View of one member: their rights, and the actions that the user can take.

import {
  accountId,
  accountPath,
  choicesFor,
  context,
  isAllowedInAccount,
  navigate,
  problemAlert,
  seatNames,
  setName,
  userPath,
  viewLink,
} from "./context.js";
import { stateBadge } from "./member-list.js";
import { applyOverrides, baseRights, differenceList, rightsOverview } from "./rights.js";
import { dateAlert } from "../shared/adjustment-fields.js";
import { call, listAll, newIdempotencyKey } from "../shared/api.js";
import { addDays, formatDateTime, formatDay, formatEnd, MAX_ACCESS_DAYS, setTimeZone, today } from "../shared/dates.js";
import { alertNote, button, factList, h, infoNote, openDialog } from "../shared/elements.js";
import { askToConfirm, confirmAction } from "../shared/confirmation.js";
import { attempt, redraw, toast } from "../shared/page.js";
import { displayName, formatList, t } from "../shared/texts.js";

/**
 * Load a membership, the permission sets to choose from, and the resulting rights.
 *
 * @param {string} userId
 * @returns {Promise<LoadedMember>}
 */
export async function loadMember(userId) {
  /** @type {Api.Response<Api.Member>} */
  const { body: member, etag } = await call("GET", userPath(userId));
  setTimeZone(member.time_zone);
  const [choices, gained] = await Promise.all([
    context.sets ? choicesFor(member.email) : [],
    isAllowedInAccount("accept_set_updates") ? pendingGains(userId) : [],
  ]);
  const base = baseRights(member.permission_set, [...(context.sets ?? []), ...choices], gained);
  return { member, etag, choices, gained, base, rights: base && applyOverrides(base, member.permissions) };
}

/** @param {string} userId */
async function pendingGains(userId) {
  /** @type {Api.SetUpdate[]} */
  const updates = await listAll(`${accountPath}/permission-sets/updates`);
  return updates.find((each) => each.user_id === userId)?.gained ?? [];
}

/**
 * Return the parts of a member's access that can differ between two states, as texts and rights.
 *
 * @param {Pick<LoadedMember, "member" | "rights">} loaded
 */
export function comparableState({ member, rights }) {
  return {
    set: setName(member.permission_set, member.set_name),
    seats: seatNames(member),
    until: member.access_ends_on,
    state: t(`account.state.${member.state}`),
    rights,
  };
}

/**
 * Alert that lists the changes which another user made in the meantime.
 *
 * @param {LoadedMember} before
 * @param {LoadedMember} current
 */
export function concurrentChangeAlert(before, current) {
  return alertNote(
    h("p", {}, t("account.meanwhile")),
    differenceList(comparableState(before), comparableState(current)) ?? h("p", {}, t("account.meanwhile.elsewhere")),
  );
}

/**
 * @param {string} userId
 * @returns {View}
 */
export function memberView(userId) {
  /** @type {LoadedMember} */
  let loaded;
  /** @type {(() => Content) | undefined} */
  let note;

  async function load() {
    loaded = await loadMember(userId);
  }

  /**
   * Run an action and show its outcome. After a version conflict, reload and show what changed meanwhile.
   *
   * @param {() => unknown} action
   * @param {string} doneText
   * @param {() => unknown} [onDone]
   */
  async function perform(action, doneText, onDone = load) {
    const before = loaded;
    note = undefined;
    await attempt(
      async () => {
        await action();
        toast(doneText);
        await onDone();
      },
      {
        onError: async (caught) => {
          note = () => problemAlert(caught);
          if (caught.code !== "precondition_failed") return;
          await attempt(load, { onError: () => {} });
          note = () => concurrentChangeAlert(before, loaded);
        },
      },
    );
    await redraw();
  }

  function render() {
    const { member, rights } = loaded;
    const name = displayName(member);
    return {
      title: name,
      content: [
        context.sets && h("p", { class: "back" }, viewLink(t("account.back"), {})),
        h("h1", {}, name, " ", stateBadge(member.state)),
        h("div", { id: "problem" }, note?.()),
        suspensionNote(member),
        factList(
          [t("account.email"), member.email],
          [t("account.partner"), member.partner_id && (member.partner_name ?? member.partner_id)],
          [
            t("account.set"),
            [
              setName(member.permission_set, member.set_name),
              member.permission_set === "partner_admin" &&
                h("span", { class: "quiet block" }, t("account.set.partner_admin.meaning")),
            ],
          ],
          [t("account.seats"), seatNames(member)],
          [
            t("account.since"),
            [
              formatDateTime(member.since),
              member.granted_by_name &&
                h("span", { class: "quiet block" }, t("account.by", { name: member.granted_by_name })),
            ],
          ],
          [t("account.until"), member.expires_at ? formatEnd(member.expires_at) : t("account.no_end")],
        ),
        actionButtons(member, name),
        member.state === "deactivated"
          ? h("p", { class: "note" }, t("account.ended_note"))
          : rights
            ? rightsOverview(rights, name)
            : unknownSetNote(member),
      ],
    };
  }

  /** @param {Api.Member} member */
  function suspensionNote(member) {
    if (!member.suspended_by?.length) return undefined;
    return infoNote(
      h(
        "p",
        {},
        t("account.suspended_note", {
          sides: formatList(member.suspended_by.map((side) => t(`account.side.${side}`))),
        }),
      ),
      !member.allowed_actions.includes("resume") && h("p", {}, t("account.resumed_by_others")),
    );
  }

  /** @param {Api.Member} member */
  function unknownSetNote({ permissions }) {
    return h(
      "p",
      { class: "quiet" },
      t(
        permissions.added.length + permissions.removed.length
          ? "account.set_with_changes_unknown"
          : "account.set_unknown",
      ),
    );
  }

  /**
   * @param {Api.Member} member
   * @param {string} name
   */
  function actionButtons(member, name) {
    const isAllowed = (/** @type {Api.MemberAction} */ action) => member.allowed_actions.includes(action);
    const isSelf = member.user_id === context.userId;
    return h(
      "div",
      { class: "actions" },
      isAllowed("edit") && viewLink(t("account.edit"), { user: userId, do: "edit" }, { class: "button first" }),
      isAllowed("change_end") && button(t("account.change_end"), () => changeEnd(member, name)),
      isAllowed("migrate") && viewLink(t("account.migrate"), { user: userId, do: "migrate" }, { class: "button" }),
      !isSelf && isAllowed("suspend") && button(t("account.suspend"), () => suspend(name)),
      isAllowed("resume") && button(t("account.resume"), () => resume(name)),
      context.sets && viewLink(t("account.history"), { audit_log: "", user: userId }, { class: "button plain" }),
      isAllowed("remove") &&
        button(t(isSelf ? "account.leave" : "account.end"), () => endAccess(member, name, isSelf), {
          class: "plain bad",
        }),
    );
  }

  /**
   * @param {Api.Member} member
   * @param {string} name
   */
  async function changeEnd(member, name) {
    const endDate = await openDialog(t("account.change_end"), (/** @type {(date?: string) => void} */ close) => {
      const latestDay = addDays(today(), MAX_ACCESS_DAYS);
      const field = h("input", {
        type: "date",
        id: "end",
        min: today(),
        max: latestDay,
        value: member.access_ends_on,
        "aria-describedby": "end-hint",
      });
      const alertContainer = h("div", {});
      return h(
        "form",
        {
          novalidate: true,
          onsubmit: (event) => {
            event.preventDefault();
            if (field.checkValidity()) return close(field.value);
            alertContainer.replaceChildren(dateAlert("account.date_wrong", field));
            return field.focus();
          },
        },
        h("p", {}, t("account.change_end.body", { name })),
        alertContainer,
        h(
          "div",
          { class: "field" },
          h("label", { for: "end" }, t("adjust.until")),
          field,
          h("p", { class: "quiet", id: "end-hint" }, t("account.end_hint", { date: formatDay(latestDay) })),
        ),
        h(
          "div",
          { class: "actions" },
          h("button", { type: "submit", class: "first" }, t("account.save")),
          button(t("cancel"), () => close()),
        ),
      );
    });
    if (endDate === undefined) return;
    const key = newIdempotencyKey();
    await perform(
      () =>
        call("PATCH", userPath(userId), {
          body: { access_ends_on: endDate || null },
          key,
          expectedVersion: loaded.etag,
        }),
      t("account.saved"),
    );
  }

  /** @param {string} name */
  async function suspend(name) {
    const path = `${userPath(userId)}/suspension`;
    const response = await confirmAction({
      title: t("account.suspend.title", { name }),
      body: t("account.suspend.body", { name }),
      reasonLabel: t("account.suspend.reason"),
      confirmLabel: t("account.suspend"),
      action: (reason) => call("PUT", path, { body: reason ? { reason } : {}, key: newIdempotencyKey() }),
    });
    if (response) await perform(() => {}, t("account.suspended", { name }));
  }

  /** @param {string} name */
  async function resume(name) {
    const key = newIdempotencyKey();
    await perform(() => call("DELETE", `${userPath(userId)}/suspension`, { key }), t("account.resumed", { name }));
  }

  /**
   * @param {Api.Member} member
   * @param {string} name
   * @param {boolean} isSelf
   */
  async function endAccess(member, name, isSelf) {
    const bodyKey = member.grant_id ? "account.end.grant" : "account.end.membership";
    const account = context.account?.name ?? accountId;
    const undoKey = member.grant_id ? "account.end.again_link" : "account.end.again_create";
    const answer = await askToConfirm({
      title: t(isSelf ? "account.leave.title" : "account.end.title", { name, account }),
      body: [
        h("p", {}, t(isSelf ? "account.leave.body" : bodyKey, { name, account })),
        h("p", {}, t(isSelf ? "account.leave.back" : undoKey, { name })),
      ],
      confirmLabel: t(isSelf ? "account.leave" : "account.end"),
    });
    if (answer === undefined) return;
    const key = newIdempotencyKey();
    await perform(
      () => call("DELETE", userPath(userId), { key, expectedVersion: loaded.etag }),
      t(isSelf ? "account.left" : "account.ended", { name, account }),
      () => {
        if (isSelf) return location.assign("/");
        return context.sets
          ? navigate({})
          : location.assign(`/partners/${encodeURIComponent(member.partner_id ?? "")}`);
      },
    );
  }

  return { load, render };
}
