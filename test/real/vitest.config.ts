import { defineConfig } from "vitest/config"

export default defineConfig({
  test: {
    include: ["test/real/**/*.real.ts"],
    // One server and two cores: files that run side by side would measure each other.
    fileParallelism: false,
    testTimeout: 60_000,
    hookTimeout: 60_000,
    allowOnly: false
  }
})
