// In:    names of test files, or none for all of dist/test; `--guards MODE`: for those with guards, which then have that mode.
// Out:   what each file printed, then the line "N passed, N failed, N skipped"; exit code 1 where any failed.
// Never: counts a file that ran no test as passed.

import { spawn } from "node:child_process";
import { readdirSync } from "node:fs";
import { availableParallelism } from "node:os";
import { join, relative } from "node:path";
import { pathToFileURL } from "node:url";

/** No file takes a quarter of this; one that hangs is ended and counted as failed. */
const MINUTES = 8;

interface Count {
  passed: number;
  failed: number;
  skipped: number;
}

const FOLDER = join("dist", "test");

/** The test files whose names contain one of `words`, or all. */
export function files(words: readonly string[]): string[] {
  return readdirSync(FOLDER, { recursive: true, encoding: "utf8" })
    .filter((file) => file.endsWith(".test.js"))
    .filter((file) => words.length === 0 || words.some((word) => file.includes(word)))
    .sort();
}

/** Runs these files; the last line that it prints has the totals, with those that were skipped before. */
export async function run(found: readonly string[], skipped = 0): Promise<void> {
  const total: Count = { passed: 0, failed: 0, skipped };
  const waiting = [...found];
  const workers = Array.from({ length: Math.min(2, availableParallelism()) }, async () => {
    for (let file = waiting.shift(); file !== undefined; file = waiting.shift()) {
      const count = await runFile(join(FOLDER, file));
      total.passed += count.passed;
      total.failed += count.failed;
      total.skipped += count.skipped;
    }
  });
  await Promise.all(workers);
  if (found.length === 0 && skipped === 0) total.failed++;
  console.log(`${total.passed} passed, ${total.failed} failed, ${total.skipped} skipped`);
  process.exitCode = total.failed > 0 ? 1 : 0;
}

async function runFile(file: string): Promise<Count> {
  const started = performance.now();
  const child = spawn(process.execPath, [file], { stdio: ["ignore", "pipe", "pipe"] });
  let output = "";
  const failures = (): number => sum(output, /^ {2}Total: +(\d+)/gm) - sum(output, /^ {2}Passed: +(\d+)/gm);
  child.stdout.on("data", (text: Buffer) => {
    output += text;
    // All tests have run, and one that failed may have left a socket open, which would hold the process.
    if (/^ {2}Duration: /m.test(output) && failures() > 0) child.kill("SIGKILL");
  });
  child.stderr.on("data", (text: Buffer) => (output += text));
  let isLate = false;
  const timer = setTimeout(() => {
    isLate = child.kill("SIGKILL");
  }, MINUTES * 60_000);
  const code = await new Promise<number | null>((resolve) => child.on("close", resolve));
  clearTimeout(timer);

  const count = {
    passed: sum(output, /^ {2}Passed: +(\d+)/gm),
    failed: 0,
    skipped: sum(output, /^ {2}Skipped: +(\d+)/gm),
  };
  const announced = output.match(/^SKIPPED /gm)?.length ?? 0;
  count.failed = failures();
  count.skipped += announced;
  if (count.failed === 0 && (code !== 0 || count.passed + count.skipped === 0)) count.failed = 1;
  const name = relative(FOLDER, file);
  const seconds = ((performance.now() - started) / 1000).toFixed(1);
  console.log(`${count.failed > 0 ? "FAILED" : "ok"} ${name}: ${count.passed} passed (${seconds} s)`);
  if (count.failed > 0) console.log(output.length > 20_000 ? `${output.slice(0, 20_000)}\n...` : output);
  else for (const line of output.match(/^(?:SKIPPED|NOTE) .*$/gm) ?? []) console.log(`  ${line}`);
  if (isLate) console.log(`  ended after ${MINUTES} minutes`);
  return count;
}

function sum(text: string, pattern: RegExp): number {
  return [...text.matchAll(pattern)].reduce((total, match) => total + Number(match[1]), 0);
}

/** Parts of the names of files in which servers are guarded. */
const GUARDED =
  "answers attack/bypass attack/memory attack/throwing authorize cases connection-field forwarded guard http2-guarded left-upgrades parity replies report same-ruling server-name six-checks";

if (process.argv[1]?.endsWith("run.js")) {
  const [option, mode, ...others] = process.argv.slice(2);
  if (option === "--guards") {
    process.env.HEADGATE_GUARD_MODE = mode!;
    process.env.NODE_OPTIONS = `--import=${pathToFileURL(join("dist", "test", "support", "guard-mode.js"))}`;
    await run(files(others.length > 0 ? others : GUARDED.split(" ")));
  } else await run(files(process.argv.slice(2)));
}
