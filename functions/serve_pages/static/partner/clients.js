// Tab of clients: the partner's members in each, their access, and the actions that the user can take.

import { call, newIdempotencyKey } from "../shared/api.js";
import { signedInUserId } from "../shared/auth.js";
import { confirmAction } from "../shared/confirmation.js";
import { colleaguesTask } from "./colleagues.js";
import { formatDateTime, formatEnd } from "../shared/dates.js";
import { button, emailLine, h } from "../shared/elements.js";
import { partner, seatName, setName, userPath } from "./context.js";
import { filterableList } from "../shared/filterable-list.js";
import { includesText } from "../shared/normalization.js";
import { migrationTask } from "./migration.js";
import { toast } from "../shared/page.js";
import { openTask } from "./tasks.js";
import { displayName, t } from "../shared/texts.js";

/** @typedef {Api.ClientMember & { made_by_client?: boolean }} ListedMember */

/** @typedef {Pick<Api.Client, "account_id" | "name" | "allowed_actions"> & { people: ListedMember[] }} ListedClient */

/** @type {{ text?: string }} */
const viewState = {};
/** @type {import("../shared/filterable-list.js").ListElement} */
let list;

/**
 * Group the rows by client. Each has the members on behalf of the partner and those that the client added itself.
 *
 * @param {Api.Client[]} items
 */
function groupByClient(items) {
  /** @type {Map<string, ListedClient>} */
  const byClient = new Map();
  for (const item of items) {
    const client = byClient.get(item.account_id) ?? { ...item, people: [] };
    for (const member of item.people) {
      client.people.push(Object.assign(member, { made_by_client: item.made_by_client }));
    }
    byClient.set(item.account_id, client);
  }
  return [...byClient.values()];
}

export function clientsTab() {
  list = filterableList({
    name: "clients",
    pages: partner.clients,
    viewState,
    headings: [
      t("partner.person"),
      t("partner.set"),
      t("partner.ends"),
      t("partner.state"),
      t("partner.changed"),
      t("partner.actions"),
    ],
    matches: (item, text) =>
      includesText(
        text,
        item.name,
        item.account_id,
        ...item.people.flatMap((member) => [
          displayName(member),
          member.email,
          setName(member.permission_set, member.set_name),
        ]),
      ),
    renderRows: (items) => {
      const grouped = groupByClient(items);
      return { rows: grouped.map(clientRows), count: grouped.length };
    },
    emptyContent: () => [h("p", {}, t(partner.managesClientAccess ? "partner.no_clients" : "partner.no_clients_own"))],
    onLoad: () => showSuperAdminOffer(superAdminOffer),
  });
  const superAdminOffer = h("div", {});
  showSuperAdminOffer(superAdminOffer);
  return [superAdminOffer, list];
}

/**
 * Offer a migration if the user is still super admin of a client.
 *
 * @param {Element} container
 */
function showSuperAdminOffer(container) {
  const ownCount = partner.employees.items.find((employee) => employee.user_id === signedInUserId())?.super_admin_of
    .length;
  const listedCount = partner.clients.items.filter(
    (item) =>
      item.made_by_client &&
      item.people.some((member) => member.user_id === signedInUserId() && member.permission_set === "super_admin"),
  ).length;
  const n = Math.max(ownCount ?? 0, listedCount);
  container.replaceChildren(
    ...(n
      ? [
          h(
            "div",
            { class: "note offer" },
            h("p", {}, t("partner.still_super_admin", { n })),
            h(
              "div",
              { class: "actions" },
              button(t("partner.migrate.open"), () => openTask(migrationTask())),
            ),
          ),
        ]
      : []),
  );
}

/** @param {ListedClient} client */
function clientRows(client) {
  const ownMembership = client.people.find((member) => member.user_id === signedInUserId());
  return h(
    "tbody",
    {},
    h(
      "tr",
      { class: "head" },
      h(
        "th",
        { scope: "rowgroup", colspan: "6" },
        h(
          "span",
          { class: "headed" },
          h("span", {}, h("strong", {}, client.name), " ", h("span", { class: "quiet" }, client.account_id)),
          h(
            "span",
            { class: "tools" },
            ownMembership &&
              h(
                "a",
                {
                  href: `/accounts/${encodeURIComponent(client.account_id)}`,
                  "aria-label": t("partner.users_of", { client: client.name }),
                },
                t("partner.users"),
              ),
            client.allowed_actions.includes("add_colleagues") &&
              button(t("partner.add"), () => openTask(colleaguesTask(client)), {
                "aria-label": t("partner.add_to", { client: client.name }),
              }),
          ),
        ),
      ),
    ),
    client.people.map((member) => memberRow(member, client)),
  );
}

/**
 * @param {ListedMember} member
 * @param {ListedClient} client
 */
