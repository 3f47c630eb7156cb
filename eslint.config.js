import tseslint from "typescript-eslint";

/** What core gets through `Env` instead, so that a whole world can run from a seed. */
const AMBIENT = [
  "Buffer",
  "process",
  "performance",
  "crypto",
  "fetch",
  "setTimeout",
  "setInterval",
  "setImmediate",
  "queueMicrotask",
  "globalThis",
  "window",
  "self",
  "navigator",
  "localStorage",
  "indexedDB",
];

// Biome does all that needs no types; here is only what needs them, and what it cannot say.
export default tseslint.config(
  { ignores: ["**/dist/**", "**/node_modules/**"] },
  {
    files: ["packages/*/src/**/*.ts", "packages/*/test/**/*.ts", "examples/**/*.ts"],
    languageOptions: {
      parser: tseslint.parser,
      parserOptions: { project: ["./tsconfig.json", "./packages/adapter-indexeddb/tsconfig.json"], tsconfigRootDir: import.meta.dirname },
    },
    linterOptions: { reportUnusedDisableDirectives: "error", noInlineConfig: true },
    plugins: { "@typescript-eslint": tseslint.plugin },
    rules: {
      "@typescript-eslint/no-floating-promises": "error",
      "@typescript-eslint/no-misused-promises": "error",
      "@typescript-eslint/await-thenable": "error",
      "@typescript-eslint/only-throw-error": ["error", { allowThrowingUnknown: true, allowThrowingAny: false }],
      "@typescript-eslint/no-explicit-any": "error",
      "@typescript-eslint/switch-exhaustiveness-check": ["error", { considerDefaultExhaustiveForUnions: true }],
      "@typescript-eslint/ban-ts-comment": "error",
    },
  },
  {
    files: ["packages/core/src/**/*.ts"],
    rules: {
      "no-restricted-globals": ["error", ...AMBIENT.map((name) => ({ name, message: "Core reaches the world only through Env." }))],
      "no-restricted-properties": [
        "error",
        { object: "Date", property: "now", message: "Use env.nowMs()." },
        { object: "Math", property: "random", message: "Use env.randomBytes()." },
        { object: "AbortSignal", property: "timeout", message: "Use env.sleep()." },
      ],
      "no-restricted-syntax": [
        "error",
        { selector: "NewExpression[callee.name='Date'][arguments.length=0]", message: "Use env.nowMs()." },
        { selector: "CallExpression[callee.name='Date']", message: "Use env.nowMs()." },
      ],
    },
  },
);
