// Page of an access link: preview, adjust, approve or decline. Opening the page changes nothing.

import { selectedAccountId } from "./approve/answer.js";
import { context, openLink, pageState, setError } from "./approve/context.js";
import { onLinkChange, takeLink } from "./approve/link-secret.js";
import { errorPage, noLinkPage } from "./approve/outcome.js";
import { requestPage } from "./approve/preview.js";
import { call } from "./shared/api.js";
import { token } from "./shared/auth.js";
import { h } from "./shared/elements.js";
import { attempt, loadingNote, redraw, showPage, signInPage } from "./shared/page.js";
import { loadPermissionTexts, t } from "./shared/texts.js";

async function loadPreview() {
  const { secret } = context;
  if (!secret || !token()) return;
  await attempt(
    async () => {
      /** @type {Api.Response<Api.LinkPreview>} */
      const { body } = await call("POST", "/access-links/preview", { body: { secret } });
      context.preview = body;
      context.chosenAccountId = selectedAccountId(body.accounts, context.chosenAccountId);
    },
    { pageState: pageState(), onError: setError },
  );
  await redraw({ focus: false });
}

/** @returns {PageContent} */
function render() {
  const { outcome, secret, error, preview } = context;
  if (outcome) return outcome();
  if (!secret) return noLinkPage();
  if (!token()) return signInPage(t("approve.title"), t("approve.lead"), pageState());
  if (preview) return requestPage();
  if (error) return errorPage(error, retry);
  return { title: t("approve.title"), content: [h("h1", {}, t("approve.title")), loadingNote()] };
}

function retry() {
  context.error = undefined;
  return loadPreview();
}

openLink(takeLink());
await loadPermissionTexts();
showPage(render);
onLinkChange((link) => {
  openLink(link);
  redraw().then(loadPreview);
});
await loadPreview();