function memberRow(member, client) {
  const { removed, added } = member.permissions;
  return h(
    "tr",
    {},
    h(
      "td",
      {},
      displayName(member),
      member.user_id === signedInUserId() && [" ", t("partner.you")],
      emailLine(member.email),
    ),
    h(
      "td",
      { "data-label": t("partner.set") },
      setName(member.permission_set, member.set_name),
      h("span", { class: "quiet block" }, seatName(member.seat)),
      removed.length > 0 && h("span", { class: "quiet block" }, t("partner.fewer", { n: removed.length })),
      added.length > 0 && h("span", { class: "quiet block" }, t("partner.added", { n: added.length })),
      member.made_by_client && h("span", { class: "quiet block" }, t("partner.made_by_client")),
    ),
    h(
      "td",
      { "data-label": t("partner.ends") },
      member.expires_at ? formatEnd(member.expires_at) : t("partner.no_end"),
    ),
    h("td", { "data-label": t("partner.state") }, stateCell(member)),
    h("td", { "data-label": t("partner.changed") }, member.changed_at ? formatDateTime(member.changed_at) : "–"),
    h("td", {}, actions(member, client)),
  );
}

/** @param {ListedMember} member */
export function stateCell(member) {
  return [
    h("span", { class: `state ${member.state}` }, t(`partner.state.${member.state}`)),
    (member.suspended_by ?? []).map((side) => h("span", { class: "quiet block" }, t(`partner.suspended_by.${side}`))),
  ];
}

/**
 * @param {ListedMember} member
 * @param {ListedClient} client
 */
function actions(member, client) {
  const isSelf = member.user_id === signedInUserId();
  const values = { name: displayName(member), client: client.name };
  const buttons = [];
  if (member.allowed_actions.includes("resume")) {
    buttons.push(actionButton("partner.resume", "partner.resume_one", () => resume(member, client), values));
  }
  if (!isSelf && member.allowed_actions.includes("suspend")) {
    buttons.push(actionButton("partner.suspend", "partner.suspend_one", () => suspend(member, client), values));
  }
  if (member.allowed_actions.includes("remove")) {
    buttons.push(
      actionButton(
        isSelf ? "partner.leave" : "partner.end",
        isSelf ? "partner.leave_one" : "partner.end_one",
        () => endAccess(member, client, isSelf),
        values,
        "plain bad",
      ),
    );
  }
  return h("div", { class: "tools" }, buttons);
}

/**
 * @param {string} labelKey
 * @param {string} ariaLabelKey
 * @param {() => unknown} action
 * @param {TextValues} values
 * @param {string} [className]
 */
function actionButton(labelKey, ariaLabelKey, action, values, className = "plain") {
  return button(t(labelKey), action, { class: className, "aria-label": t(ariaLabelKey, values) });
}

// --- actions ---

/**
 * @param {ListedMember} member
 * @param {ListedClient} client
 */
async function suspend(member, client) {
  const values = { name: displayName(member), client: client.name };
  /** @type {Api.Response<Api.Member> | undefined} */
  const result = await confirmAction({
    title: t("partner.suspend.title", values),
    body: t("partner.suspend.body", values),
    reasonLabel: t("partner.suspend.reason"),
    confirmLabel: t("partner.suspend"),
    action: async (reason) => {
      const path = userPath(client.account_id, member.user_id);
      await call("PUT", `${path}/suspension`, { body: reason ? { reason } : {}, key: newIdempotencyKey() });
      return call("GET", path);
    },
  });
  if (result) showChanged(member, result.body, t("partner.suspended", values));
}

/**
 * @param {ListedMember} member
 * @param {ListedClient} client
 */
async function resume(member, client) {
  const values = { name: displayName(member), client: client.name };
  /** @type {Api.Response<Api.Member> | undefined} */
  const result = await confirmAction({
    title: t("partner.resume.title", values),
    body: t("partner.resume.body", values),
    confirmLabel: t("partner.resume"),
    isDestructive: false,
    action: async () => {
      const path = userPath(client.account_id, member.user_id);
      await call("DELETE", `${path}/suspension`, { key: newIdempotencyKey() });
      return call("GET", path);
    },
  });
  if (result) showChanged(member, result.body, t("partner.resumed", values));
}

/**
 * Show the member as the API returned them after a change. Absent fields have no value any more.
 *
 * @param {ListedMember} member
 * @param {Api.Member} changed
 * @param {string} text
 */
function showChanged(member, changed, text) {
  Object.assign(member, { suspended_by: undefined, expires_at: undefined }, changed);
  finish(text);
}

/**
 * @param {ListedMember} member
 * @param {ListedClient} client
 * @param {boolean} isSelf
 */
async function endAccess(member, client, isSelf) {
  const values = { name: displayName(member), client: client.name };
  const textKey = isSelf ? "partner.leave" : "partner.end";
  const result = await confirmAction({
    title: t(`${textKey}.title`, values),
    body: t(`${textKey}.body`, values),
    confirmLabel: t(textKey),
    action: () =>
      call("DELETE", userPath(client.account_id, member.user_id), {
        expectedVersion: `"${member.version}"`,
        key: newIdempotencyKey(),
      }),
    onStale: reload,
  });
  if (!result) return;
  for (const item of partner.clients.items) item.people = item.people.filter((other) => other !== member);
  partner.clients.items = partner.clients.items.filter((item) => item.people.length);
  partner.employees.reset();
  finish(t(`${textKey}.done`, values));
}

/** @param {string} text */
function finish(text) {
  list.update();
  list.focusStatus();
  toast(text);
}

function reload() {
  partner.clients.reset();
  list.retry();
}
