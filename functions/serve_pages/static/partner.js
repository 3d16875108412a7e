// Client access manager: a partner's clients, employees and access links.

import { takePageState, token } from "./shared/auth.js";
import { clientsTab } from "./partner/clients.js";
import { button, byId, h } from "./shared/elements.js";
import { employeesTab } from "./partner/employees.js";
import { loadPartner, partner } from "./partner/context.js";
import { linkFormState, linkFormTask, openLinkForm } from "./partner/link-form.js";
import { linksTab } from "./partner/links.js";
import { attempt, errorAlert, loadingNote, redraw, showPage, signInPage } from "./shared/page.js";
import { currentTask, openTask } from "./partner/tasks.js";
import { loadPermissionTexts, t } from "./shared/texts.js";

/** @type {Record<string, () => Content>} */
const TABS = { clients: clientsTab, employees: employeesTab, links: linksTab };
const NAMES = Object.keys(TABS);

/** @type {Api.Failure | undefined} */
let error;

function currentTab() {
  const requested = new URLSearchParams(location.search).get("tab") ?? "";
  return NAMES.includes(requested) ? requested : NAMES[0];
}

/** @param {string} name */
async function selectTab(name) {
  history.replaceState(history.state, "", `?tab=${name}`);
  await redraw({ focus: false });
  byId(`tab-${name}`).focus();
}

function tabs() {
  const current = currentTab();
  /** @type {Record<string, number>} */
  const arrowSteps = { ArrowRight: 1, ArrowLeft: -1 };
  return h(
    "div",
    {
      class: "tabs",
      role: "tablist",
      "aria-label": t("partner.title"),
      onkeydown: (event) => {
        /** @type {Record<string, string | undefined>} */
        const edgeTabs = { Home: NAMES[0], End: NAMES.at(-1) };
        const nextTab =
          edgeTabs[event.key] ??
          (event.key in arrowSteps && NAMES.at((NAMES.indexOf(current) + arrowSteps[event.key]) % NAMES.length));
        if (!nextTab) return;
        event.preventDefault();
        selectTab(nextTab);
      },
    },
    NAMES.map((name) =>
      h(
        "button",
        {
          type: "button",
          role: "tab",
          id: `tab-${name}`,
          "aria-selected": String(name === current),
          "aria-controls": "panel",
          tabindex: name === current ? "0" : "-1",
          onclick: () => selectTab(name),
        },
        t(`partner.tab.${name}`),
      ),
    ),
  );
}

/** @returns {PageContent} */
function render() {
  const title = t("partner.title");
  if (!token()) return signInPage(title, t("partner.lead"), linkFormState());
  const task = currentTask();
  if (task) return task();
  const heading = [h("h1", {}, title), h("p", { class: "lead" }, t("partner.lead"))];
  if (error) {
    return { title, content: [...heading, errorAlert(error), h("p", {}, h("a", { href: "/" }, t("to_start")))] };
  }
  const partnerLine = h(
    "p",
    { class: "partner-line" },
    partner.name
      ? [
          h("strong", {}, partner.name),
          !partner.managesClientAccess && h("span", { class: "quiet block" }, t("partner.own_only")),
        ]
      : " ",
  );
  if (partner.managesClientAccess === undefined) {
    return { title, content: [...heading, partnerLine, loadingNote()] };
  }
  return {
    title: partner.name ? `${title}: ${partner.name}` : title,
    content: [
      ...heading,
      partnerLine,
      h(
        "div",
        { class: "over" },
        tabs(),
        partner.managesClientAccess && button(t("partner.get_link"), openLinkForm, { class: "first" }),
      ),
      h("div", { id: "panel", role: "tabpanel", "aria-labelledby": `tab-${currentTab()}` }, TABS[currentTab()]()),
    ],
  };
}

async function initialize() {
  await attempt(loadPartner, {
    onError: (caught) => {
      error = caught;
    },
  });
  const saved = takePageState();
  if (saved?.link && partner.managesClientAccess) await openTask(linkFormTask(saved.link));
  else await redraw({ focus: false });
}

await loadPermissionTexts();
showPage(render);
if (token()) await initialize();
