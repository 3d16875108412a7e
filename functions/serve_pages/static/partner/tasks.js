// Tasks that replace the tabs for a while. The back link and the browser's back button close a task.

import { h, table } from "../shared/elements.js";
import { redraw } from "../shared/page.js";
import { t } from "../shared/texts.js";

/** @type {(() => PageContent) | undefined} */
let task;

/** Return the render function of the open task; undefined while the tabs are shown. */
export function currentTask() {
  return task;
}

/** @param {() => PageContent} render */
export async function openTask(render) {
  if (!history.state?.task) history.pushState({ task: true }, "");
  task = render;
  await redraw();
}

/** Close the task, like the browser's back button. */
export function leaveTask() {
  if (history.state?.task) history.back();
  else closeTask();
}

async function closeTask() {
  task = undefined;
  await redraw();
}

/** Close the task on back navigation, but not when the URL has only gained a hash (skip link). */
addEventListener("popstate", () => {
  if (task && !location.hash && !history.state?.task) closeTask();
});

/** Link back to the tabs. */
export function backLink() {
  return h(
    "p",
    {},
    h(
      "a",
      {
        href: location.pathname + location.search,
        onclick: (event) => {
          event.preventDefault();
          leaveTask();
        },
      },
      t("partner.back"),
    ),
  );
}

/**
 * Table with the outcome of a task for each client or employee.
 *
 * @param {string} label
 * @param {string} heading
 * @param {[name: string | undefined, outcome: Content][]} rows
 */
export function outcomeTable(label, heading, rows) {
  const outcome = t("partner.outcome");
  return table(
    { "aria-label": label },
    [heading, outcome],
    h(
      "tbody",
      {},
      rows.map(([name, cell]) => h("tr", {}, h("td", {}, name), h("td", { "data-label": outcome }, cell))),
    ),
  );
}
