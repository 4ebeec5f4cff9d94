// In:    the folder of a recipe's packages, its source in one of both variants, a port.
// Out:   the program and the arguments that run it: on this Node, on Bun, on Deno, or as a Worker.
// Never: starts it.

import { copyFileSync, cpSync, existsSync, mkdirSync, readdirSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { folderOf, runtimeOf } from "./frameworks.js";

const FILE = "recipe.mjs";

/** Writes the source where its packages are found, this project among them; the command line that runs it on the port. */
export function programOf(name: string, source: string, port: number): [program: string, ...rest: string[]] {
  const folder = folderOf(name);
  const modules = join(folder, "node_modules");
  mkdirSync(modules, { recursive: true });
  const own = join(modules, "headgate");
  rmSync(own, { recursive: true, force: true });
  // Deno refuses a package that is outside of node_modules and above it.
  if (runtimeOf(name)?.runtime === "deno") {
    for (const part of ["package.json", "dist/lib", "dist/kernel"]) cpSync(part, join(own, part), { recursive: true });
  } else symlinkSync(resolve("."), own);
  const file = join(folder, FILE);
  writeFileSync(file, source);
  const given = runtimeOf(name);
  if (given === null) {
    return [process.execPath, "--import", pathToFileURL(resolve("dist/test/support/both-addresses.js")).href, file];
  }
  const { runtime, program } = given;
  if (!existsSync(program)) throw new Error(`there is no ${program}: npm did not run the scripts of its package`);
  if (runtime === "bun") return [program, file];
  if (runtime === "deno") return [program, "run", "--allow-all", "--node-modules-dir=manual", file];
  return [program, "serve", configure(folder, port)];
}

/** What workerd reads: the Worker, and each module that it may import, by name; the kernel is one, compiled before it runs. */
function configure(folder: string, port: number): string {
  const modules = [`(name = "${FILE}", esModule = embed "${FILE}")`];
  const add = (from: string, name: string, kind: "esModule" | "wasm"): void => {
    const file = name.replaceAll("/", "-");
    copyFileSync(from, join(folder, file));
    modules.push(`(name = "${name}", ${kind} = embed "${file}")`);
  };
  const chunks = readdirSync("dist/lib").filter((file) => /^chunk-(?:parser|policy)\.js$/.test(file));
  for (const chunk of chunks) add(join("dist/lib", chunk), `headgate/${chunk}`, "esModule");
  for (const entry of ["parser", "policy"]) add(`dist/lib/${entry}.js`, `headgate/${entry}`, "esModule");
  add("dist/kernel/simd.wasm", "headgate/kernel/simd.wasm", "wasm");
  const config = join(folder, "config.capnp");
  writeFileSync(
    config,
    `using Workerd = import "/workerd/workerd.capnp";
const config :Workerd.Config = (
  services = [(name = "main", worker = .worker)],
  sockets = [(name = "http", address = "*:${port}", http = (), service = "main")],
);
const worker :Workerd.Worker = (compatibilityDate = "2026-11-01", modules = [${modules.join(", ")}]);
`,
  );
  return config;
}
