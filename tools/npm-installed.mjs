// Exits with 0 when node_modules holds exactly what package-lock.json says, as npm itself noted there when it installed.
// Packages for other operating systems and processors are in the lock file only; a folder of this repository (a
// workspace) is there by being there.
import { existsSync, readFileSync } from "node:fs";

const read = (path) => (existsSync(path) ? JSON.parse(readFileSync(path, "utf8")).packages : {});
const wanted = read("package-lock.json");
const installed = read("node_modules/.package-lock.json");
const foreign = (entry) =>
  [
    [entry.os, process.platform],
    [entry.cpu, process.arch],
    [entry.libc, process.report.getReport().header.glibcVersionRuntime ? "glibc" : "musl"],
  ].some(([allowed, own]) => allowed && !allowed.includes(own));

const names = new Set([...Object.keys(wanted), ...Object.keys(installed)].filter((name) => name.includes("node_modules/")));
const differing = [...names].filter((name) => {
  const want = wanted[name];
  const have = installed[name];
  // An optional package that any machine could have is one that a package for other machines needs.
  if (!have) return !(want.optional && (foreign(want) || !(want.os ?? want.cpu ?? want.libc)));
  return !want || want.integrity !== have.integrity || !existsSync(`${name}/package.json`);
});
if (differing.length > 0) console.error(`${differing.length} packages differ from package-lock.json: ${differing.slice(0, 9).join(" ")}`);
process.exitCode = differing.length > 0 ? 1 : 0;
