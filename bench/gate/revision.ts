// In:    a git revision of this repository.
// Out:   its build, in a temporary folder, for as long as it is measured.
// Never: touches the working tree, its index or its build.

import { spawnSync } from "node:child_process";
import { existsSync, readFileSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { type Folder, withFolder } from "./folder.js";

const root = fileURLToPath(new URL("../../../", import.meta.url));
/** In a container the checkout often has another owner, and git then refuses to read it. */
const GIT = ["-c", "safe.directory=*", "-C", root];

export interface Revision {
  /** As it was asked for. */
  readonly name: string;
  readonly commit: string;
}

/** Its message has what failed, and the last lines that this printed. */
export class BuildFault extends Error {}

/** Undefined where the repository has no such commit. */
export function findRevision(name: string): Revision | undefined {
  const query = [...GIT, "rev-parse", "--verify", "--quiet", `${name}^{commit}`];
  const { status, stdout } = spawnSync("git", query, { encoding: "utf8" });
  return status === 0 ? { name, commit: stdout.trim() } : undefined;
}

/** Calls `work` with the path of the revision's own program of servers, from its own build. Throws a BuildFault. */
export function withBuild<Result>(revision: Revision, work: (servers: string) => Promise<Result>): Promise<Result> {
  return withFolder("against", async (folder) => {
    process.stderr.write(`building ${revision.name}, ${revision.commit.slice(0, 9)}, in ${folder.path}\n`);
    try {
      await build(revision.commit, folder);
    } catch (error) {
      throw new BuildFault(`${revision.name} cannot be built: ${(error as Error).message}`);
    }
    return work(serversIn(folder));
  });
}

const serversIn = (folder: Folder): string => join(folder.path, "dist/bench/gate/server.js");

async function build(commit: string, folder: Folder): Promise<void> {
  const archive = join(folder.path, "revision.tar");
  await folder.run("git", [...GIT, "archive", `--output=${archive}`, commit]);
  await folder.run("tar", ["-xf", archive]);
  if (lockFile(folder.path) === lockFile(root)) {
    symlinkSync(join(root, "node_modules"), join(folder.path, "node_modules"));
  } else {
    await folder.run("npm", ["ci"]);
  }
  await folder.run("npm", ["run", "build"]);
  if (!existsSync(serversIn(folder))) throw new Error("it has no bench/gate/server.ts");
}

function lockFile(folder: string): string | undefined {
  const file = join(folder, "package-lock.json");
  return existsSync(file) ? readFileSync(file, "utf8") : undefined;
}
