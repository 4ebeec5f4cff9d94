// In:    the registry, where it can be reached.
// Out:   the path of Bun's program in a temporary folder, or why there is none.
// Never: adds Bun to what the project installs.

import { execFile } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import type { BunPath } from "./contest.js";

export const BUN_VERSION = "1.4.5";
const run = promisify(execFile);

/** Calls `use` with Bun's path, and removes it afterwards. */
export async function withBun<Result>(use: (bun: BunPath) => Promise<Result>): Promise<Result> {
  const folder = mkdtempSync(join(tmpdir(), "headgate-bun-"));
  try {
    return await use(await fetchBun(folder));
  } finally {
    rmSync(folder, { recursive: true });
  }
}

async function fetchBun(folder: string): Promise<BunPath> {
  try {
    await run("npm", ["install", "--prefix", folder, "--no-save", `bun@${BUN_VERSION}`], { timeout: 120_000 });
    const path = join(folder, "node_modules/.bin/bun");
    await run(path, ["--version"]);
    return { path };
  } catch (error) {
    return { reason: `Bun ${BUN_VERSION} cannot be fetched: ${(error as Error).message.split("\n")[0]}` };
  }
}
