// Confirmation dialog for an action. It stays open until the action has succeeded.

import { busy, button, h, openDialog } from "./elements.js";
import { attempt, errorAlert } from "./page.js";
import { t } from "./texts.js";

/**
 * Resolve to the result of `action`; undefined if the user cancels.
 *
 * With `reasonLabel` the dialog has a text field, whose value is passed to `action`.
 */
export function confirmAction({ title, body, confirmLabel, reasonLabel, isDestructive = true, action, onStale }) {
  return openDialog(title, (close) => {
    const alertContainer = h("div", {});
    const field = reasonLabel && h("textarea", { id: "reason", rows: "3", maxlength: "500" });
    const confirmButton = h("button", { type: "submit", class: isDestructive ? "first bad" : "first" }, confirmLabel);
    async function submit() {
      const result = await attempt(() => action(field?.value.trim()), {
        onError: (error) => {
          alertContainer.replaceChildren(errorAlert(error));
          if (error.code === "precondition_failed") onStale?.();
        },
      });
      if (result) close(result);
    }
    return h(
      "form",
      {
        method: "dialog",
        onsubmit: (event) => {
          event.preventDefault();
          busy(confirmButton, submit);
        },
      },
      [body].flat().map((each) => (typeof each === "string" ? h("p", {}, each) : each)),
      reasonLabel && [h("label", { for: "reason" }, reasonLabel), field],
      alertContainer,
      h(
        "div",
        { class: "actions" },
        confirmButton,
        button(t("cancel"), () => close()),
      ),
    );
  });
}
