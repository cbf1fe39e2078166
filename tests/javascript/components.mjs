// Loads what the dashboard's components are made of, wherever under dashboard/ the files lie.

import { readFileSync, readdirSync } from "node:fs";
import { basename } from "node:path";
import { fileURLToPath } from "node:url";
import { compileFunction } from "node:vm";

const DASHBOARD = fileURLToPath(new URL("../../dashboard/", import.meta.url));

/** Paths of all JavaScript files of the dashboard. */
export function sources() {
  const names = readdirSync(DASHBOARD, { recursive: true });
  return names.filter((name) => name.endsWith(".js")).map((name) => DASHBOARD + name);
}

/** Text of the one file of this name. */
function source(name) {
  const found = sources().filter((path) => basename(path) === name);
  if (found.length !== 1) {
    throw new Error(`${name} must be one file under dashboard/, got ${found.length}.`);
  }
  return readFileSync(found[0], "utf-8");
}

/**
 * The named functions, classes and constants of some files, joined as Python joins them.
 * @param {string[]} files in the order in which they build on each other
 * @param {string[]} names
 */
export function load(files, names) {
  const script = files.map(source).join("\n").replace("export default function", "function");
  const filename = files.join("+");
  return compileFunction(`${script}\nreturn { ${names.join(", ")} };`, [], { filename })();
}
