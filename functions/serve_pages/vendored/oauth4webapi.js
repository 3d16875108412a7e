// The functions of oauth4webapi that the sign-in uses. `make vendor` bundles them into static/vendor/oauth4webapi.js.

export {
  _expectedIssuer,
  allowInsecureRequests,
  authorizationCodeGrantRequest,
  calculatePKCECodeChallenge,
  clockTolerance,
  generateRandomCodeVerifier,
  generateRandomState,
  getValidatedIdTokenClaims,
  None,
  processAuthorizationCodeResponse,
  validateAuthResponse,
} from "oauth4webapi";
