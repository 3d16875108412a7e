// Shared by the parts of the page: the opened link, its preview, and what the user has chosen.

import { displayName } from "../shared/texts.js";

/**
 * @typedef {import("./link-secret.js").OpenedLink} OpenedLink
 *
 * @typedef {{ shown: boolean; removed: Set<string>; until: string }} ShownAdjustment
 */

/**
 * `outcome` renders the page that replaces the request once it has been answered.
 *
 * @type {{
 *   secret: string | undefined;
 *   preview: Api.LinkPreview | undefined;
 *   adjustment: ShownAdjustment;
 *   chosenAccountId: string | undefined;
 *   error: Api.Failure | undefined;
 *   outcome: (() => PageContent) | undefined;
 * }}
 */
export const context = {
  secret: undefined,
  preview: undefined,
  adjustment: noAdjustment(false),
  chosenAccountId: undefined,
  error: undefined,
  outcome: undefined,
};

/**
 * Return the adjustment that approves the request as it is.
 *
 * @param {boolean} shown
 * @returns {ShownAdjustment}
 */
export function noAdjustment(shown) {
  return { shown, removed: new Set(), until: "" };
}

/** @param {OpenedLink | null} link */
export function openLink(link) {
  const { chosenAccountId, adjustment } = link?.formState ?? {};
  Object.assign(context, {
    secret: link?.secret,
    preview: undefined,
    adjustment: { ...noAdjustment(false), ...adjustment, removed: new Set(adjustment?.removed) },
    chosenAccountId,
    error: undefined,
    outcome: undefined,
  });
}

/** Forget the secret of the link once it is answered. */
export function forgetSecret() {
  context.secret = undefined;
  delete window.initialLinkHash;
}

/** Return the state to restore after the sign-in. */
export function pageState() {
  const { secret, chosenAccountId, adjustment } = context;
  return { secret, formState: { chosenAccountId, adjustment: { ...adjustment, removed: [...adjustment.removed] } } };
}

/** @param {Api.Failure} error */
export function setError(error) {
  context.error = error;
}

/** Return the loaded preview. The functions that call this run only while there is one. */
export function loadedPreview() {
  return /** @type {Api.LinkPreview} */ (context.preview);
}

export function requestNames() {
  const { link, partner } = loadedPreview();
  return { name: displayName(link.employee), partner: partner.name };
}
