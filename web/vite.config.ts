import { fileURLToPath } from "node:url";
import { defineConfig } from "vitest/config";

/** `slip39` is written for Node: in the page its `crypto` and `Buffer` are the few functions of `slip39Crypto.ts`. */
const slip39InBrowsers = {
  name: "slip39-in-browsers",
  transform(code: string, id: string) {
    if (!id.endsWith("/slip39/src/slip39_helper.js")) return null;
    const crypto = fileURLToPath(new URL("src/crypto/slip39Crypto.ts", import.meta.url));
    return code
      .replace('require("crypto")', `require(${JSON.stringify(crypto)})`)
      .replaceAll("Buffer.from(", "crypto.bytesFrom(");
  },
};

// Everything the page needs is in its own folder, addressed relatively: so it works from any path, also under /ipfs/<cid>/.
export default defineConfig({
  root: import.meta.dirname,
  base: "./",
  plugins: [slip39InBrowsers],
  oxc: { jsx: { runtime: "automatic", importSource: "preact" } },
  build: { target: "es2022", sourcemap: false, assetsInlineLimit: 0, modulePreload: { polyfill: false } },
  // Readers are tried on thousands of damaged inputs, which takes some seconds on a busy machine.
  test: { include: ["tests/**/*.test.ts", "tests/**/*.test.tsx"], testTimeout: 30_000 },
});
