import * as effect from "@effect/eslint-plugin/plugin"
import eslint from "@eslint/js"
import { defineConfig } from "eslint/config"
import tseslint from "typescript-eslint"
import { docTags } from "./scripts/lint/docTags.js"
import { importDirection } from "./scripts/lint/importDirection.js"
import { reasons } from "./scripts/lint/reasons.js"

const style = {
  indentWidth: 2,
  lineWidth: 120,
  operatorPosition: "maintain",
  semiColons: "asi",
  quoteStyle: "alwaysDouble",
  trailingCommas: "never",
  "arrowFunction.useParentheses": "force"
}

/** What a program does to the world behind Effect's back, and what to use for it. */
const ambient = {
  globals: {
    Buffer: "Use Uint8Array.",
    clearInterval: "Use Schedule or Effect.sleep.",
    clearTimeout: "Use Schedule or Effect.sleep.",
    console: "Use Effect.log or the Console service.",
    fetch: "Use HttpClient.",
    performance: "Use Clock.",
    process: "Use Config, or put it into a Node adapter.",
    queueMicrotask: "Use Effect.yieldNow.",
    setImmediate: "Use Effect.yieldNow.",
    setInterval: "Use Schedule or Effect.sleep.",
    setTimeout: "Use Schedule or Effect.sleep."
  },
  properties: [
    { object: "Date", property: "now", message: "Use Clock." },
    { object: "Math", property: "random", message: "Use Random." },
    { object: "crypto", property: "getRandomValues", message: "Use Random." },
    { object: "crypto", property: "randomUUID", message: "Use Random." }
  ],
  syntax: [
    { selector: "NewExpression[callee.name='Date'][arguments.length=0]", message: "Use Clock or DateTime." },
    { selector: "CallExpression[callee.name='Date']", message: "Use Clock or DateTime." }
  ]
}

/** Who touches the world so that nobody else has to: everything, or the globals that are named. */
const adapters = [
  { files: ["src/cli/**"], reason: "the command line is where the program meets its terminal and process" },
  { files: ["src/node.ts", "src/**/Node*.ts"], reason: "a module named Node… binds a service to the Node runtime" },
  { files: ["src/server/solti/Sandbox.ts"], globals: ["process"], reason: "looks for the system's own tools" }
]

/** @param {ReadonlyArray<string>} allowed */
const restrictedGlobals = (allowed) =>
  Object.entries(ambient.globals)
    .filter(([name]) => !allowed.includes(name))
    .map(([name, message]) => ({ name, message }))

const noRunInLibrary = {
  selector: "MemberExpression[object.name='Effect'][property.name=/^run(?:Sync|Promise|Callback|Fork)/]",
  message: "A library describes effects; its user runs them."
}

const noSpreadInPush = {
  selector: "CallExpression[callee.property.name='push'] > SpreadElement.arguments",
  message: "A long array overflows the stack; append in a loop."
}

/** @effect/vitest has no modules to import instead. */
const noBarrels = {
  regex: "^(?:effect|@effect/(?!vitest$)[a-z-]+)$",
  message: "Import the module (effect/Effect), not the barrel."
}

const noNode = {
  regex: "^(?:node:|@effect/platform-node|@effect/cli|undici$|ws$)",
  message: "Runs in browsers as well: Node's part belongs into a module named Node…, into server, testing or cli."
}

export default defineConfig(
  {
    ignores: [
      "**/dist/",
      "src/schemas/gen/",
      "**/build/",
      "**/coverage/",
      ".cache/",
      "test/fixtures/tooling/",
      "**/target/"
    ]
  },
  eslint.configs.recommended,
  tseslint.configs.recommended,
  {
    linterOptions: { reportUnusedDisableDirectives: "error" },
    // @ts-expect-error -- the plugin is typed against another major version of the parser's types
    plugins: { "@effect": effect, house: { rules: { reasons } } },
    rules: {
      "@effect/dprint": ["error", { config: style }],
      "@typescript-eslint/array-type": ["error", { default: "generic", readonly: "generic" }],
      "@typescript-eslint/ban-ts-comment": ["error", { "ts-expect-error": "allow-with-description" }],
      "@typescript-eslint/consistent-type-imports": ["error", { fixStyle: "separate-type-imports" }],
      "@typescript-eslint/no-empty-object-type": ["error", { allowInterfaces: "with-single-extends" }],
      "@typescript-eslint/no-import-type-side-effects": "error",
      "@typescript-eslint/no-namespace": ["error", { allowDeclarations: true }],
      "@typescript-eslint/no-restricted-imports": ["error", { patterns: [noBarrels] }],
      "@typescript-eslint/no-unused-vars": ["error", { argsIgnorePattern: "^_", varsIgnorePattern: "^_" }],
      eqeqeq: "error",
      "house/reasons": "error",
      "no-restricted-syntax": ["error", noSpreadInPush],
      "no-warning-comments": "error",
      "object-shorthand": "error"
    }
  },
  {
    files: ["src/**"],
    plugins: { library: { rules: { "doc-tags": docTags, "import-direction": importDirection } } },
    rules: {
      "@typescript-eslint/consistent-type-assertions": ["error", { assertionStyle: "never" }],
      "@typescript-eslint/no-non-null-assertion": "error",
      "library/doc-tags": "error",
      "library/import-direction": "error",
      "max-lines": ["error", { max: 350, skipComments: true }],
      "no-restricted-globals": ["error", ...restrictedGlobals([])],
      "no-restricted-properties": ["error", ...ambient.properties],
      "no-restricted-syntax": ["error", noSpreadInPush, noRunInLibrary, ...ambient.syntax]
    }
  },
  {
    files: ["src/*.ts", "src/{schemas,streams,services}/**", "src/solti/*.ts"],
    ignores: ["src/node.ts", "src/**/Node*.ts", "src/solti/server.ts", "src/solti/testing.ts"],
    rules: { "@typescript-eslint/no-restricted-imports": ["error", { patterns: [noBarrels, noNode] }] }
  },
  { files: ["src/**/internal/**"], rules: { "library/doc-tags": "off" } },
  ...adapters.map(({ files, globals }) =>
    globals === undefined
      ? {
        files,
        rules: {
          "no-restricted-globals": "off",
          "no-restricted-properties": "off",
          "no-restricted-syntax": ["error", noSpreadInPush, noRunInLibrary]
        }
      }
      : { files, rules: { "no-restricted-globals": ["error", ...restrictedGlobals(globals)] } }
  ),
  {
    files: ["test/**"],
    rules: {
      "no-restricted-properties": [
        "error",
        ...["it", "test", "describe", "suite"].flatMap((object) =>
          ["only", "skip", "todo"].map((property) => ({ object, property, message: "Every test runs." }))
        )
      ]
    }
  },
  { files: ["**/*.js"], languageOptions: { globals: { process: "readonly", URL: "readonly" } } }
)
