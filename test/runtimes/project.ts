// In:    the build.
// Out:   a project that has installed the package as it ships, with the programs that runtimes are to run.
// Never: reaches a registry.

import { execFileSync } from "node:child_process";
import { copyFileSync, cpSync, mkdirSync, mkdtempSync, readFileSync, realpathSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { cases } from "./inputs.js";
import { transcripts } from "./transcripts.js";

/** Entries of the package, by the name that programs import. */
const { exports } = JSON.parse(readFileSync("package.json", "utf8")) as {
  exports: Record<string, string | { default: string }>;
};

/** The programs, by their paths in the project. */
const programs: Readonly<Record<string, string>> = {
  "transcripts.js": "dist/test/runtimes/transcripts.js",
  "gate-server.js": "dist/test/runtimes/gate-server.js",
  "message.js": "dist/examples/message.js",
  "web.js": "dist/examples/web.js",
};

/** Prints one transcript, whose entry is the argument. */
const main = `import { writeFileSync } from "node:fs";
import { cases } from "./cases.js";
import { transcript } from "./transcripts.js";
writeFileSync(process.argv[3], JSON.stringify(transcript(process.argv[2], cases)));
`;

/** The same in a process that has no WebAssembly. */
const without = `delete globalThis.WebAssembly;
await import("./main.js");
`;

/** The folder of a new project; the caller removes it. */
export function makeProject(): string {
  const folder = realpathSync(mkdtempSync(join(tmpdir(), "headgate-runtimes-")));
  const packed = execFileSync("npm", ["pack", "--silent", "--ignore-scripts", "--pack-destination", folder], {
    encoding: "utf8",
  });
  const modules = join(folder, "node_modules");
  mkdirSync(join(modules, "headgate"), { recursive: true });
  const tarball = join(folder, packed.trim().split("\n").at(-1)!);
  execFileSync("tar", ["-xzf", tarball, "--strip-components=1", "-C", join(modules, "headgate")]);
  cpSync("node_modules/ws", join(modules, "ws"), { recursive: true });
  writeFileSync(join(folder, "package.json"), JSON.stringify({ type: "module" }));
  writeFileSync(join(folder, "cases.js"), `export const cases = ${JSON.stringify(cases)};\n`);
  writeFileSync(join(folder, "main.js"), main);
  writeFileSync(join(folder, "without.js"), without);
  for (const [path, program] of Object.entries(programs)) {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    copyFileSync(program, join(folder, path));
  }
  return folder;
}

/** The path in the project of an entry of the package. */
export function pathOf(entry: string): string {
  const target = exports[entry.replace(/^headgate/, ".")]!;
  return `node_modules/headgate/${(typeof target === "string" ? target : target.default).slice(2)}`;
}

/** A module with the package's names replaced by paths, for runtimes that have no node_modules. */
export function resolved(text: string, prefix: string): string {
  return text.replace(/(from )"(headgate[\w/.]*)"/g, (_all, from, entry) => `${from}"${prefix}${pathOf(entry)}"`);
}

/** Where a transcript of the first runtime differs from what it must be; null where it does not. */
export function difference(found: readonly string[], wanted: readonly string[]): string | null {
  const at = wanted.findIndex((line, i) => line !== found[i]);
  if (at >= 0) return `${String(found[at]).slice(0, 300)}, not ${wanted[at]!.slice(0, 300)}`;
  return found.length === wanted.length ? null : `${found.length} lines, not ${wanted.length}`;
}

export const entries = Object.keys(transcripts) as (keyof typeof transcripts)[];
