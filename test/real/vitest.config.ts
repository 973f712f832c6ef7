import { defineConfig } from "vitest/config"
import main from "../../vitest.config.js"

export default defineConfig({
  resolve: main.resolve ?? {},
  test: {
    include: ["test/real/**/*.real.ts"],
    setupFiles: ["test/setup.ts"],
    // One server and two cores: files that run side by side would measure each other.
    fileParallelism: false,
    testTimeout: 60_000,
    hookTimeout: 60_000,
    allowOnly: false
  }
})
