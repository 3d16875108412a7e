// View that turns a partner's super admin into a partner admin. It shows a preview first.

import { accountPath, navigate, problemAlert, seatName, viewLink } from "./context.js";
import { loadMember } from "./member.js";
import { call, newIdempotencyKey } from "../shared/api.js";
import { bulletList, button, factList, h, infoNote } from "../shared/elements.js";
import { describeDenied } from "../shared/permissions.js";
import { attempt, redraw, toast } from "../shared/page.js";
import { displayName, t } from "../shared/texts.js";

/**
 * @param {string} userId
 * @returns {View}
 */
export function migrationView(userId) {
  /** @type {LoadedMember} */
  let loaded;
  /** @type {Api.MigrationPreview | undefined} */
  let preview;
  /** @type {Api.Failure | undefined} */
  let error;

  async function load() {
    loaded = await loadMember(userId);
    error = undefined;
    await attempt(
      async () => {
        /** @type {Api.Response<Api.MigrationPreview>} */
        const { body } = await call("POST", `${accountPath}/migrations`, {
          body: { user_id: userId, dry_run: true },
          key: newIdempotencyKey(),
        });
        preview = body;
      },
      {
        onError: (caught) => {
          error = caught;
        },
      },
    );
  }

  function render() {
    const name = displayName(loaded.member);
    const title = t("account.migrate.title", { name });
    const cancelLink = viewLink(t("cancel"), { user: userId }, { class: "button" });
    const retryLabel = t("account.again");
    return {
      title,
      content: [
        h("h1", {}, title),
        h("p", { class: "lead" }, t("account.migrate.lead", { name })),
        error && problemAlert(error),
        preview && previewContent(preview, name),
        h(
          "div",
          { class: "actions" },
          preview && !error
            ? button(t("account.migrate.yes"), migrate, { class: "first" })
            : button(retryLabel, async () => {
                await load();
                await redraw();
              }),
          cancelLink,
        ),
      ],
    };
  }

  /**
   * @param {Api.MigrationPreview} preview
   * @param {string} name
   */
  function previewContent(
    { lost, seat, remaining_super_admins: remaining, remaining_are_partner_employees: onlyPartnerEmployees, grant },
    name,
  ) {
    return [
      factList(
        [
          t("account.loses"),
          h("div", { class: "cannot" }, bulletList(describeDenied(lost.map((each) => each.split(":")[0])))),
        ],
        [t("account.seat"), t("account.from_to", { before: seatName(seat.before), after: seatName(seat.after) })],
        [t("account.migrate.left"), t("account.migrate.left_n", { n: remaining })],
        [t("account.migrate.undo"), t("account.migrate.undo_how", { name })],
      ),
      onlyPartnerEmployees && h("div", { class: "note bad" }, h("p", {}, t("account.migrate.partner_employees"))),
      grant.notice === "paid_seat_required" && infoNote(h("p", {}, t("approve.paid_seat"))),
    ];
  }

  async function migrate() {
    const key = newIdempotencyKey();
    await attempt(
      async () => {
        await call("POST", `${accountPath}/migrations`, { body: { user_id: userId }, key });
        toast(t("account.migrate.done", { name: displayName(loaded.member) }));
        await navigate({ user: userId });
      },
      {
        onError: async (caught) => {
          error = caught;
          await redraw();
        },
      },
    );
  }

  return { load, render };
}
