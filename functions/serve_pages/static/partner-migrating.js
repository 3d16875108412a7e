// Whoever is super admin of clients becomes partner admin there: chosen, previewed, and done in portions.

import { call, newKey } from "./api.js";
import { bullets, button, h } from "./elements.js";
import { firm, me, pathOf, seatName } from "./partner-firm.js";
import { Pages } from "./partner-paging.js";
import { cannot } from "./permissions.js";
import { attempt, failed } from "./shell.js";
import { way } from "./partner-views.js";
import { refused, say } from "./words.js";

const PORTION = 5;

/** The task, for the reader himself. */
export function migration() {
  const mine = new Pages(`${pathOf("clients")}?employee_id=${encodeURIComponent(me())}`, 100);
  const [chosen, previews, done] = [new Set(), new Map(), new Map()];
  let [roles, step, error, at] = [undefined, "choosing", undefined, undefined];
  let place = h("div", {});

  async function look() {
    error = undefined;
    await attempt(async () => {
      await mine.all();
      roles = mine.items.filter((client) => client.made_by_client && client.people.some((person) => person.permission_set === "super_admin"));
      for (const role of roles) chosen.add(role.account_id);
    }, { otherwise: (refusal) => {
      error = refusal;
    } });
    fill();
  }

  /** A few at a time, so that one sees it go on; what is reported stays so, whatever comes after. */
  async function inPortions(ids, rows, dry) {
    error = undefined;
    at = { now: 0, all: ids.length };
    fill();
    await attempt(async () => {
      for (let first = 0; first < ids.length; first += PORTION) {
        const some = ids.slice(first, first + PORTION);
        const { body } = await call("POST", pathOf("migrations"), { body: { account_ids: some, ...(dry ? { dry_run: true } : {}) }, key: newKey() });
        for (const row of body.items) rows.set(row.account_id, row);
        at.now += some.length;
        fill();
      }
    }, { otherwise: (refusal) => {
      error = refusal;
    } });
    at = undefined;
  }

  async function preview() {
    previews.clear();
    step = "previewing";
    await inPortions([...chosen], previews, true);
    if (error) step = "choosing";
    fill();
    rest();
  }

  async function migrate(ids) {
    step = "migrating";
    await inPortions(ids, done, false);
    firm.clients.reset();
    firm.employees.reset();
    fill();
    rest();
  }

  function rest() {
    place.querySelector(".status")?.focus();
  }

  function fill() {
    place.replaceChildren(...[content()].flat(Infinity).filter(Boolean));
  }

  function content() {
    if (!roles) {
      return error ? [failed(error), h("div", { class: "actions" }, button(say("partner.again"), look))]
        : h("p", { class: "waiting", role: "status" }, say("loading"));
    }
    if (!roles.length) return h("div", { class: "note" }, h("p", {}, say("partner.migrate.none")));
    if (at) return [bar(), step === "migrating" && table(done, outcome)];
    if (step === "choosing") return [error && failed(error), choosing()];
    return step === "previewing" ? previewed() : migrated();
  }

  function bar() {
    const words = say(step === "migrating" ? "partner.migrate.going" : "partner.migrate.looking", { now: at.now, all: at.all });
    return h("div", { class: "going" }, h("p", { role: "status", id: "going" }, words), h("progress", { value: String(at.now), max: String(at.all), "aria-labelledby": "going" }));
  }

  function choosing() {
    const boxes = roles.map((role) => {
      const box = h("input", { type: "checkbox", checked: chosen.has(role.account_id), onchange: () => {
        if (box.checked) chosen.add(role.account_id);
        else chosen.delete(role.account_id);
        follow();
      } });
      return [role, box];
    });
    const whole = h("input", { type: "checkbox", onchange: () => {
      for (const [role, box] of boxes) {
        box.checked = whole.checked;
        if (whole.checked) chosen.add(role.account_id);
        else chosen.delete(role.account_id);
      }
      follow();
    } });
    const trouble = h("div", {});
    function follow() {
      whole.checked = chosen.size > 0;
      whole.indeterminate = chosen.size > 0 && chosen.size < roles.length;
      trouble.replaceChildren();
    }
    follow();
    return [
      h("fieldset", {}, h("legend", {}, say("partner.migrate.which")),
        roles.length > 1 && h("label", { class: "choice" }, whole, h("span", {}, say("partner.migrate.all", { n: roles.length }))),
        h("div", { class: "singles" }, boxes.map(([role, box]) => h("label", { class: "choice" }, box, h("span", {}, role.name))))),
      trouble,
      h("div", { class: "actions" }, button(say("partner.migrate.preview"), () => {
        if (chosen.size) return preview();
        trouble.replaceChildren(h("div", { class: "note bad", role: "alert" }, h("p", {}, say("partner.migrate.choose"))));
        return boxes[0][1].focus();
      }, { class: "first" })),
    ];
  }

  function previewed() {
    const open = [...previews.values()].filter((row) => row.outcome === "would_migrate");
    const losses = new Set(open.map((row) => JSON.stringify(row.lost ?? [])));
    const same = losses.size === 1;
    return [
      h("p", { class: "status", role: "status", tabindex: "-1" }, say("partner.migrate.previewed", { n: open.length, all: previews.size })),
      same && [h("h2", {}, say("partner.migrate.lost")), h("div", { class: "cannot" }, bullets(cannot(open[0].lost ?? [])))],
      table(previews, (row) => foreseen(row, same)),
      open.length > 0 && [h("div", { class: "note" }, h("p", {}, say("partner.migrate.undo"))),
        h("div", { class: "actions" },
          button(say("partner.migrate.yes", { n: open.length }), () => migrate(open.map((row) => row.account_id)), { class: "first" }),
          button(say("partner.migrate.other"), choose))],
      !open.length && h("div", { class: "actions" }, button(say("partner.migrate.other"), choose)),
    ];
  }

  function choose() {
    step = "choosing";
    fill();
    place.querySelector("input")?.focus();
  }

  function foreseen(row, same) {
    if (row.outcome !== "would_migrate") return [h("span", { class: "state suspended" }, say("partner.migrate.cannot")), row.reason && h("span", { class: "quiet block" }, refused(row.reason))];
    return [
      say("partner.migrate.seat", { before: seatName(row.seat.before), after: seatName(row.seat.after) }),
      !same && h("div", { class: "cannot" }, bullets(cannot(row.lost ?? []))),
      h("span", { class: "quiet block" }, say(row.remaining_are_partner_employees ? "partner.migrate.staff_remains" : "partner.migrate.holds")),
      row.notice && h("span", { class: "quiet block" }, say("partner.migrate.paid_seat")),
    ];
  }

  function outcome(row) {
    const style = { done: "active", skipped: "deactivated", failed: "suspended" }[row.outcome];
    return [h("span", { class: `state ${style}` }, say(`partner.outcome.${row.outcome}`)), row.reason && h("span", { class: "quiet block" }, refused(row.reason))];
  }

  function table(rows, told) {
    return h("table", { class: "cards", "aria-label": say("partner.migrate.rows") },
      h("thead", {}, h("tr", {}, h("th", { scope: "col" }, say("partner.client")), h("th", { scope: "col" }, say("partner.outcome")))),
      h("tbody", {}, [...rows.values()].map((row) => h("tr", {},
        h("td", {}, roles.find((role) => role.account_id === row.account_id).name),
        h("td", { "data-label": say("partner.outcome") }, told(row))))));
  }

  function migrated() {
    const ids = [...previews.values()].filter((row) => row.outcome === "would_migrate").map((row) => row.account_id);
    const left = ids.filter((id) => !done.has(id) || done.get(id).outcome === "failed");
    return [
      h("p", { class: "status", role: "status", tabindex: "-1" }, say("partner.migrate.done", { n: ids.length - left.length, all: ids.length })),
      table(done, outcome),
      error && failed(error),
      left.length > 0 && h("div", { class: "actions" }, button(say("partner.try_rest"), () => migrate(left), { class: "first" })),
    ];
  }

  look();
  return () => {
    const title = say("partner.migrate.title");
    place = h("div", {});
    fill();
    return { title, content: [way(), h("h1", {}, title), h("p", { class: "lead" }, say("partner.migrate.lead")), place] };
  };
}
