// In:    the name of a runtime's npm package, and a version of it.
// Out:   the path of its program, fetched from the registry once and kept in a cache below node_modules.
// Never: installs into the project, or runs under `npm ci`.

import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync } from "node:fs";
import { join, resolve } from "node:path";

const CACHE = resolve("node_modules/.cache/headgate-runtimes");

/** The versions that are tested; the major versions of Node are the ones that package.json's `engines` allows. */
export const versions = {
  "Node 20": ["node", "20.20.2"],
  "Node 22": ["node", "22.23.3"],
  "Node 24": ["node", "24.21.0"],
  "Node 26": ["node", "26.10.0"],
  Bun: ["bun", "1.4.5"],
  Deno: ["deno", "2.9.6"],
  workerd: ["workerd", "1.20261117.1"],
} as const satisfies Record<string, readonly [name: string, version: string]>;

/** The program of one of `versions`. Throws where it is not in the cache and npm cannot fetch it. */
export function fetchRuntime(runtime: keyof typeof versions): string {
  if (!(runtime in versions)) throw new TypeError(`${runtime} is not one of ${Object.keys(versions).join(", ")}`);
  const [name, version] = versions[runtime];
  const own = join(CACHE, `${name}-${version}`);
  const program = join(own, "node_modules/.bin", name);
  if (existsSync(program)) return program;
  mkdirSync(own, { recursive: true });
  const options = ["--no-save", "--no-package-lock", "--no-audit", "--no-fund"];
  execFileSync("npm", ["install", "--prefix", own, ...options, `${name}@${version}`], { stdio: "ignore" });
  return program;
}
