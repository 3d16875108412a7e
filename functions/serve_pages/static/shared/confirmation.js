// Confirmation dialog for an action. It stays open until the action has succeeded.

import { button, form, h, openDialog } from "./elements.js";
import { attempt, errorAlert } from "./page.js";
import { t } from "./texts.js";

/**
 * @template Result
 * @typedef {object} ConfirmationOptions
 * @property {string} title
 * @property {Content} body
 * @property {string} confirmLabel
 * @property {string} [reasonLabel]
 * @property {boolean} [isDestructive]
 * @property {(reason: string) => Promise<Result>} action
 * @property {() => void} [onStale] Called if the record was changed in the meantime.
 * @property {(error: Api.Failure) => boolean} [closesOn] Whether the error leaves nothing to confirm.
 * @property {unknown} [pageState] What to restore after a sign-in.
 */

/**
 * Resolve to the result of `action`; undefined if the user cancels.
 *
 * With `reasonLabel` the dialog has a text field, whose value is passed to `action`.
 *
 * @template Result
 * @param {ConfirmationOptions<Result>} options
 */
export function confirmAction({
  title,
  body,
  confirmLabel,
  reasonLabel,
  isDestructive = true,
  action,
  onStale,
  closesOn,
  pageState,
}) {
  return openDialog(title, (/** @type {(result?: Result) => void} */ close) => {
    const alertContainer = h("div", {});
    const field = reasonLabel ? h("textarea", { id: "reason", rows: "3", maxlength: "500" }) : undefined;
    const confirmButton = h("button", { type: "submit", class: isDestructive ? "first bad" : "first" }, confirmLabel);
    async function submit() {
      const result = await attempt(() => action(field?.value.trim() ?? ""), {
        pageState,
        onError: (error) => {
          alertContainer.replaceChildren(errorAlert(error));
          if (error.code === "precondition_failed") onStale?.();
          if (closesOn?.(error)) close();
        },
      });
      if (result) close(result);
    }
    return form(
      confirmButton,
      submit,
      { method: "dialog" },
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

/**
 * Ask whether to continue, where the page itself runs the action and reports its outcome.
 *
 * Resolve to the reason, which is empty if none was typed; undefined if the user cancels.
 *
 * @param {Omit<ConfirmationOptions<unknown>, "action">} options
 */
export async function askToConfirm(options) {
  const result = await confirmAction({ ...options, action: async (reason) => ({ reason }) });
  return result?.reason;
}
