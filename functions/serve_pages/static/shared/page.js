// Shared by all pages: header, language switch, toasts, error alerts and the sign-in prompt.

import { Problem, SignInRequired } from "./api.js";
import { signedInEmail, signIn, signOut, storage, Unreachable, wasFreshTokenRefused } from "./auth.js";
import { alertNote, button, byId, h, setContent, updateView } from "./elements.js";
import { currentLanguage, LANGUAGES, problemText, setLanguage, t } from "./texts.js";

export const main = byId("main");
const controls = byId("controls");
const toasts = byId("toasts");
let draw = () => {};

/**
 * Show a page. `render` returns its title and content, and is called again when the language changes.
 *
 * @param {() => PageContent} render
 */
export function showPage(render) {
  draw = () => {
    renderHeader();
    const { title, content, narrow } = render();
    document.title = `${title} – ${t("product")}`;
    main.classList.toggle("narrow", Boolean(narrow));
    setContent(main, content);
  };
  draw();
}

/** Render the current page again. With `focus`, move the focus to its heading. */
export async function redraw({ focus = true } = {}) {
  await updateView(draw);
  if (focus) focusableHeading()?.focus();
  if (focus) scrollTo(0, 0);
}

function focusableHeading() {
  const element = main.querySelector("h1");
  element?.setAttribute("tabindex", "-1");
  return element;
}

function renderHeader() {
  /** @type {Element} */ (document.querySelector(".skip")).textContent = t("skip");
  /** @type {Element} */ (document.querySelector(".brand")).textContent = t("product");
  /** @type {Element} */ (document.querySelector("#failure p")).textContent = t("failed");
  /** @type {Element} */ (document.querySelector("#failure button")).textContent = t("reload");
  const otherLanguage = Object.keys(LANGUAGES).find((each) => each !== currentLanguage()) ?? "";
  const name = signedInEmail();
  setContent(
    controls,
    name && h("span", { class: "who", title: name }, name),
    name && button(t("sign_out"), signOut, { class: "plain" }),
    button(
      LANGUAGES[otherLanguage],
      async () => {
        await setLanguage(otherLanguage);
        draw();
        /** @type {HTMLElement} */ (controls.querySelector("[data-language]")).focus();
      },
      { class: "plain", lang: otherLanguage, "data-language": otherLanguage },
    ),
  );
}

/**
 * Show a short message that disappears by itself and is announced by screen readers.
 *
 * @param {string} text
 */
export function toast(text) {
  const element = h("p", { class: "toast" }, text);
  toasts.append(element);
  setTimeout(() => element.remove(), 6000);
}

/**
 * Alert for an error of the API or the network.
 *
 * @param {Api.Failure} error
 */
export function errorAlert(error) {
  return alertNote(
    h("p", {}, error instanceof Problem ? problemText(error.code) : t("unreachable")),
    ...fieldPointers(error),
  );
}

/** @param {Api.Failure} error */
function fieldPointers(error) {
  const fields = error instanceof Problem ? error.errors.map((each) => each.pointer) : [];
  return fields.length ? [h("p", { class: "quiet" }, t("fields", { fields: fields.join(" ") }))] : [];
}

/**
 * Run an action. Redirect to the sign-in if needed, and pass API and network errors to `onError`. Any other error is a
 * bug: before-modules.js shows it. If the API refuses a fresh token, show the sign-in page instead of another redirect.
 *
 * @template Result
 * @param {() => Promise<Result> | Result} action
 * @param {{ pageState?: unknown; onError: (error: Api.Failure) => unknown }} handlers
 * @returns {Promise<Result | undefined>}
 */
export async function attempt(action, { pageState, onError }) {
  try {
    return await action();
  } catch (error) {
    if (error instanceof SignInRequired && wasFreshTokenRefused()) {
      await redraw({ focus: false });
    } else if (error instanceof SignInRequired) {
      await attempt(() => signIn(pageState), { onError });
    } else if (error instanceof Problem || error instanceof Unreachable) {
      await onError(/** @type {Api.Failure} */ (error));
    } else {
      throw error;
    }
    return undefined;
  }
}

/**
 * Page that asks the user to sign in. It does not redirect without a click, and says why a sign-in had no effect.
 *
 * @param {string} title
 * @param {string} text
 * @param {unknown} [pageState]
 */
export function signInPage(title, text, pageState) {
  return {
    title,
    narrow: true,
    content: [
      h("h1", {}, title),
      h("p", { class: "lead" }, text),
      wasFreshTokenRefused() && alertNote(h("p", {}, t("sign_in_refused"))),
      !storage
        ? alertNote(h("p", {}, t("storage_blocked")))
        : h(
            "div",
            { class: "actions" },
            button(t("sign_in"), () => attempt(() => signIn(pageState), { onError: () => toast(t("unreachable")) }), {
              class: "first",
            }),
          ),
    ],
  };
}

/** Note that stands in for content until it is loaded. */
export function loadingNote(text = t("loading")) {
  return h("p", { class: "waiting", role: "status" }, text);
}
