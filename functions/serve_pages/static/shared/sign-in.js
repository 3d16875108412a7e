// Sign-in by authorization code with PKCE. Loaded only when a user signs in.

import * as oauth from "../vendor/oauth4webapi.js";

const ASSUMED_SECONDS = 3600;
const EXPIRY_MARGIN = 30000;
const CLOCK_TOLERANCE_SECONDS = 86400;
const ID_TOKEN_ALGORITHMS = ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA"];

/**
 * The authorization server and the client, as the page names them.
 *
 * @typedef {object} Configuration
 * @property {string} authorizationUrl
 * @property {string} tokenUrl
 * @property {string} clientId
 * @property {string} scope
 * @property {string} redirectUri
 */

/**
 * Return the URL with these parameters beside those that it has already.
 *
 * @param {string} url
 * @param {Record<string, string>} params
 */
export function withParams(url, params) {
  const made = new URL(url);
  for (const [name, value] of Object.entries(params)) made.searchParams.set(name, value);
  return made.href;
}

/**
 * Return how long a token is used. Issuers may leave out when it expires: the API refuses it once it has.
 *
 * @param {number} [expiresInSeconds]
 */
function usableMilliseconds(expiresInSeconds = ASSUMED_SECONDS) {
  return expiresInSeconds * 1000 - Math.min(EXPIRY_MARGIN, expiresInSeconds * 500);
}

/**
 * Return the URL that starts a sign-in, with the state and the verifier that complete it.
 *
 * @param {Configuration} configuration
 */
export async function newSignIn({ authorizationUrl, clientId, scope, redirectUri }) {
  const [state, verifier] = [oauth.generateRandomState(), oauth.generateRandomCodeVerifier()];
  const url = withParams(authorizationUrl, {
    response_type: "code",
    client_id: clientId,
    redirect_uri: redirectUri,
    scope,
    state,
    code_challenge: await oauth.calculatePKCECodeChallenge(verifier),
    code_challenge_method: "S256",
  });
  return { url, state, verifier };
}

/**
 * Exchange the parameters of the redirect for an access token, and the email address of the user for display.
 *
 * Throws an error if the sign-in failed or the parameters do not belong to it.
 *
 * @param {Configuration} configuration
 * @param {URLSearchParams} params
 * @param {{ state: string; verifier: string }} signIn
 */
export async function requestToken({ tokenUrl, clientId, redirectUri }, params, { state, verifier }) {
  const server = {
    issuer: params.get("iss") ?? tokenUrl,
    token_endpoint: tokenUrl,
    id_token_signing_alg_values_supported: ID_TOKEN_ALGORITHMS,
    // The page knows no issuer and uses one server only. The API checks the issuer of the access token.
    [oauth._expectedIssuer]: (/** @type {{ claims: { iss: string } }} */ { claims }) => claims.iss,
  };
  // The ID token is for display only, so a wrong clock of the user's device does not prevent the sign-in.
  const client = { client_id: clientId, [oauth.clockTolerance]: CLOCK_TOLERANCE_SECONDS };
  const response = await oauth.authorizationCodeGrantRequest(
    server,
    client,
    oauth.None(),
    oauth.validateAuthResponse(server, client, params, state),
    redirectUri,
    verifier,
    { [oauth.allowInsecureRequests]: tokenUrl.startsWith("http:") }, // the stack on the developer's machine
  );
  const tokens = await oauth.processAuthorizationCodeResponse(server, client, response);
  const email = oauth.getValidatedIdTokenClaims(tokens)?.email;
  return {
    accessToken: tokens.access_token,
    usableMilliseconds: usableMilliseconds(tokens.expires_in),
    email: typeof email === "string" ? email : undefined,
  };
}
