export * from "oauth4webapi";

/** Names the issuer that the ID token must have. The package exports this symbol without a type. */
export const _expectedIssuer: unique symbol;
