// Page of a problem type: the meaning of an error code.

import { h } from "./shared/elements.js";
import { showPage } from "./shared/page.js";
import { hasText, problemText, t } from "./shared/texts.js";

const slug = location.pathname.split("/").at(-1) ?? "";
const code = slug.replaceAll("-", "_");
const isKnown = !slug.includes("_") && hasText(`error.${code}`);

showPage(() => {
  const title = t(isKnown ? "problem.title" : "missing.title");
  const content = isKnown
    ? [
        h("p", { class: "lead" }, problemText(code)),
        h("p", { class: "quiet" }, `${t("problem.code")} `, h("code", {}, slug)),
      ]
    : [h("p", { class: "lead" }, t("missing.body"))];
  return {
    title,
    narrow: true,
    content: [h("h1", {}, title), content, h("p", {}, h("a", { href: "/" }, t("to_start")))],
  };
});
