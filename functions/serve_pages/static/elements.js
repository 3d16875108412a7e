// Elements are made, never written as markup, so that whatever somebody typed stays text.

export function h(tag, attributes, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes ?? {})) {
    if (value === undefined || value === null || value === false) continue;
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else element.setAttribute(name, value === true ? "" : value);
  }
  if (tag === "textarea" && attributes?.value) element.value = attributes.value;
  element.append(...filled(children));
  return element;
}

export function show(place, ...children) {
  place.replaceChildren(...filled(children));
}

function filled(children) {
  return children.flat(Infinity).filter((child) => child !== undefined && child !== null && child !== false && child !== "");
}

/** A button that can be clicked once: until its work is done it says so, and further clicks do nothing. */
export function button(label, work, attributes) {
  const made = h("button", { type: "button", ...attributes, onclick: () => busy(made, work) }, label);
  return made;
}

export async function busy(made, work) {
  if (made.getAttribute("aria-busy") === "true") return;
  made.setAttribute("aria-busy", "true");
  made.setAttribute("aria-disabled", "true");
  try {
    await work();
  } finally {
    made.removeAttribute("aria-busy");
    made.removeAttribute("aria-disabled");
  }
}

/** Rows of a term and what is said of it; those without anything to say are left out. */
export function facts(...rows) {
  return h("dl", { class: "facts" }, rows.filter(([, told]) => told).map(([term, told]) => h("div", {}, h("dt", {}, term), h("dd", {}, told))));
}

export function bullets(items, attributes) {
  return h("ul", attributes, items.map((item) => h("li", {}, item)));
}

/** An e-mail address that is broken before its domain, where it must be. */
export function breakable(email) {
  const at = email.lastIndexOf("@");
  return [email.slice(0, at), h("wbr"), email.slice(at)];
}

/** A note that is read out at once. */
export function alert(...children) {
  return h("div", { class: "note bad", role: "alert" }, ...children);
}

/** Changes what is shown, smoothly where the browser can and the reader wants it. */
export async function change(update) {
  if (document.startViewTransition && !matchMedia("(prefers-reduced-motion: reduce)").matches) {
    await document.startViewTransition(update).updateCallbackDone;
  } else {
    update();
  }
}

/** Asks in a dialog; `ask` makes its content from the function that closes it with an answer. Resolves to the answer, or undefined. */
export function dialog(title, ask) {
  return new Promise((resolve) => {
    let answer;
    const close = (given) => {
      answer = given;
      made.close();
    };
    const made = h("dialog", { "aria-labelledby": "dialog-title", onclose: () => {
      made.remove();
      resolve(answer);
    } }, h("h2", { id: "dialog-title" }, title), ask(close));
    document.body.append(made);
    made.showModal();
  });
}
