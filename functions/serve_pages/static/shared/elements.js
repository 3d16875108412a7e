// Creates DOM elements without markup strings, so that user input is always inserted as text.

export function h(tag, attributes, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes ?? {})) {
    if (value === undefined || value === null || value === false) continue;
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else element.setAttribute(name, value === true ? "" : value);
  }
  if (tag === "textarea" && attributes?.value) element.value = attributes.value;
  element.append(...withoutEmpty(children));
  return element;
}

export function setContent(container, ...children) {
  container.replaceChildren(...withoutEmpty(children));
}

function withoutEmpty(children) {
  return children
    .flat(Infinity)
    .filter((child) => child !== undefined && child !== null && child !== false && child !== "");
}

/** Button that ignores further clicks and is marked as busy while its action runs. */
export function button(label, action, attributes) {
  const control = h("button", { type: "button", ...attributes, onclick: () => busy(control, action) }, label);
  return control;
}

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

/** Description list. Rows without a description are left out. */
export function factList(...rows) {
  return h(
    "dl",
    { class: "facts" },
    rows
      .filter(([, description]) => description)
      .map(([term, description]) => h("div", {}, h("dt", {}, term), h("dd", {}, description))),
  );
}

export function bulletList(items, attributes) {
  return h(
    "ul",
    attributes,
    items.map((item) => h("li", {}, item)),
  );
}

/** Email address that can break before its domain. */
export function breakableEmail(email) {
  const at = email.lastIndexOf("@");
  return [email.slice(0, at), h("wbr"), email.slice(at)];
}

/** Note that screen readers announce at once. */
export function alertNote(...children) {
  return h("div", { class: "note bad", role: "alert" }, ...children);
}

/** Update the view, with a transition if the browser supports it and the user allows motion. */
export async function updateView(update) {
  if (document.startViewTransition && !matchMedia("(prefers-reduced-motion: reduce)").matches) {
    await document.startViewTransition(update).updateCallbackDone;
  } else {
    update();
  }
}

/**
 * Open a modal dialog. `buildContent` gets a function that closes the dialog with a result.
 *
 * Resolves to the result; undefined if the dialog was dismissed.
 */
export function openDialog(title, buildContent) {
  return new Promise((resolve) => {
    let result;
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
