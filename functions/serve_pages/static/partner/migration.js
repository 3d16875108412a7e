// Task that turns the user's super admin roles at clients into partner admin: selection, preview, migration in batches.

import { call, newIdempotencyKey } from "../shared/api.js";
import { signedInUserId } from "../shared/auth.js";
import { alertNote, bulletList, button, choice, h, infoNote, setContent } from "../shared/elements.js";
import { partner, partnerPath, seatName } from "./context.js";
import { Pages } from "../shared/paged-items.js";
import { describeDenied } from "../shared/permissions.js";
import { attempt, errorAlert, loadingNote } from "../shared/page.js";
import { backLink, outcomeTable } from "./tasks.js";
import { problemText, t } from "../shared/texts.js";

const BATCH_SIZE = 5;

/**
 * Create the task for the signed-in user.
 *
 * @returns {() => PageContent}
 */
export function migrationTask() {
  /** @type {Pages<Api.Client>} */
  const ownClients = new Pages(
    `${partnerPath("clients")}?employee_id=${encodeURIComponent(signedInUserId() ?? "")}`,
    100,
  );
  /** @type {Set<string>} */
  const chosen = new Set();
  /** @type {Map<string, Api.MigrationRow>} */
  const previews = new Map();
  /** @type {Map<string, Api.MigrationRow>} */
  const results = new Map();
  /** @type {Api.Client[] | undefined} */
  let roles;
  /** @type {"choosing" | "previewing" | "migrating"} */
  let step = "choosing";
  /** @type {Api.Failure | undefined} */
  let error;
  /** @type {{ now: number; all: number } | undefined} */
  let progress;
  let container = h("div", {});

  async function load() {
    error = undefined;
    await attempt(
      async () => {
        await ownClients.all();
        roles = ownClients.items.filter(
          (client) => client.made_by_client && client.people.some((member) => member.permission_set === "super_admin"),
        );
        for (const role of roles) chosen.add(role.account_id);
      },
      {
        onError: (caught) => {
          error = caught;
        },
      },
    );
    refresh();
  }

  /**
   * Send the requests in small batches to show progress. Reported rows stay if a later batch fails.
   *
   * @param {string[]} ids
   * @param {Map<string, Api.MigrationRow>} rows
   * @param {boolean} dryRun
   */
  async function runInBatches(ids, rows, dryRun) {
    error = undefined;
    const counts = { now: 0, all: ids.length };
    progress = counts;
    refresh();
    await attempt(
      async () => {
        for (let start = 0; start < ids.length; start += BATCH_SIZE) {
          const batch = ids.slice(start, start + BATCH_SIZE);
          /** @type {Api.Response<Api.List<Api.MigrationRow>>} */
          const { body } = await call("POST", partnerPath("migrations"), {
            body: { account_ids: batch, ...(dryRun ? { dry_run: true } : {}) },
            key: newIdempotencyKey(),
          });
          for (const row of body.items) rows.set(row.account_id, row);
          counts.now += batch.length;
          refresh();
        }
      },
      {
        onError: (caught) => {
          error = caught;
        },
      },
    );
    progress = undefined;
  }

  async function loadPreviews() {
    previews.clear();
    step = "previewing";
    await runInBatches([...chosen], previews, true);
    if (error) step = "choosing";
    refresh();
    focusStatus();
  }

  /** @param {string[]} ids */
  async function migrate(ids) {
    step = "migrating";
    await runInBatches(ids, results, false);
    partner.clients.reset();
    partner.employees.reset();
    refresh();
    focusStatus();
  }

  function focusStatus() {
    /** @type {HTMLElement | null} */ (container.querySelector(".status"))?.focus();
  }

  function refresh() {
    setContent(container, content());
  }

  /** @returns {Content} */
  function content() {
    if (!roles) {
      return error
        ? [errorAlert(error), h("div", { class: "actions" }, button(t("partner.again"), load))]
        : loadingNote();
    }
    if (!roles.length) return infoNote(h("p", {}, t("partner.migrate.none")));
    if (progress) return [progressBar(progress), step === "migrating" && resultTable(results, outcomeCell)];
    if (step === "choosing") return [error && errorAlert(error), choiceForm(roles)];
    return step === "previewing" ? previewReport() : migrationReport();
  }

  /** @param {{ now: number; all: number }} counts */
  function progressBar({ now, all }) {
    const text = t(step === "migrating" ? "partner.migrate.going" : "partner.migrate.looking", { now, all });
    return h(
      "div",
      { class: "going" },
      h("p", { role: "status", id: "going" }, text),
      h("progress", { value: String(now), max: String(all), "aria-labelledby": "going" }),
    );
  }

  /** @param {Api.Client[]} offeredRoles */
  function choiceForm(offeredRoles) {
    /** @type {[Api.Client, HTMLInputElement][]} */
    const choices = offeredRoles.map((role) => {
      const checkbox = h("input", {
        type: "checkbox",
        checked: chosen.has(role.account_id),
        onchange: () => {
          if (checkbox.checked) chosen.add(role.account_id);
          else chosen.delete(role.account_id);
          updateSelectAll();
        },
      });
      return [role, checkbox];
    });
    const selectAll = h("input", {
      type: "checkbox",
      onchange: () => {
        for (const [role, checkbox] of choices) {
          checkbox.checked = selectAll.checked;
          if (selectAll.checked) chosen.add(role.account_id);
          else chosen.delete(role.account_id);
        }
        updateSelectAll();
      },
    });
    const alertContainer = h("div", {});
    function updateSelectAll() {
      selectAll.checked = chosen.size > 0;
      selectAll.indeterminate = chosen.size > 0 && chosen.size < offeredRoles.length;
      alertContainer.replaceChildren();
    }
    updateSelectAll();
    return [
      h(
        "fieldset",
        {},
        h("legend", {}, t("partner.migrate.which")),
        offeredRoles.length > 1 &&
          h(
            "label",
            { class: "choice" },
            selectAll,
            h("span", {}, t("partner.migrate.all", { n: offeredRoles.length })),
          ),
        h(
          "div",
          { class: "singles" },
          choices.map(([role, checkbox]) => choice(checkbox, role.name)),
        ),
      ),
      alertContainer,
      h(
        "div",
        { class: "actions" },
        button(
          t("partner.migrate.preview"),
          () => {
            if (chosen.size) return loadPreviews();
            alertContainer.replaceChildren(alertNote(h("p", {}, t("partner.migrate.choose"))));
            return choices[0][1].focus();
          },
          { class: "first" },
        ),
      ),
    ];
  }

  function previewReport() {
    const migratable = [...previews.values()].filter((row) => row.outcome === "would_migrate");
    const losses = new Set(migratable.map((row) => JSON.stringify(row.lost ?? [])));
    const isSameLoss = losses.size === 1;
    return [
      h(
        "p",
        { class: "status", role: "status", tabindex: "-1" },
        t("partner.migrate.previewed", { n: migratable.length, all: previews.size }),
      ),
      isSameLoss && [
        h("h2", {}, t("partner.migrate.lost")),
        h("div", { class: "cannot" }, bulletList(describeDenied(migratable[0].lost ?? []))),
      ],
      resultTable(previews, (row) => previewCell(row, isSameLoss)),
      migratable.length > 0 && [
        infoNote(h("p", {}, t("partner.migrate.undo"))),
        h(
          "div",
          { class: "actions" },
          button(
            t("partner.migrate.yes", { n: migratable.length }),
            () => migrate(migratable.map((row) => row.account_id)),
            { class: "first" },
          ),
          button(t("partner.migrate.other"), backToChoice),
        ),
      ],
      !migratable.length && h("div", { class: "actions" }, button(t("partner.migrate.other"), backToChoice)),
    ];
  }

  function backToChoice() {
    step = "choosing";
    refresh();
    container.querySelector("input")?.focus();
  }

  /**
   * @param {Api.MigrationRow} row
   * @param {boolean} isSameLoss
   */
  function previewCell(row, isSameLoss) {
    if (row.outcome !== "would_migrate") {
      return [
        h("span", { class: "state suspended" }, t("partner.migrate.cannot")),
        row.reason && h("span", { class: "quiet block" }, problemText(row.reason)),
      ];
    }
    return [
      t("partner.migrate.seat", { before: seatName(row.seat?.before), after: seatName(row.seat?.after) }),
      !isSameLoss && h("div", { class: "cannot" }, bulletList(describeDenied(row.lost ?? []))),
      h(
        "span",
        { class: "quiet block" },
        t(row.remaining_are_partner_employees ? "partner.migrate.staff_remains" : "partner.migrate.holds"),
      ),
      row.notice && h("span", { class: "quiet block" }, t("partner.migrate.paid_seat")),
    ];
  }

  /** @param {Api.MigrationRow} row */
  function outcomeCell(row) {
    /** @type {Record<string, string>} */
    const stateClasses = { done: "active", skipped: "deactivated", failed: "suspended" };
    return [
      h("span", { class: `state ${stateClasses[row.outcome]}` }, t(`partner.outcome.${row.outcome}`)),
      row.reason && h("span", { class: "quiet block" }, problemText(row.reason)),
    ];
  }

  /**
   * @param {Map<string, Api.MigrationRow>} rows
   * @param {(row: Api.MigrationRow) => Content} renderCell
   */
  function resultTable(rows, renderCell) {
    return outcomeTable(
      t("partner.migrate.rows"),
      t("partner.client"),
      [...rows.values()].map((row) => [
        roles?.find((role) => role.account_id === row.account_id)?.name,
        renderCell(row),
      ]),
    );
  }

  function migrationReport() {
    const ids = [...previews.values()].filter((row) => row.outcome === "would_migrate").map((row) => row.account_id);
    const failedIds = ids.filter((id) => !results.has(id) || results.get(id)?.outcome === "failed");
    return [
      h(
        "p",
        { class: "status", role: "status", tabindex: "-1" },
        t("partner.migrate.done", { n: ids.length - failedIds.length, all: ids.length }),
      ),
      resultTable(results, outcomeCell),
      error && errorAlert(error),
      failedIds.length > 0 &&
        h(
          "div",
          { class: "actions" },
          button(t("partner.try_rest"), () => migrate(failedIds), { class: "first" }),
        ),
    ];
  }

  load();
  return () => {
    const title = t("partner.migrate.title");
    container = h("div", {});
    refresh();
    return {
      title,
      content: [backLink(), h("h1", {}, title), h("p", { class: "lead" }, t("partner.migrate.lead")), container],
    };
  };
}
