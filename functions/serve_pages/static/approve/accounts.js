// The accounts of the user: the choice among those that can approve, and why the others cannot.

import { approvableAccounts, groupByReason, isResolvedInAccount } from "./answer.js";
import { context } from "./context.js";
import { choice, factList, h, infoNote } from "../shared/elements.js";
import { formatList, problemText, t } from "../shared/texts.js";

/**
 * Explain that the user cannot answer the request, and who could.
 *
 * @param {readonly Api.LinkAccount[]} accounts
 */
export function notApproverNote(accounts) {
  return h(
    "section",
    { "aria-labelledby": "accounts" },
    h("h2", { id: "accounts" }, t("approve.not_you.title")),
    accounts.length ? blockedAccounts(accounts) : h("p", {}, t("approve.no_account")),
    !accounts.some(isResolvedInAccount) && h("p", {}, t("approve.forward")),
  );
}

/**
 * Explain why accounts cannot approve. Link to an account if the reason can be resolved there.
 *
 * @param {readonly Api.LinkAccount[]} accounts
 */
function blockedAccounts(accounts) {
  return groupByReason(accounts).map((group) =>
    infoNote(
      h("p", {}, h("strong", {}, formatList(group.map((account) => account.name)))),
      h("p", {}, problemText(group[0].reason ?? "")),
      isResolvedInAccount(group[0]) &&
        h("p", {}, h("a", { href: `/accounts/${encodeURIComponent(group[0].account_id)}` }, t("approve.see_users"))),
    ),
  );
}

/**
 * Choice of the account to answer for. `onChoose` is called after each choice.
 *
 * @param {readonly Api.LinkAccount[]} accounts
 * @param {() => void} onChoose
 */
export function accountChoice(accounts, onChoose) {
  const approvable = approvableAccounts(accounts);
  const blocked = accounts.filter((account) => !account.can_approve);
  if (approvable.length === 1 && !blocked.length) {
    return factList([t("approve.account"), h("strong", {}, approvable[0].name)]);
  }
  return [
    h(
      "fieldset",
      { id: "choice" },
      h("legend", {}, t("approve.which")),
      approvable.map((account) =>
        choice(
          h("input", {
            type: "radio",
            name: "account",
            value: account.account_id,
            checked: account.account_id === context.chosenAccountId,
            onchange: () => {
              context.chosenAccountId = account.account_id;
              onChoose();
            },
          }),
          account.name,
        ),
      ),
    ),
    blocked.length > 0 &&
      h("details", {}, h("summary", {}, t("approve.elsewhere", { n: blocked.length })), blockedAccounts(blocked)),
  ];
}
