// A super admin who works for a partner becomes partner admin: first it is shown what that takes and gives.

import { api, go, link, seatName, trouble } from "./account-here.js";
import { look, nameOf } from "./account-person.js";
import { call, newKey } from "./api.js";
import { bullets, button, facts, h } from "./elements.js";
import { cannot } from "./permissions.js";
import { attempt, redraw, toast } from "./shell.js";
import { say } from "./words.js";

export function migration(userId) {
  let found;
  let preview;
  let error;

  async function load() {
    found = await look(userId);
    error = undefined;
    const refusedWith = (refusal) => {
      error = refusal;
    };
    await attempt(async () => {
      preview = (await call("POST", `${api}/migrations`, { body: { user_id: userId, dry_run: true }, key: newKey() })).body;
    }, { otherwise: refusedWith });
  }

  function render() {
    const name = nameOf(found.member);
    const title = say("account.migrate.title", { name });
    const back = link(say("cancel"), { user: userId }, { class: "button" });
    const again = say("account.again");
    return {
      title,
      content: [
        h("h1", {}, title),
        h("p", { class: "lead" }, say("account.migrate.lead", { name })),
        error && trouble(error),
        preview && before(preview, name),
        h("div", { class: "actions" }, preview && !error ? button(say("account.migrate.yes"), migrate, { class: "first" }) : button(again, async () => {
          await load();
          await redraw();
        }), back),
      ],
    };
  }

  function before({ lost, seat, remaining_super_admins: left, remaining_are_partner_employees: staff, grant }, name) {
    return [
      facts(
        [say("account.loses"), h("div", { class: "cannot" }, bullets(cannot(lost.map((each) => each.split(":")[0]))))],
        [say("account.seat"), say("account.from_to", { before: seatName(seat.before), after: seatName(seat.after) })],
        [say("account.migrate.left"), say("account.migrate.left_n", { n: left })],
        [say("account.migrate.undo"), say("account.migrate.undo_how", { name })],
      ),
      staff && h("div", { class: "note bad" }, h("p", {}, say("account.migrate.staff"))),
      grant.notice === "paid_seat_required" && h("div", { class: "note" }, h("p", {}, say("approve.paid_seat"))),
    ];
  }

  async function migrate() {
    const key = newKey();
    await attempt(async () => {
      await call("POST", `${api}/migrations`, { body: { user_id: userId }, key });
      toast(say("account.migrate.done", { name: nameOf(found.member) }));
      await go({ user: userId });
    }, { otherwise: async (refusal) => {
      error = refusal;
      await redraw();
    } });
  }

  return { load, render };
}
