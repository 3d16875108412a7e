// Account: to be built on this shell.

import { token } from "./auth.js";
import { h } from "./elements.js";
import { door, page } from "./shell.js";
import { say } from "./words.js";

page(() => {
  const title = say("account.title");
  if (!token()) return door(title, say("account.lead"));
  return { title, content: [h("h1", {}, title), h("p", { class: "lead" }, say("account.lead"))] };
});
