// In:    the built command; `--rounds N`.
// Out:   how long it takes to start, as a multiple of `node -e 0`: medians of interleaved rounds.
// Never: is a test; a busy machine would fail it.

import { spawnSync } from "node:child_process";

const COMMAND = "dist/lib/cli.js";
const programs: Readonly<Record<string, readonly string[]>> = {
  "node -e 0": ["-e", "0"],
  "headgate --version": [COMMAND, "--version"],
  "headgate --help": [COMMAND, "--help"],
  "headgate check": [COMMAND, "check", "--host", "localhost"],
};

const median = (values: readonly number[]): number => values.toSorted((a, b) => a - b)[values.length >> 1]!;

const at = process.argv.indexOf("--rounds");
const rounds = at < 0 ? 41 : Number(process.argv[at + 1]);
const times = new Map(Object.keys(programs).map((name) => [name, [] as number[]]));
for (let round = 0; round < rounds; round++) {
  for (const [name, args] of Object.entries(programs)) {
    const start = performance.now();
    spawnSync(process.execPath, args, { stdio: "ignore" });
    times.get(name)!.push(performance.now() - start);
  }
}
const least = median(times.get("node -e 0")!);
for (const [name, each] of times) {
  console.log(`${name}: ${median(each).toFixed(1)} ms, ${(median(each) / least).toFixed(2)}`);
}
