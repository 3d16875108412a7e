// What a refusal means, at the address that its problem names.

import { h } from "./elements.js";
import { page } from "./shell.js";
import { knows, refused, say } from "./words.js";

const slug = decodeURIComponent(location.pathname.split("/").pop());
const code = slug.replaceAll("-", "_");
const known = !slug.includes("_") && knows(`refused.${code}`);

page(() => {
  const title = say(known ? "problem.title" : "missing.title");
  const said = known
    ? [h("p", { class: "lead" }, refused(code)), h("p", { class: "quiet" }, `${say("problem.code")} `, h("code", {}, slug))]
    : [h("p", { class: "lead" }, say("missing.body"))];
  return { title, narrow: true, content: [h("h1", {}, title), said, h("p", {}, h("a", { href: "/" }, say("to_start")))] };
});
