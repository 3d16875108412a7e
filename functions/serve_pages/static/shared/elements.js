// Creates DOM elements without markup strings, so that user input is always inserted as text.

/**
 * @template {keyof HTMLElementTagNameMap} Tag
 * @param {Tag} tag
 * @param {Attributes} [attributes]
 * @param {...Content} children
 * @returns {HTMLElementTagNameMap[Tag]}
 */
export function h(tag, attributes, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes ?? {})) {
    if (value === undefined || value === null || value === false) continue;
    if (name.startsWith("on")) element.addEventListener(name.slice(2), /** @type {EventListener} */ (value));
    else element.setAttribute(name, value === true ? "" : String(value));
  }
  if (element instanceof HTMLTextAreaElement && attributes?.value) element.value = String(attributes.value);
  element.append(...withoutEmpty(children));
  return element;
}

/**
 * @param {Element} container
 * @param {...Content} children
 */
export function setContent(container, ...children) {
  container.replaceChildren(...withoutEmpty(children));
}

/**
 * @param {readonly Content[]} children
 * @returns {(Node | string)[]}
 */
function withoutEmpty(children) {
  const flat = /** @type {unknown[]} */ (children).flat(Infinity);
  const filled = flat.filter((child) => child !== undefined && child !== null && child !== false && child !== "");
  return /** @type {(Node | string)[]} */ (filled);
}

/**
 * Button that ignores further clicks and is marked as busy while its action runs.
 *
 * @param {string} label
 * @param {() => unknown} action
 * @param {Attributes} [attributes]
 */
export function button(label, action, attributes) {
  const control = h("button", { type: "button", ...attributes }, label);
  control.addEventListener("click", () => busy(control, action));
  return control;
}

/**
 * @param {Element} control
 * @param {() => unknown} action
 */
export async function busy(control, action) {
  if (control.getAttribute("aria-busy") === "true") return;
  control.setAttribute("aria-busy", "true");
  control.setAttribute("aria-disabled", "true");
  try {
    await action();
  } finally {
    control.removeAttribute("aria-busy");
    control.removeAttribute("aria-disabled");
  }
}

/**
 * Description list. Rows without a description are left out.
 *
 * @param {...[term: string, description: Content]} rows
 */
export function factList(...rows) {
  return h(
    "dl",
    { class: "facts" },
    rows
      .filter(([, description]) => description)
      .map(([term, description]) => h("div", {}, h("dt", {}, term), h("dd", {}, description))),
  );
}

/**
 * @param {readonly Content[]} items
 * @param {Attributes} [attributes]
 */
export function bulletList(items, attributes) {
  return h(
    "ul",
    attributes,
    items.map((item) => h("li", {}, item)),
  );
}

/**
 * Line with an email address, which can break before its domain. An erased user has none.
 *
 * @param {string | null} [email]
 */
export function emailLine(email) {
  if (!email) return undefined;
  const at = email.lastIndexOf("@");
  return h("span", { class: "quiet block" }, email.slice(0, at), h("wbr"), email.slice(at));
}

/**
 * Note that screen readers announce at once.
 *
 * @param {...Content} children
 */
export function alertNote(...children) {
  return h("div", { class: "note bad", role: "alert" }, ...children);
}

/**
 * Update the view, with a transition if the browser supports it and the user allows motion.
 *
 * @param {() => void} update
 */
export async function updateView(update) {
  if (document.startViewTransition && !matchMedia("(prefers-reduced-motion: reduce)").matches) {
    const transition = document.startViewTransition(update);
    // A skipped transition rejects these two. The update happens nevertheless, or rejects the promise that is awaited.
    for (const each of [transition.ready, transition.finished]) each.catch(() => {});
    await transition.updateCallbackDone;
  } else {
    update();
  }
}

/**
 * Open a modal dialog. `buildContent` gets a function that closes the dialog with a result.
 *
 * Resolves to the result; undefined if the dialog was dismissed.
 *
 * @template Result
 * @param {string} title
 * @param {(close: (result?: Result) => void) => Content} buildContent
 * @returns {Promise<Result | undefined>}
 */
export function openDialog(title, buildContent) {
  return new Promise((resolve) => {
    /** @type {Result | undefined} */
    let result;
    /** @param {Result} [value] */
    const close = (value) => {
      result = value;
      element.close();
    };
    const element = h(
      "dialog",
      {
        "aria-labelledby": "dialog-title",
        onclose: () => {
          element.remove();
          resolve(result);
        },
      },
      h("h2", { id: "dialog-title" }, title),
      buildContent(close),
    );
    document.body.append(element);
    element.showModal();
  });
}

/**
 * Return the element with this id, which the page is known to have.
 *
 * @param {string} id
 */
export function byId(id) {
  return /** @type {HTMLElement} */ (document.getElementById(id));
}

/**
 * Return the input with this id, if the page has it.
 *
 * @param {string} id
 */
export function inputById(id) {
  return /** @type {HTMLInputElement | null} */ (document.getElementById(id));
}

/**
 * Note for the reader.
 *
 * @param {...Content} children
 */
export function infoNote(...children) {
  return h("div", { class: "note" }, ...children);
}

/**
 * Checkbox or radio button with its label.
 *
 * @param {HTMLInputElement} input
 * @param {...Content} label
 */
export function choice(input, ...label) {
  return h("label", { class: "choice" }, input, h("span", {}, ...label));
}

/**
 * Form that checks and sends its fields itself. Its button ignores further clicks while `submit` runs.
 *
 * @param {HTMLButtonElement} submitButton
 * @param {() => unknown} submit
 * @param {Attributes} attributes
 * @param {...Content} children
 */
export function form(submitButton, submit, attributes, ...children) {
  const element = h("form", { novalidate: true, ...attributes }, ...children);
  element.addEventListener("submit", (event) => {
    event.preventDefault();
    busy(submitButton, submit);
  });
  return element;
}

/**
 * Table whose rows become cards on a phone.
 *
 * @param {Attributes} attributes
 * @param {string[]} headings
 * @param {...Content} bodies
 */
export function table(attributes, headings, ...bodies) {
  const headingCells = headings.map((each) => h("th", { scope: "col" }, each));
  return h("table", { class: "cards", ...attributes }, h("thead", {}, h("tr", {}, headingCells)), ...bodies);
}
