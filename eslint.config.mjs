// What the pages' scripts may not do. How they look is prettier's.
import js from "@eslint/js";
import globals from "globals";

const pages = { ...globals.browser, htmx: "readonly", L: "readonly", uPlot: "readonly", gcoord: "readonly" };

export default [
  { ignores: ["**/vendor/**", "**/node_modules/**", ".venv*/**"] },
  js.configs.recommended,
  {
    languageOptions: { ecmaVersion: 2024, sourceType: "module", globals: pages },
    rules: {
      eqeqeq: "error",
      "no-var": "error",
      "prefer-const": "error",
      "no-implicit-globals": "error",
      "no-unused-vars": ["error", { args: "all", argsIgnorePattern: "^_" }],
    },
  },
  { files: ["**/vendor.mjs", "eslint.config.mjs"], languageOptions: { globals: globals.node } },
  { files: ["**/worker.js"], languageOptions: { globals: globals.sharedWorker } },
];
