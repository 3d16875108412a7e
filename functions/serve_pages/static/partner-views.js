// A task that takes the whole page for a while, and gives it back: by its own way out, or by the browser's.

import { h } from "./elements.js";
import { redraw } from "./shell.js";
import { say } from "./words.js";

let task;

/** What is shown instead of the tabs, if anything: a function that renders. */
export function shown() {
  return task;
}

export async function open(render) {
  if (!history.state?.task) history.pushState({ task: true }, "");
  task = render;
  await redraw();
}

/** The same as the browser's own way back. */
export function leave() {
  if (history.state?.task) history.back();
  else left();
}

async function left() {
  task = undefined;
  await redraw();
}

/** Jumping to the content is no way back. */
addEventListener("popstate", () => {
  if (task && !location.hash && !history.state?.task) left();
});

/** The way back to the tabs. */
export function way() {
  return h("p", {}, h("a", { href: location.pathname + location.search, onclick: (event) => {
    event.preventDefault();
    leave();
  } }, say("partner.back")));
}
