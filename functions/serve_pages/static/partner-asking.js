// A question before something that cannot be taken back: it names what will happen, and stays open until it is done.

import { busy, button, dialog, h } from "./elements.js";
import { attempt, failed } from "./shell.js";
import { say } from "./words.js";

/** Resolves to what `work` gave, or undefined when nothing was done; with `reason` there is a field whose text `work` is given. */
export function ask({ title, body, yes, reason, bad = true, work, stale }) {
  return dialog(title, (close) => {
    const trouble = h("div", {});
    const field = reason && h("textarea", { id: "reason", rows: "3", maxlength: "500" });
    const sure = h("button", { type: "submit", class: bad ? "first bad" : "first" }, yes);
    async function go() {
      const done = await attempt(() => work(field?.value.trim()), { otherwise: (error) => {
        trouble.replaceChildren(failed(error));
        if (error.code === "precondition_failed") stale?.();
      } });
      if (done) close(done);
    }
    return h("form", { method: "dialog", onsubmit: (event) => {
      event.preventDefault();
      busy(sure, go);
    } },
      [body].flat().map((each) => (typeof each === "string" ? h("p", {}, each) : each)),
      reason && [h("label", { for: "reason" }, reason), field],
      trouble,
      h("div", { class: "actions" }, sure, button(say("cancel"), () => close())),
    );
  });
}
