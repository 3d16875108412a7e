// The start: the way back from the sign-in, and where everybody finds the accounts that are open to him.

import { every } from "./api.js";
import { comeBack, leftPage, token } from "./auth.js";
import { h } from "./elements.js";
import { attempt, door, failed, page, redraw } from "./shell.js";
import { say } from "./words.js";

let accounts;
let error;

function row(account) {
  const partner = account.kind === "partner";
  const address = `/${partner ? "partners" : "accounts"}/${encodeURIComponent(account.account_id)}`;
  return h("li", {}, h("a", { href: address }, h("strong", {}, account.name), h("span", { class: "quiet" }, say(partner ? "home.partner" : "home.client"))));
}

function render() {
  const title = say("home.title");
  if (!token()) return door(title, say("home.lead"));
  const content = [h("h1", {}, say("home.accounts"))];
  if (error) content.push(failed(error));
  else if (!accounts) content.push(h("p", { class: "waiting", role: "status" }, say("loading")));
  else if (!accounts.length) content.push(h("p", { class: "lead" }, say("home.none")));
  else content.push(h("ul", { class: "choices" }, accounts.map(row)));
  return { title: say("home.accounts"), narrow: true, content };
}

function notSignedIn() {
  const title = say("sign_in_failed.title");
  const shown = door(title, say("sign_in_failed.body"));
  const again = h("a", { href: leftPage() }, say("sign_in_failed.again"));
  return { ...shown, content: [h("h1", {}, title), h("p", { class: "lead" }, say("sign_in_failed.body")), h("p", {}, again)] };
}

const came = await comeBack();
if (came === "failed") page(notSignedIn);
if (came === "not_away") {
  page(render);
  if (token()) {
    accounts = await attempt(() => every("/accounts"), { otherwise: (refusal) => {
      error = refusal;
    } });
    await redraw({ focus: false });
  }
}
