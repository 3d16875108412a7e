// What the tabs of the console share: which partner it is, who looks at it, and what is known of it so far.

import { call, every, Refusal } from "./api.js";
import { token } from "./auth.js";
import { Pages } from "./partner-paging.js";
import { knows, say } from "./words.js";

const MANAGE = "partner.client_access.manage";
const id = decodeURIComponent(location.pathname.split("/").pop());

export const firm = {
  id,
  name: undefined,
  manages: undefined,
  clients: new Pages(pathOf("clients")),
  employees: new Pages(pathOf("employees"), 25),
  links: new Pages(pathOf("access-links")),
};

export function pathOf(...rest) {
  return ["/partners", id, ...rest].map((part, nth) => (nth ? encodeURIComponent(part) : part)).join("/");
}

export function userPath(accountId, userId) {
  return `/accounts/${encodeURIComponent(accountId)}/users/${encodeURIComponent(userId)}`;
}

/** The id of whoever is signed in; for showing only: what he may do is for the API to say. */
export function me() {
  try {
    return JSON.parse(atob(token().split(".")[1].replaceAll("-", "+").replaceAll("_", "/"))).sub;
  } catch {
    return undefined;
  }
}

/** The partner's name, and whether the reader manages client access. */
export async function meet() {
  const mine = (await every("/accounts")).find((account) => account.account_id === id && account.kind === "partner");
  if (!mine) throw new Refusal(404, { code: "not_found" });
  firm.manages = await manages(mine);
  firm.name = mine.name;
}

/** Of the vendor's sets only the super admin's lets manage client access; beyond that it is given to one alone, or by a set of the firm's own. */
async function manages({ permission_set: set }) {
  if (set === "super_admin") return true;
  const { permissions } = (await call("GET", userPath(id, me()))).body;
  if (permissions.added.includes(MANAGE)) return true;
  return !permissions.removed.includes(MANAGE) && !knows(`partner.set.${set}`) && mayAskForOthers();
}

/** Only who manages client access is shown the links of somebody else. */
async function mayAskForOthers() {
  try {
    await call("GET", `${pathOf("access-links")}?employee_id=nobody&limit=1`);
    return true;
  } catch (error) {
    if (error instanceof Refusal && error.status === 403) return false;
    throw error;
  }
}

/** A vendor's set has words; a client's own set is called as the client calls it. */
export function setName(name, named) {
  return knows(`partner.set.${name}`) ? say(`partner.set.${name}`) : named ?? name;
}

export function seatName(name) {
  return say(`partner.seat.${name ?? "none"}`);
}

/** A client's name, as far as it has been read. */
export function clientName(accountId) {
  return firm.clients.items.find((client) => client.account_id === accountId)?.name ?? accountId;
}
