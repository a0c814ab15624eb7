#!/usr/bin/env node
// The Solidity compiler of the npm package `solc` (WebAssembly) behind the command line of the native one: forge,
// py-solc-x and ape all call an executable named solc, and a native one can't be downloaded on every machine.
import { readFileSync, realpathSync, writeSync } from "node:fs";
import { createRequire } from "node:module";
import { resolve } from "node:path";

const require = createRequire(import.meta.url);
const solc = require("solc");
const args = process.argv.slice(2);

function writeAll(descriptor, text) {
  const bytes = Buffer.from(text, "utf8");
  // A pipe takes 64 KiB at a time, and exiting loses the rest: write until nothing is left.
  for (let at = 0; at < bytes.length; ) {
    try {
      at += writeSync(descriptor, bytes, at);
    } catch (error) {
      if (error.code !== "EAGAIN") throw error;
    }
  }
}

if (args.includes("--version")) {
  const version = solc.version();
  writeAll(1, `solc, the solidity compiler commandline interface\nVersion: ${version}\n`);
} else if (args.includes("--standard-json")) {
  const option = (name) => {
    const at = args.indexOf(name);
    return at < 0 ? undefined : args[at + 1];
  };
  const base = resolve(option("--base-path") ?? ".");
  const includes = args.flatMap((arg, at) => (arg === "--include-path" ? [resolve(args[at + 1])] : []));
  const allowed = [base, ...includes, ...(option("--allow-paths") ?? "").split(",").filter(Boolean)].map((path) =>
    resolve(path),
  );
  const read = (path) => {
    for (const root of [base, ...includes]) {
      try {
        const file = realpathSync(resolve(root, path));
        if (!allowed.some((folder) => file.startsWith(folder))) continue;
        return { contents: readFileSync(file, "utf8") };
      } catch {
        continue;
      }
    }
    return { error: `file not found: ${path}` };
  };
  writeAll(1, solc.compile(readFileSync(0, "utf8"), { import: read }));
} else {
  writeAll(2, "This wrapper answers --version and --standard-json only.\n");
  process.exitCode = 1;
}
