// In:    --quick (few, short rounds), --only STEP, --out FILE (default bench/results/gate.json; with --quick, no file).
// Out:   tables on stdout, progress on stderr, rows as JSON and a chart beside it; exit 1 where an answer is wrong.
//        With --only, the other steps' rows stay in FILE as they are.
// Never: counts a connection whose answer was wrong.

import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { cpus } from "node:os";
import { dirname } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { BUN_VERSION, withBun } from "./bun.js";
import { drawChart } from "./chart.js";
import type { BunPath, Effort } from "./contest.js";
import { goals } from "./goals.js";
import { compareGuards } from "./guard.js";
import { compareMessages } from "./messages.js";
import { comparePending } from "./pending.js";
import { compareMalformed, compareRefusals } from "./refusal.js";
import { losingRows, report } from "./report.js";
import type { Row } from "./row.js";
import { compareUpgrades } from "./upgrade.js";

const { version: wsVersion } = createRequire(import.meta.url)("ws/package.json") as { version: string };

interface Step {
  readonly compare: (bun: BunPath, effort: Effort) => Promise<Row[]>;
  readonly effort: Effort;
}

const usual: Effort = { rounds: 21, warmUp: 4, part: 1 };
const quickly: Effort = { rounds: 2, warmUp: 0, part: 100 };

/** In the order of the flow: a connection waits, is refused or upgraded, and speaks; last, guarded requests. A step is a file and a line here. */
const steps: Record<string, Step> = {
  pending: { compare: comparePending, effort: { rounds: 3, warmUp: 1, part: 1 } },
  malformed: { compare: compareMalformed, effort: usual },
  refused: { compare: compareRefusals, effort: usual },
  upgrade: { compare: compareUpgrades, effort: usual },
  messages: { compare: compareMessages, effort: usual },
  guard: { compare: compareGuards, effort: usual },
};

const { values } = parseArgs({
  options: {
    quick: { type: "boolean", default: false },
    only: { type: "string" },
    out: { type: "string" },
    bun: { type: "string" },
  },
});
const { quick, only } = values;
if (only !== undefined && !Object.hasOwn(steps, only)) {
  process.stderr.write(`--only ${only}: the steps are ${Object.keys(steps).join(", ")}\n`);
  process.exit(1);
}
const committed = fileURLToPath(new URL("../../../bench/results/gate.json", import.meta.url));
const out = values.out ?? (quick ? undefined : committed);

async function runSteps(bun: BunPath): Promise<Row[]> {
  const rows: Row[] = [];
  for (const [name, { compare, effort }] of Object.entries(steps)) {
    if (only !== undefined && name !== only) continue;
    process.stderr.write(`${name}\n`);
    rows.push(...(await compare(bun, quick ? quickly : effort)));
  }
  return rows;
}

/** Rows of the steps that this run leaves out, from an earlier one. */
function earlierRows(file: string): Row[] {
  if (only === undefined || !existsSync(file)) return [];
  return (JSON.parse(readFileSync(file, "utf8")) as { rows: Row[] }).rows.filter(({ step }) => step !== only);
}

async function run(): Promise<Row[]> {
  if (values.bun !== undefined) return runSteps({ path: values.bun });
  return quick ? runSteps({ reason: "a quick run fetches nothing" }) : withBun(runSteps);
}

function write(file: string, measured: readonly Row[]): void {
  const names = Object.keys(steps);
  const rows = [...earlierRows(file), ...measured].sort((a, b) => names.indexOf(a.step) - names.indexOf(b.step));
  const environment = {
    node: process.versions.node,
    ws: wsVersion,
    bun: BUN_VERSION,
    platform: `${process.platform} ${process.arch}`,
    cpu: cpus()[0]?.model ?? "unknown",
    cores: cpus().length,
  };
  const losing = losingRows(rows).map(({ step, unit, contender }) => ({ step, unit, contender }));
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, `${JSON.stringify({ environment, quick, rows, losing, goals: goals(rows) }, null, 2)}\n`);
  writeFileSync(file.replace(/(?:\.json)?$/, ".svg"), drawChart(rows, environment));
}

const begin = performance.now();
const rows = await run();
process.stdout.write(`${report(rows, goals(rows))}\n`);
if (out !== undefined) write(out, rows);
const seconds = Math.round((performance.now() - begin) / 1000);
process.stderr.write(`${seconds} s${out === undefined ? "" : `, ${out}`}\n`);
