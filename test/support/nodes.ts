// In:    major versions of Node (default 22 24 26), fetched as the npm package `node`.
// Out:   the tests under each Node; exit code 1 where any failed.
// Never: runs in the tests; nothing of it is installed with the project.

import { spawnSync } from "node:child_process";
import { delimiter, dirname } from "node:path";
import { fetchRuntime } from "../runtimes/fetched.js";
import { files } from "./run.js";

/** Files that do not depend on the engine, or would install again what is there. */
const SAME_EVERYWHERE = ["bench", "chromium", "lint", "package"];

let failed = false;

function report(name: string, status: number | null): void {
  console.log(`${status === 0 ? "ok" : "FAILED"} ${name}`);
  failed ||= status !== 0;
}

const wanted = files([]).filter((file) => !SAME_EVERYWHERE.some((word) => file.startsWith(word)));
const majors = process.argv.slice(2);
for (const major of majors.length > 0 ? majors : ["22", "24", "26"]) {
  const node = fetchRuntime(`Node ${major}` as "Node 22");
  const PATH = `${dirname(node)}${delimiter}${process.env.PATH}`;
  const options = { stdio: "inherit", env: { ...process.env, PATH } } as const;
  report(`Node ${major}`, spawnSync(node, ["dist/test/support/run.js", ...wanted], options).status);
  const events = spawnSync(node, ["dist/test/support/run.js", "--guards", "events"], options);
  report(`Node ${major}, guards by events`, events.status);
}
process.exitCode = failed ? 1 : 0;
