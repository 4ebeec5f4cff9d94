// In:    an empty folder.
// Out:   the tarball that npm would publish, installed there beside ws, TypeScript and Node's types.
// Never: builds, or reaches a registry.

import { execFileSync } from "node:child_process";
import { mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";

export interface Packed {
  /** Its path. */
  readonly tarball: string;
  /** The paths of what is in it. */
  readonly files: readonly string[];
}

/** Runs a command in a folder; throws what it has printed if it fails. */
export function runIn(cwd: string, command: string, args: readonly string[]): string {
  try {
    return execFileSync(command, args, { cwd, encoding: "utf8", stdio: ["ignore", "pipe", "pipe"] });
  } catch (error) {
    const { stdout, stderr } = error as { stdout: string; stderr: string };
    throw new Error(`${command} ${args.join(" ")}\n${stdout}${stderr}`);
  }
}

export function installPacked(folder: string): Packed {
  // The build is there already; packing must not make another under the other tests.
  const packed = runIn(".", "npm", ["pack", "--json", "--ignore-scripts", "--pack-destination", folder]);
  const found: unknown = JSON.parse(packed);
  const [info] = (Array.isArray(found) ? found : Object.values(found as object)) as {
    filename: string;
    files: { path: string }[];
  }[];
  const modules = join(folder, "node_modules");
  mkdirSync(join(modules, "headgate"), { recursive: true });
  runIn(folder, "tar", ["-xzf", info!.filename, "--strip-components=1", "-C", join(modules, "headgate")]);
  mkdirSync(join(modules, "@types"));
  for (const name of ["ws", "typescript", "@types/node", "@types/ws", "undici-types", "@typescript"]) {
    symlinkSync(resolve("node_modules", name), join(modules, name));
  }
  writeFileSync(join(folder, "package.json"), JSON.stringify({ type: "module" }));
  return { tarball: join(folder, info!.filename), files: info!.files.map(({ path }) => path) };
}
