// Rules for the scripts of the pages and their tests.

import js from "@eslint/js";
import globals from "globals";

export default [
  { ignores: ["functions/serve_pages/static/vendor/"] },
  js.configs.recommended,
  { files: ["functions/serve_pages/static/**/*.js"], languageOptions: { globals: globals.browser } },
  { files: ["functions/serve_pages/static/shared/before-modules.js"], languageOptions: { sourceType: "script" } },
  { files: ["tests/pages/*.js"], languageOptions: { globals: globals.node } },
  {
    linterOptions: { reportUnusedDisableDirectives: "error" },
    rules: {
      "consistent-return": "off", // event handlers return early
      curly: ["error", "multi-line"],
      "default-case-last": "error",
      eqeqeq: "error",
      "no-console": "error",
      "no-else-return": "error",
      "no-eval": "error",
      "no-implicit-coercion": "error",
      "no-implied-eval": "error",
      "no-param-reassign": "error",
      "no-restricted-globals": ["error", "event", "name"],
      "no-restricted-properties": [
        "error",
        { property: "innerHTML", message: "Create elements with h()." },
        { property: "outerHTML", message: "Create elements with h()." },
        { property: "insertAdjacentHTML", message: "Create elements with h()." },
      ],
      "no-return-assign": "error",
      "no-shadow": "error",
      "no-throw-literal": "error",
      "no-unused-expressions": "error",
      "no-use-before-define": ["error", { functions: false, classes: true, variables: false }],
      "no-useless-return": "error",
      "no-var": "error",
      "object-shorthand": "error",
      "prefer-const": ["error", { destructuring: "all" }],
      "prefer-template": "error",
    },
  },
];
