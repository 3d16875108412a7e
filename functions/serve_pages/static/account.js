// Page of one account: routes to the member list, a member, the audit log and set updates.

import { takePageState, token } from "./shared/auth.js";
import { context, isAllowedInAccount, loadContext, onNavigate, viewLink } from "./account/context.js";
import { editView } from "./account/edit-member.js";
import { memberListView } from "./account/member-list.js";
import { migrationView } from "./account/migration.js";
import { newMemberView } from "./account/new-member.js";
import { memberView } from "./account/member.js";
import { auditLogView } from "./account/audit-log.js";
import { setUpdatesView } from "./account/set-updates.js";
import { button, h } from "./shared/elements.js";
import { attempt, errorAlert, loadingNote, main, redraw, showPage, signInPage } from "./shared/page.js";
import { loadPermissionTexts, t } from "./shared/texts.js";

/** @type {View | undefined} */
let view;
/** @type {Api.Failure | undefined} */
let error;
let contextLoaded = false;
let openCount = 0;

/** Return the view that the URL selects. */
function viewFromUrl() {
  const params = new URLSearchParams(location.search);
  const userId = params.get("user");
  if (userId && params.get("do") === "edit") return editView(userId);
  if (userId && params.get("do") === "migrate") return migrationView(userId);
  if (params.has("audit_log")) return auditLogView(userId, params);
  if (userId) return memberView(userId);
  if (params.has("new")) return newMemberView();
  if (params.has("updates")) return setUpdatesView();
  return memberListView();
}

/** @param {{ formState?: unknown; focus?: boolean }} [options] */
async function openView({ formState, focus = true } = {}) {
  const requestNumber = (openCount += 1);
  const nextView = viewFromUrl();
  const pageState = () => ({ formState: nextView.formState?.() });
  if (formState) nextView.restore?.(formState);
  error = undefined;
  if (!token()) return showView(nextView, focus);
  main.setAttribute("aria-busy", "true");
  await attempt(
    async () => {
      if (!contextLoaded) await loadContext();
      contextLoaded = true;
      await nextView.load();
    },
    {
      pageState: pageState(),
      onError: (caught) => {
        error = caught;
      },
    },
  );
  if (requestNumber === openCount) await showView(nextView, focus);
}

/**
 * @param {View} nextView
 * @param {boolean} focus
 */
async function showView(nextView, focus) {
  view = nextView;
  main.removeAttribute("aria-busy");
  await redraw({ focus });
}

function render() {
  const title = t("account.title");
  if (!token()) return signInPage(title, t("account.lead"), { formState: view?.formState?.() });
  if (!view) {
    return { title, content: [h("h1", {}, title), loadingNote()] };
  }
  if (error) {
    return {
      title,
      content: [
        h("h1", {}, title),
        errorAlert(error),
        h(
          "div",
          { class: "actions" },
          button(t("account.again"), () => openView()),
          h("a", { class: "button plain", href: "/" }, t("to_start")),
        ),
      ],
    };
  }
  const rendered = view.render();
  return { ...rendered, content: [navigation(), rendered.content] };
}

/** Navigation between the views. A user who can see only their own membership gets links to their partners. */
function navigation() {
  const name = context.account?.name;
  const params = new URLSearchParams(location.search);
  const current = params.has("audit_log") ? "audit_log" : params.has("updates") ? "updates" : "users";
  const navigationItem = (
    /** @type {string} */ key,
    /** @type {string} */ label,
    /** @type {Record<string, string>} */ target,
  ) => h("li", {}, viewLink(label, target, { "aria-current": current === key && (location.search ? "true" : "page") }));
  if (!name) {
    const partners = context.accounts.filter((each) => each.kind === "partner");
    return h(
      "nav",
      { class: "places", "aria-label": t("home.partner") },
      partners.map((partner) =>
        h(
          "a",
          { href: `/partners/${encodeURIComponent(partner.account_id)}` },
          t("account.to_partner", { partner: partner.name }),
        ),
      ),
    );
  }
  return h(
    "nav",
    { class: "places", "aria-label": name },
    h("strong", {}, name),
    context.sets &&
      h(
        "ul",
        {},
        navigationItem("users", t("account.title"), {}),
        isAllowedInAccount("accept_set_updates") && navigationItem("updates", t("account.updates"), { updates: "" }),
        navigationItem("audit_log", t("account.audit_log"), { audit_log: "" }),
      ),
  );
}

onNavigate(() => openView());
await loadPermissionTexts();
showPage(render);
if (token()) await openView({ ...takePageState(), focus: false });
