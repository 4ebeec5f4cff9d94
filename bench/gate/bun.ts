// In:    the registry, where it can be reached.
// Out:   the path of Bun's program in a temporary folder, or why there is none.
// Never: adds Bun to what the project installs.

import { join } from "node:path";
import type { BunPath } from "./contest.js";
import { type Folder, withFolder } from "./folder.js";

export const BUN_VERSION = "1.4.5";

/** Calls `use` with Bun's path, and removes it afterwards. */
export function withBun<Result>(use: (bun: BunPath) => Promise<Result>): Promise<Result> {
  return withFolder("bun", async (folder) => use(await fetchBun(folder)));
}

async function fetchBun(folder: Folder): Promise<BunPath> {
  try {
    await folder.run("npm", ["install", "--prefix", folder.path, "--no-save", `bun@${BUN_VERSION}`], 120_000);
    const path = join(folder.path, "node_modules/.bin/bun");
    await folder.run(path, ["--version"]);
    return { path };
  } catch (error) {
    return { reason: `Bun ${BUN_VERSION} cannot be fetched: ${(error as Error).message.split("\n")[0]}` };
  }
}
