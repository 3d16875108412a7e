// What all pages share: the header, the language, short messages, and what happens when nobody is signed in.

import { Refusal, SignInNeeded } from "./api.js";
import { signIn, signOut, who } from "./auth.js";
import { alert, button, change, h, show } from "./elements.js";
import { LANGUAGES, refused, say, speak, speaks } from "./words.js";

export const main = document.getElementById("main");
const controls = document.getElementById("controls");
const toasts = document.getElementById("toasts");
let draw = () => {};

/** Shows a page: `render` gives its title and content, and is asked again when the language changes. */
export function page(render) {
  draw = () => {
    header();
    const { title, content, narrow } = render();
    document.title = `${title} – ${say("product")}`;
    main.classList.toggle("narrow", Boolean(narrow));
    show(main, content);
  };
  draw();
}

/** Shows the page as it is now; with `focus` its heading is read out. */
export async function redraw({ focus = true } = {}) {
  await change(draw);
  if (focus) heading()?.focus();
  if (focus) scrollTo(0, 0);
}

function heading() {
  const found = main.querySelector("h1");
  found?.setAttribute("tabindex", "-1");
  return found;
}

function header() {
  document.querySelector(".skip").textContent = say("skip");
  document.querySelector(".brand").textContent = say("product");
  const other = Object.keys(LANGUAGES).find((each) => each !== speaks());
  const name = who();
  show(
    controls,
    name && h("span", { class: "who", title: name }, name),
    name && button(say("sign_out"), signOut, { class: "plain" }),
    button(LANGUAGES[other], async () => {
      await speak(other);
      draw();
      controls.querySelector("[data-language]").focus();
    }, { class: "plain", lang: other, "data-language": other }),
  );
}

/** A short message that goes by itself, and is read out. */
export function toast(text) {
  const made = h("p", { class: "toast" }, text);
  toasts.append(made);
  setTimeout(() => made.remove(), 6000);
}

/** What to show for something that went wrong. */
export function failed(error) {
  return alert(h("p", {}, error instanceof Refusal ? refused(error.code) : say("unreachable")), ...pointers(error));
}

function pointers(error) {
  const fields = error instanceof Refusal ? error.errors.map((each) => each.pointer) : [];
  return fields.length ? [h("p", { class: "quiet" }, say("fields", { fields: fields.join(" ") }))] : [];
}

/** Does this; leaves for the sign-in when it is needed. What is no refusal and no lost connection is a mistake of ours. */
export async function attempt(work, { carry, otherwise }) {
  try {
    return await work();
  } catch (error) {
    if (error instanceof SignInNeeded) return signIn(carry);
    if (error instanceof Refusal || error instanceof TypeError) return otherwise(error);
    throw error;
  }
}

/** Asks to sign in: leaving is the reader's own click. */
export function door(title, text, carry) {
  return {
    title,
    narrow: true,
    content: [h("h1", {}, title), h("p", { class: "lead" }, text), h("div", { class: "actions" }, button(say("sign_in"), () => signIn(carry), { class: "first" }))],
  };
}
