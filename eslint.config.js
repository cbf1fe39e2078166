import js from "@eslint/js";

export default [
  js.configs.recommended,
  { linterOptions: { reportUnusedDisableDirectives: "error" } },
  {
    rules: {
      curly: ["error", "multi-line"],
      eqeqeq: "error",
      "no-var": "error",
      "object-shorthand": "error",
      "prefer-const": "error",
    },
  },
  {
    files: ["dashboard/**/*.js"],
    // The type check finds unknown names, the browser's and those of a component's other files.
    rules: { "no-undef": "off" },
  },
  {
    files: ["tests/javascript/*.mjs"],
    languageOptions: {
      globals: {
        Blob: "readonly",
        Buffer: "readonly",
        setTimeout: "readonly",
        URL: "readonly",
        structuredClone: "readonly",
      },
    },
  },
  {
    // Parts of a component that Python joins to one script: their names are for the others.
    files: [
      "dashboard/**/map_*.js",
      "dashboard/**/viewer_*.js",
      "dashboard/**/window_*.js",
      "dashboard/**/live_*.js",
      "dashboard/**/instrument_*.js",
    ],
    ignores: ["dashboard/**/window_mount.js", "dashboard/**/instrument_mount.js"],
    languageOptions: { sourceType: "script" },
    rules: { "no-unused-vars": ["error", { vars: "local" }] },
  },
];
