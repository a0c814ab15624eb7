// Exits with 0 when node_modules holds exactly what package-lock.json says, as npm itself noted there when it installed.
// Packages for other operating systems and processors are in the lock file only.
import { existsSync, readFileSync } from "node:fs";

const read = (path) => (existsSync(path) ? JSON.parse(readFileSync(path, "utf8")).packages : {});
const wanted = read("package-lock.json");
const installed = read("node_modules/.package-lock.json");
const foreign = (entry) =>
  [
    [entry.os, process.platform],
    [entry.cpu, process.arch],
  ].some(([allowed, own]) => allowed && !allowed.includes(own));

const names = new Set([...Object.keys(wanted), ...Object.keys(installed)].filter((name) => name !== ""));
const differing = [...names].filter((name) => {
  const want = wanted[name];
  const have = installed[name];
  if (!have) return !(want.optional && foreign(want));
  return !want || want.integrity !== have.integrity || !existsSync(`${name}/package.json`);
});
if (differing.length > 0) console.error(`${differing.length} packages differ from package-lock.json`);
process.exitCode = differing.length > 0 ? 1 : 0;
