// Task that ends all access of one employee: preview, confirmation, receipt.

import { call, newIdempotencyKey } from "../shared/api.js";
import { signedInUserId } from "../shared/auth.js";
import { button, h, setContent } from "../shared/elements.js";
import { userSegment } from "../shared/urls.js";
import { partner, partnerPath } from "./context.js";
import { attempt, errorAlert, loadingNote, redraw } from "../shared/page.js";
import { backLink, currentTask, leaveTask, outcomeTable } from "./tasks.js";
import { displayName, t } from "../shared/texts.js";

/**
 * Create the task for one employee.
 *
 * @param {Api.Employee} employee
 * @returns {() => PageContent}
 */
export function offboardingTask(employee) {
  const isSelf = employee.user_id === signedInUserId();
  const name = displayName(employee);
  /** @type {Api.OffboardingRow[]} */
  let items = [];
  let phase = "loading";
  /** @type {Api.Failure | undefined} */
  let error;
  let container = h("div", {});

  /** @param {boolean} dryRun */
  async function requestEnd(dryRun) {
    /** @type {Api.OffboardingRow[]} */
    const received = [];
    /** @type {string | null | undefined} */
    let cursor;
    do {
      const query = new URLSearchParams({
        limit: "25",
        ...(dryRun ? { dry_run: "true" } : {}),
        ...(cursor ? { cursor } : {}),
      });
      /** @type {Api.Response<Api.List<Api.OffboardingRow>>} */
      const { body } = await call(
        "DELETE",
        `${partnerPath("employees")}/${userSegment(employee.user_id)}/access?${query}`,
        { key: newIdempotencyKey() },
      );
      received.push(...body.items);
      cursor = body.next_cursor;
      items = received;
      if (cursor) refresh();
    } while (cursor);
  }

  /**
   * @param {string} nextPhase
   * @param {boolean} dryRun
   */
  async function run(nextPhase, dryRun) {
    error = undefined;
    await attempt(
      async () => {
        await requestEnd(dryRun);
        phase = nextPhase;
      },
      {
        onError: (caught) => {
          error = caught;
        },
      },
    );
    refresh();
  }

  async function endAccess() {
    phase = "ending";
    await run("done", false);
    partner.clients.reset();
    partner.employees.reset();
    partner.links.reset();
    if (currentTask() === render) await redraw();
  }

  function refresh() {
    setContent(container, content());
  }

  /** @returns {Content} */
  function content() {
    const values = { name, n: items.length };
    if (phase === "loading") {
      return error
        ? [
            errorAlert(error),
            h(
              "div",
              { class: "actions" },
              button(t("partner.again"), () => run("confirming", true)),
            ),
          ]
        : loadingNote(t(items.length ? "partner.leaving.read" : "loading", values));
    }
    const [ended, retained] = [
      items.filter((item) => item.outcome !== "retained"),
      items.filter((item) => item.outcome === "retained"),
    ];
    if (phase === "confirming") return confirmation(ended, retained);
    return [
      h(
        "p",
        { class: "status", role: "status", tabindex: "-1" },
        t(phase === "done" ? "partner.leaving.done" : "partner.leaving.ended", { name, n: ended.length }),
      ),
      error && [
        errorAlert(error),
        h("div", { class: "actions" }, button(t("partner.try_rest"), endAccess, { class: "first" })),
      ],
      receipt(),
    ];
  }

  /**
   * @param {Api.OffboardingRow[]} ended
   * @param {Api.OffboardingRow[]} retained
   */
  function confirmation(ended, retained) {
    return [
      h("h2", {}, t("partner.leaving.over")),
      !ended.length && h("p", {}, t("partner.leaving.nothing")),
      h(
        "ul",
        { class: "names" },
        ended.map((item) => h("li", {}, item.name)),
        h("li", {}, t(isSelf ? "partner.leaving.links_own" : "partner.leaving.links")),
      ),
      retained.length > 0 && [
        h("h2", {}, t("partner.leaving.stays")),
        h("p", {}, t("partner.leaving.stays_why")),
        h(
          "ul",
          { id: "stays" },
          retained.map((item) =>
            h("li", {}, item.name, h("span", { class: "quiet block" }, t(`partner.retained.${item.reason}`))),
          ),
        ),
      ],
      items.length > 0 &&
        h(
          "div",
          { class: "note bad" },
          h("p", {}, t(isSelf ? "partner.leaving.sure_own" : "partner.leaving.sure", { name })),
        ),
      h(
        "div",
        { class: "actions" },
        button(t(isSelf ? "partner.leave_all" : "partner.end_all"), endAccess, { class: "first bad" }),
        button(t("cancel"), leaveTask),
      ),
    ];
  }

  function receipt() {
    if (!items.length) return undefined;
    return outcomeTable(
      t("partner.leaving.receipt"),
      t("partner.client"),
      items.map((item) => [
        item.name,
        [
          h(
            "span",
            { class: `state ${item.outcome === "retained" ? "suspended" : "active"}` },
            t(`partner.receipt.${item.outcome}`),
          ),
          item.outcome === "retained" && h("span", { class: "quiet block" }, t(`partner.retained.${item.reason}`)),
        ],
      ]),
    );
  }

  function render() {
    const title = t(
      phase === "done" ? "partner.leaving.title_done" : isSelf ? "partner.leaving.title_own" : "partner.leaving.title",
      { name },
    );
    container = h("div", {});
    refresh();
    return { title, content: [backLink(), h("h1", {}, title), container] };
  }

  run("confirming", true);
  return render;
}
