import { fileURLToPath } from "node:url"
import { defineConfig } from "vitest/config"

export default defineConfig({
  resolve: {
    // Examples and consumer programs import the package by its public name.
    alias: [{
      find: /^effect-switchyard\/(.+)$/,
      replacement: fileURLToPath(new URL("./src/$1.ts", import.meta.url))
    }]
  },
  test: {
    include: ["{test,examples}/**/*.test.ts"],
    setupFiles: ["test/setup.ts"],
    pool: "forks",
    poolOptions: { forks: { minForks: 1, maxForks: 2 } },
    testTimeout: 30_000,
    hookTimeout: 30_000,
    passWithNoTests: false,
    allowOnly: false,
    typecheck: {
      include: ["test/types/**/*.test-d.ts"],
      tsconfig: "tsconfig.types.json"
    }
  }
})
