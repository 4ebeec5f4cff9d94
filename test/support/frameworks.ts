// In:    names of frameworks; none for all, --light for those that install in seconds.
// Out:   the tests of test/frameworks, each with its packages; exit code 1 where any failed.
// Never: installs into the project: packages come into a cache below node_modules, by npm, in the versions that are written here.

import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { run } from "./run.js";
import { skip } from "./suite.js";

interface Framework {
  readonly packages: Readonly<Record<string, string>>;
  readonly isLight: boolean;
  /** The program that runs its recipe; left out: this Node. One of its packages is the program, which a script of that package puts in place. */
  readonly runtime?: Runtime;
  /** Whether it must not be below a node_modules, where its compiler takes the application for a package, whose files do not change. */
  readonly isApart?: boolean;
}

type Runtime = "bun" | "deno" | "workerd";

/** Where the package of a runtime has its program. */
const programs: Readonly<Record<Runtime, string>> = {
  bun: "node_modules/bun/bin/bun.exe",
  deno: "node_modules/deno/deno",
  workerd: "node_modules/workerd/bin/workerd",
};

const frameworks: Readonly<Record<string, Framework>> = {
  // ws is a dependency of the project, for the recipes as well.
  ws: { packages: {}, isLight: true },
  "recipe-node": { packages: {}, isLight: true },
  "recipe-express": { packages: { express: "5.3.0" }, isLight: true },
  "recipe-koa": { packages: { koa: "3.3.0" }, isLight: true },
  "recipe-hono": { packages: { hono: "4.13.19", "@hono/node-server": "2.1.9" }, isLight: true },
  "recipe-fastify": { packages: { fastify: "5.12.8", "@fastify/websocket": "11.3.7" }, isLight: true },
  "recipe-socket.io": { packages: { "socket.io": "4.8.4" }, isLight: true },
  "recipe-h3": { packages: { h3: "2.0.8", crossws: "0.4.17" }, isLight: true },
  "recipe-mcp": { packages: { "@modelcontextprotocol/sdk": "1.32.2", express: "5.3.0" }, isLight: true },
  "recipe-other-port": { packages: {}, isLight: true },
  "recipe-electron": { packages: {}, isLight: true },
  "recipe-bun": { packages: { bun: "1.4.5" }, isLight: false, runtime: "bun" },
  "recipe-deno": { packages: { deno: "2.9.6" }, isLight: false, runtime: "deno" },
  "recipe-workers": { packages: { workerd: "1.20261117.1" }, isLight: false, runtime: "workerd" },
  "recipe-hono-bun": { packages: { hono: "4.13.19", bun: "1.4.5" }, isLight: false, runtime: "bun" },
  "recipe-hono-deno": { packages: { hono: "4.13.19", deno: "2.9.6" }, isLight: false, runtime: "deno" },
  "recipe-next": {
    packages: { next: "16.4.6", react: "19.3.1", "react-dom": "19.3.1" },
    isLight: false,
    isApart: true,
  },
  "recipe-nest": {
    packages: {
      "@nestjs/core": "11.2.10",
      "@nestjs/common": "11.2.10",
      "@nestjs/platform-express": "11.2.10",
      "reflect-metadata": "0.2.2",
      rxjs: "7.8.2",
    },
    isLight: false,
  },
  "recipe-vite": { packages: { vite: "8.4.0" }, isLight: false, isApart: true },
  "socket.io": { packages: { "socket.io": "4.8.4", "socket.io-client": "4.8.4" }, isLight: true },
  "prom-client": { packages: { "prom-client": "15.1.3" }, isLight: true },
  fastify: { packages: { fastify: "5.12.8", "@fastify/websocket": "11.3.7" }, isLight: true },
  "recipe-webpack-dev-server": {
    packages: { webpack: "5.113.0", "webpack-dev-server": "6.1.0" },
    isLight: false,
    isApart: true,
  },
  vite: { packages: { vite: "8.4.0" }, isLight: false },
  "webpack-dev-server": { packages: { webpack: "5.113.0", "webpack-dev-server": "6.1.0" }, isLight: false },
};

const CACHE = resolve("node_modules/.cache/headgate-frameworks");
const APART = resolve("dist/frameworks");

/** Where the packages of a framework are. */
export function folderOf(name: string): string {
  return join(frameworks[name]!.isApart === true ? APART : CACHE, name);
}

/** Its packages with their versions. */
export function versionsOf(name: string): Framework["packages"] {
  return frameworks[name]!.packages;
}

/** The runtime that runs it, and the path of its program; null for this Node. */
export function runtimeOf(name: string): { runtime: Runtime; program: string } | null {
  const { runtime } = frameworks[name]!;
  return runtime === undefined ? null : { runtime, program: join(folderOf(name), programs[runtime]) };
}

/** Null, or why its packages are not there. */
function install(name: string, { packages, runtime }: Framework): string | null {
  if (Object.keys(packages).length === 0) return null;
  const folder = folderOf(name);
  const manifest = `${JSON.stringify({ private: true, dependencies: packages }, null, 2)}\n`;
  const complete = join(folder, "complete.json");
  if (existsSync(complete) && readFileSync(complete, "utf8") === manifest) return null;
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, "package.json"), manifest);
  const options = ["--no-audit", "--no-fund", "--no-package-lock"];
  if (runtime === undefined) options.push("--ignore-scripts");
  const { status, stderr } = spawnSync("npm", ["install", "--prefix", folder, ...options], { encoding: "utf8" });
  if (status === 0) writeFileSync(complete, manifest);
  return status === 0 ? null : `npm could not install it: ${stderr.trim().split("\n").at(0)}`;
}

async function main(words: readonly string[]): Promise<void> {
  const isLight = words.includes("--light");
  const named = words.filter((word) => word !== "--light");
  const unknown = named.find((name) => !Object.hasOwn(frameworks, name));
  if (unknown !== undefined) throw new Error(`${unknown} is not one of ${Object.keys(frameworks).join(", ")}`);
  const wanted = Object.entries(frameworks).filter(
    ([name, framework]) => (named.length === 0 || named.includes(name)) && (!isLight || framework.isLight),
  );
  const found: string[] = [];
  let missing = 0;
  for (const [name, framework] of wanted) {
    const reason = install(name, framework);
    if (reason === null) found.push(`frameworks/${name}.js`);
    else {
      skip(`framework ${name}`, reason);
      missing++;
    }
  }
  await run(found, missing);
}

if (process.argv[1]?.endsWith("frameworks.js")) await main(process.argv.slice(2));
