// In:    versions of Node (default: the one that runs this), as the npm package `node` has them.
// Out:   whether websocket-driver, faye-websocket and sockjs from npm work with headgate/http-parser in http-parser-js's place.
// Never: runs in the tests; the packages come into a folder of their own, which is kept for the next run.

import { execFileSync, spawnSync } from "node:child_process";
import { cpSync, existsSync, mkdirSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";

const packages = { "websocket-driver": "0.7.4", "faye-websocket": "0.11.4", sockjs: "0.3.24" };
const folder = join(tmpdir(), "headgate-http-parser-users");

function npm(where: string, ...args: string[]): string {
  return execFileSync("npm", args, { cwd: where, encoding: "utf8", stdio: ["ignore", "pipe", "inherit"] });
}

/** The path of a Node of that version. */
function nodeOf(version: string): string {
  const own = join(folder, `node-${version}`);
  const program = join(own, "node_modules/.bin/node");
  if (!existsSync(program)) npm(".", "install", "--prefix", own, "--no-save", `node@${version}`);
  return program;
}

const project = join(folder, "project");
mkdirSync(project, { recursive: true });
npm(".", "pack", "--silent", "--ignore-scripts", "--pack-destination", project);
cpSync("http-parser-js", join(project, "http-parser-js"), { recursive: true });
cpSync("test/frameworks/http-parser-users.cjs", join(project, "program.cjs"));
const manifest = {
  private: true,
  dependencies: { ...packages, headgate: "file:./headgate-0.1.0.tgz" },
  overrides: { "http-parser-js": "file:./http-parser-js" },
};
writeFileSync(join(project, "package.json"), JSON.stringify(manifest, null, 2));
npm(project, "install", "--no-audit", "--no-fund", "--no-package-lock", "--prefer-offline");
// A tarball of the same name counts as installed.
execFileSync("tar", ["-xzf", "headgate-0.1.0.tgz", "--strip-components=1", "-C", "node_modules/headgate"], {
  cwd: project,
});

const versions = process.argv.slice(2);
const programs = versions.length > 0 ? versions.map(nodeOf) : [process.execPath];
for (const program of programs) {
  const PATH = `${dirname(program)}:${process.env.PATH}`;
  const { status } = spawnSync(program, ["program.cjs"], {
    cwd: project,
    stdio: "inherit",
    env: { ...process.env, PATH },
  });
  if (status !== 0) process.exitCode = 1;
}
