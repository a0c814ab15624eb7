import { defineConfig } from "vitest/config";

// Everything the page needs is in its own folder, addressed relatively: so it works from any path, also under /ipfs/<cid>/.
export default defineConfig({
  root: import.meta.dirname,
  base: "./",
  oxc: { jsx: { runtime: "automatic", importSource: "preact" } },
  build: { target: "es2022", sourcemap: false, assetsInlineLimit: 0, modulePreload: { polyfill: false } },
  test: { include: ["tests/**/*.test.ts", "tests/**/*.test.tsx"] },
});
