// View of pending set updates: what each new version adds for each member. Nothing changes before it is accepted.

import { accountPath, isAllowedInAccount, problemAlert, setName, viewLink } from "./context.js";
import { call, listAll, newIdempotencyKey } from "../shared/api.js";
import { alertNote, bulletList, button, choice, h } from "../shared/elements.js";
import { groupBy } from "../shared/group-by.js";
import { describeAllowed } from "../shared/permissions.js";
import { attempt, redraw, toast } from "../shared/page.js";
import { displayName, problemText, t } from "../shared/texts.js";

const BATCH_SIZE = 25;

/** @returns {View} */
export function setUpdatesView() {
  /** @type {Api.SetUpdate[][]} */
  let sets = [];
  /** @type {Set<string>} */
  let excluded = new Set();
  /** @type {Map<string, string>} */
  let failures = new Map();
  /** @type {(() => Content) | undefined} */
  let note;

  async function load() {
    if (!isAllowedInAccount("accept_set_updates")) return;
    /** @type {Api.SetUpdate[]} */
    const updates = await listAll(`${accountPath}/permission-sets/updates`);
    sets = [...groupBy(updates, (each) => `${each.permission_set} ${each.latest}`).values()];
  }

  function render() {
    const title = t("account.updates");
    if (!isAllowedInAccount("accept_set_updates")) {
      return { title, narrow: true, content: [h("h1", {}, title), alertNote(h("p", {}, problemText("forbidden")))] };
    }
    return {
      title,
      content: [
        h("h1", {}, title),
        h("p", { class: "lead" }, t("account.updates.lead")),
        h("div", { id: "problem" }, note?.()),
        sets.length ? sets.map(setSection) : h("p", { class: "empty" }, t("account.updates.none")),
      ],
    };
  }

  /** @param {Api.SetUpdate[]} members */
  function setSection(members) {
    const [{ permission_set: name, latest, version }] = members;
    const id = `set-${name}`;
    return h(
      "section",
      { "aria-labelledby": id },
      h(
        "h2",
        { id },
        t("account.updates.of", {
          set: setName(name),
          version: Math.min(version, ...members.map((each) => each.version)),
          latest,
        }),
      ),
      members.map((each) => memberRow(each)),
      h(
        "div",
        { class: "actions" },
        button(t("account.updates.accept"), () => accept(members), { class: "first" }),
      ),
    );
  }

  /** @param {Api.SetUpdate} update */
  function memberRow(update) {
    const { user_id: userId, gained } = update;
    const checkbox = h("input", {
      type: "checkbox",
      checked: !excluded.has(userId),
      onchange: () => {
        if (checkbox.checked) excluded.delete(userId);
        else excluded.add(userId);
      },
    });
    const failure = failures.get(userId);
    return h(
      "div",
      { class: "group" },
      choice(checkbox, h("strong", {}, displayName(update))),
      h(
        "div",
        { class: "gained can" },
        h("p", { class: "quiet" }, t("account.updates.gains")),
        bulletList(describeAllowed(gained)),
        failure && alertNote(h("p", {}, problemText(failure))),
        viewLink(t("account.updates.person"), { user: userId }, { class: "quiet" }),
      ),
    );
  }

  /** @param {Api.SetUpdate[]} members */
  async function accept(members) {
    const chosen = members.filter((each) => !excluded.has(each.user_id));
    note = undefined;
    if (!chosen.length) note = () => alertNote(h("p", {}, t("account.updates.nobody")));
    failures = new Map();
    await attempt(
      async () => {
        for (let start = 0; start < chosen.length; start += BATCH_SIZE) {
          const batch = chosen.slice(start, start + BATCH_SIZE);
          /** @type {Api.Response<Api.List<Api.BulkMemberRow>>} */
          const { body } = await call("POST", `${accountPath}/permission-sets/updates`, {
            body: {
              permission_set: batch[0].permission_set,
              version: batch[0].latest,
              user_ids: batch.map((each) => each.user_id),
            },
            key: newIdempotencyKey(),
          });
          for (const each of body.items) if (each.outcome === "failed") failures.set(each.user_id, each.reason ?? "");
        }
        const n = chosen.length - failures.size;
        if (n) toast(t("account.updates.done", { n }));
        await load();
      },
      {
        onError: (caught) => {
          note = () => problemAlert(caught);
        },
      },
    );
    excluded = new Set([...excluded, ...failures.keys()]);
    await redraw();
  }

  return { load, render };
}
