// Partner: to be built on this shell.

import { token } from "./auth.js";
import { h } from "./elements.js";
import { door, page } from "./shell.js";
import { say } from "./words.js";

page(() => {
  const title = say("partner.title");
  if (!token()) return door(title, say("partner.lead"));
  return { title, content: [h("h1", {}, title), h("p", { class: "lead" }, say("partner.lead"))] };
});
