// Start page: completes the sign-in and lists the user's accounts.

import { listAll } from "./shared/api.js";
import { completeSignIn, returnPath, token } from "./shared/auth.js";
import { h } from "./shared/elements.js";
import { attempt, errorAlert, loadingNote, redraw, showPage, signInPage } from "./shared/page.js";
import { t } from "./shared/texts.js";

/** @type {Api.Account[] | undefined} */
let accounts;
/** @type {Api.Failure | undefined} */
let error;

/** @param {Api.Account} account */
function accountItem(account) {
  const isPartner = account.kind === "partner";
  const path = `/${isPartner ? "partners" : "accounts"}/${encodeURIComponent(account.account_id)}`;
  return h(
    "li",
    {},
    h(
      "a",
      { href: path },
      h("strong", {}, account.name),
      h("span", { class: "quiet" }, t(isPartner ? "home.partner" : "home.client")),
    ),
  );
}

/** @returns {PageContent} */
function render() {
  const title = t("home.title");
  if (!token()) return signInPage(title, t("home.lead"));
  /** @type {Content[]} */
  const content = [h("h1", {}, t("home.accounts"))];
  if (error) content.push(errorAlert(error));
  else if (!accounts) content.push(loadingNote());
  else if (!accounts.length) content.push(h("p", { class: "lead" }, t("home.none")));
  else content.push(h("ul", { class: "choices" }, accounts.map(accountItem)));
  return { title: t("home.accounts"), narrow: true, content };
}

function signInFailedPage() {
  const title = t("sign_in_failed.title");
  const page = signInPage(title, t("sign_in_failed.body"));
  const retryLink = h("a", { href: returnPath() }, t("sign_in_failed.again"));
  return {
    ...page,
    content: [h("h1", {}, title), h("p", { class: "lead" }, t("sign_in_failed.body")), h("p", {}, retryLink)],
  };
}

const signInResult = await completeSignIn();
if (signInResult === "failed") showPage(signInFailedPage);
if (signInResult === "not_returning") {
  showPage(render);
  if (token()) {
    accounts = await attempt(() => listAll("/accounts"), {
      onError: (caught) => {
        error = caught;
      },
    });
    await redraw({ focus: false });
  }
}
