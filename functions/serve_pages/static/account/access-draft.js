// The form state of a member's access as data: its rights, its request, and its merge with a concurrent edit.

import { context, grantablePermissions } from "./context.js";
import { allPermissions, applyOverrides, baseRights, capScopes, overridesFor } from "./rights.js";
import { permissionTexts } from "../shared/texts.js";

export const PARTNER_ADMIN = "partner_admin";

/**
 * Create the form state of a member's access. Saved fields are restored, the others are empty.
 *
 * @param {SavedAccessDraft} [saved]
 * @returns {AccessDraft}
 */
export function newDraft({ set = "", seat = "", paidSeats = [], until = "", removed, scopes = [] } = {}) {
  return {
    set,
    seat,
    paidSeats: new Set(paidSeats),
    removed: removed && new Set(removed),
    scopes: new Map(scopes),
    until,
  };
}

/**
 * @param {AccessDraft} draft
 * @returns {SavedAccessDraft}
 */
export function serializeDraft(draft) {
  return {
    ...draft,
    paidSeats: [...draft.paidSeats],
    removed: draft.removed && [...draft.removed],
    scopes: [...draft.scopes],
  };
}

/**
 * Return the last day of a member's access as the value of a date field. It is empty if there is none.
 *
 * @param {Api.Member | undefined} member
 */
function currentEnd(member) {
  return member?.access_ends_on ?? "";
}

/**
 * Return the draft that equals the member's current access.
 *
 * @param {LoadedMember} loaded
 */
export function draftOf(loaded) {
  const { member, rights, base } = loaded;
  const draft = newDraft({
    set: member.permission_set,
    seat: member.seat ?? "",
    paidSeats: member.paid_seats,
    until: currentEnd(member),
  });
  if (rights) {
    draft.removed = new Set(offeredPermissions(draft.set, base, loaded).filter((name) => !rights.has(name)));
  }
  return draft;
}

/**
 * Return whether the set is the one that the member has.
 *
 * @param {string} set
 * @param {LoadedMember} [loaded]
 */
function isCurrentSet(set, loaded) {
  return loaded?.member.permission_set === set;
}

/**
 * Return the permissions to offer: those that the user may grant, and those that the member already has.
 *
 * @param {string} set
 * @param {Rights | undefined} base
 * @param {LoadedMember} [loaded]
 * @returns {string[]}
 */
export function offeredPermissions(set, base, loaded) {
  const restrictedNames = permissionTexts().single;
  const forPartner = set === PARTNER_ADMIN || loaded?.member.partner_id;
  const grantable =
    grantablePermissions() ?? new Map([...allPermissions()].filter(([name]) => !(name in restrictedNames)));
  const asPartner = !context.sets;
  const names = asPartner ? [] : [...grantable.keys()].filter((name) => !forPartner || !(name in restrictedNames));
  const currentRights = isCurrentSet(set, loaded) ? loaded?.rights : undefined;
  return [...new Set([...(base?.keys() ?? []), ...(currentRights?.keys() ?? []), ...names])];
}

/**
 * Return the rights that the draft results in. `loaded` is the member being edited; undefined for a new member.
 *
 * @param {AccessDraft} draft
 * @param {Rights | undefined} base
 * @param {LoadedMember} [loaded]
 */
export function draftRights(draft, base, loaded) {
  if (!base) return undefined;
  const names = offeredPermissions(draft.set, base, loaded).filter((name) => !draft.removed?.has(name));
  const currentRights = isCurrentSet(draft.set, loaded) ? loaded?.rights : undefined;
  return capScopes(
    names.map((name) => [name, draft.scopes.get(name) ?? currentRights?.get(name) ?? base.get(name) ?? "all"]),
  );
}

/**
 * Return the rights of the draft's permission set without overrides.
 *
 * @param {AccessDraft} draft
 * @param {readonly Api.PermissionSet[]} choices
 * @param {LoadedMember} [loaded]
 */
export function draftBase(draft, choices, loaded) {
  return loaded && isCurrentSet(draft.set, loaded)
    ? loaded.base
    : baseRights(draft.set, [...choices, ...(context.sets ?? [])]);
}

/**
 * Select another permission set. The overrides of the previous set are discarded.
 *
 * @param {AccessDraft} draft
 * @param {string} set
 * @param {readonly Api.PermissionSet[]} choices
 * @param {LoadedMember} [loaded]
 */
export function selectSet(draft, set, choices, loaded) {
  draft.set = set;
  draft.scopes = new Map();
  const base = draftBase(draft, choices, loaded);
  const rights = isCurrentSet(set, loaded) ? loaded?.rights : base;
  draft.removed = rights && new Set(offeredPermissions(set, base, loaded).filter((name) => !rights.has(name)));
}

/**
 * Build the request body: only the changed fields, or all fields for a new member.
 *
 * @param {AccessDraft} draft
 * @param {readonly Api.PermissionSet[]} choices
 * @param {LoadedMember} [loaded]
 */
export function requestBody(draft, choices, loaded) {
  /** @type {Api.EditUserRequest} */
  const body = {};
  const member = loaded?.member;
  const base = draftBase(draft, choices, loaded);
  const isOtherSet = draft.set !== member?.permission_set;
  if (isOtherSet) body.permission_set = draft.set;
  if (draft.set === "super_admin") return body;
  if (base) {
    const overrides = overridesFor(base, draftRights(draft, base, loaded) ?? base);
    const before =
      isOtherSet || !member ? { add: [], remove: [] } : overridesFor(base, applyOverrides(base, member.permissions));
    if (JSON.stringify(overrides) !== JSON.stringify(before)) body[member ? "overrides" : "permissions"] = overrides;
  }
  if (draft.seat && draft.set !== PARTNER_ADMIN && draft.seat !== member?.seat) {
    body.seat = /** @type {Api.Seat} */ (draft.seat);
  }
  const paidSeats = [...draft.paidSeats].sort();
  if (member && JSON.stringify(paidSeats) !== JSON.stringify([...member.paid_seats].sort())) {
    body.paid_seats = /** @type {Api.Seat[]} */ (paidSeats);
  }
  if (hasEndDate(draft, loaded)) {
    if (draft.until !== currentEnd(member)) body.access_ends_on = draft.until || null;
    if (!member && !draft.until) delete body.access_ends_on;
  }
  return body;
}

/**
 * @param {AccessDraft} draft
 * @param {LoadedMember} [loaded]
 */
export function hasEndDate(draft, loaded) {
  return draft.set === PARTNER_ADMIN || Boolean(loaded?.member.grant_id);
}

/**
 * Return the draft after a concurrent edit: the latest access with the user's own edits.
 *
 * @param {AccessDraft} edited
 * @param {AccessDraft} original The draft before the user's edits.
 * @param {LoadedMember} latest
 */
export function mergeDraft(edited, original, latest) {
  const draft = draftOf(latest);
  const set = edited.set === original.set ? draft.set : edited.set;
  if (set !== draft.set || !edited.removed) selectSet(draft, set, latest.choices, latest);
  if (edited.set === set) {
    if (edited.removed && draft.removed) {
      mergeRemoved(draft.removed, edited.removed, edited.set === original.set ? original.removed : undefined);
    }
    draft.scopes = edited.scopes;
  }
  if (edited.seat !== original.seat) draft.seat = edited.seat;
  if ([...edited.paidSeats].sort().join() !== [...original.paidSeats].sort().join()) {
    draft.paidSeats = edited.paidSeats;
  }
  if (edited.until !== original.until) draft.until = edited.until;
  return draft;
}

/**
 * Apply the user's edits to the removed permissions. Without `original`, all of them are the user's.
 *
 * @param {Set<string>} removed
 * @param {Set<string>} edited
 * @param {Set<string> | undefined} original
 */
function mergeRemoved(removed, edited, original) {
  for (const name of edited) if (!original?.has(name)) removed.add(name);
  for (const name of [...removed]) {
    if (!edited.has(name) && (!original || original.has(name))) removed.delete(name);
  }
}
