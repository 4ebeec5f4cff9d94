// In:    --quick (few, short rounds), --only STEP, --out FILE (default bench/results/gate.json; with --quick or --against,
//        no file), --bun PATH, --against REVISION (headgate now beside that revision, nothing else).
// Out:   tables on stdout, progress on stderr, rows as JSON and, without --against, a chart beside it. With --only, the
//        other steps' rows stay in FILE as they are, without --against. Exit 1 where an answer is wrong or the revision
//        cannot be built, 2 where an option is wrong.
// Never: counts a connection whose answer was wrong.

import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname } from "node:path";
import { fileURLToPath } from "node:url";
import { machine } from "../machine.js";
import { misused, readOptions } from "../options.js";
import { type AgainstRow, compareAgainst, serversOfOurs } from "./against.js";
import { BUN_VERSION, withBun } from "./bun.js";
import { drawChart } from "./chart.js";
import type { BunPath, Effort } from "./contest.js";
import { goals } from "./goals.js";
import { lossesOf, report, reportAgainst } from "./report.js";
import { BuildFault, findRevision, type Revision, withBuild } from "./revision.js";
import type { Row } from "./row.js";
import { rowsOfStep, type Step, steps } from "./steps.js";

const { version: wsVersion } = createRequire(import.meta.url)("ws/package.json") as { version: string };

const quickly: Effort = { rounds: 2, warmUp: 0, part: 100 };

const { values } = readOptions({
  options: {
    quick: { type: "boolean", default: false },
    only: { type: "string" },
    out: { type: "string" },
    bun: { type: "string" },
    against: { type: "string" },
  },
});
const { quick, only, out, bun, against } = values;
if (only !== undefined && !Object.hasOwn(steps, only)) {
  misused(`--only ${only}: the steps are ${Object.keys(steps).join(", ")}`);
}
const chosen = Object.entries(steps).filter(([name]) => only === undefined || name === only);
const effortOf = ({ effort }: Step): Effort => (quick ? quickly : effort);

const environment = {
  node: process.versions.node,
  ws: wsVersion,
  bun: BUN_VERSION,
  ...machine(),
};

const SEAT_TITLE = "A server with headgate's parser, guarded or not: medians and quartiles";

async function runSteps(bun: BunPath): Promise<Row[]> {
  const rows: Row[] = [];
  for (const [name, step] of chosen) {
    process.stderr.write(`${name}\n`);
    rows.push(...(await rowsOfStep(step, bun, effortOf(step))));
  }
  return rows;
}

/** Rows of the steps that this run leaves out, from an earlier one. */
function earlierRows(file: string): Row[] {
  if (only === undefined || !existsSync(file)) return [];
  return (JSON.parse(readFileSync(file, "utf8")) as { rows: Row[] }).rows.filter(({ step }) => step !== only);
}

function run(): Promise<Row[]> {
  if (bun !== undefined) return runSteps({ path: bun });
  return quick ? runSteps({ reason: "a quick run fetches nothing" }) : withBun(runSteps);
}

function write(file: string, results: object): void {
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, `${JSON.stringify(results, null, 2)}\n`);
}

/** Headgate beside other servers. The file that was written, if any. */
async function compareWithOthers(): Promise<string | undefined> {
  const committed = fileURLToPath(new URL("../../../bench/results/gate.json", import.meta.url));
  const file = out ?? (quick ? undefined : committed);
  const measured = await run();
  process.stdout.write(`${report(measured, goals(measured))}\n`);
  if (file === undefined) return;
  const names = Object.keys(steps);
  const rows = [...earlierRows(file), ...measured].sort((a, b) => names.indexOf(a.step) - names.indexOf(b.step));
  const losing = lossesOf(rows).map(({ row: { step, unit, contender }, to }) => ({
    step,
    unit,
    contender,
    to: to.contender,
  }));
  write(file, { environment, quick, rows, losing, goals: goals(rows) });
  const svg = (name: string): string => file.replace(/(?:\.json)?$/, `${name}.svg`);
  writeFileSync(svg(""), drawChart(rows, environment));
  const seats = rows.filter(({ step, unit }) => step === "seat" && unit.startsWith("µs"));
  if (seats.length > 0) writeFileSync(svg("-seat"), drawChart(seats, environment, SEAT_TITLE));
  return file;
}

/** Headgate beside itself at another revision. The file that was written, if any. */
async function compareWith(revision: Revision): Promise<string | undefined> {
  const rows = await withBuild(revision, async (servers) => {
    const found: AgainstRow[] = [];
    for (const [name, step] of chosen) {
      for (const trial of step.trials) {
        for (const server of serversOfOurs(trial)) {
          process.stderr.write(`${name}: ${server}\n`);
          found.push(await compareAgainst(trial, server, { revision: revision.name, servers }, effortOf(step)));
        }
      }
    }
    return found;
  });
  process.stdout.write(`${reportAgainst(rows, revision.name)}\n`);
  if (out !== undefined) write(out, { environment, quick, against: revision, rows });
  return out;
}

const revision = against === undefined ? undefined : findRevision(against);
if (against !== undefined && revision === undefined) misused(`--against ${against}: there is no such revision`);
const begin = performance.now();
try {
  const file = await (revision === undefined ? compareWithOthers() : compareWith(revision));
  const seconds = Math.round((performance.now() - begin) / 1000);
  process.stderr.write(`${seconds} s${file === undefined ? "" : `, ${file}`}\n`);
} catch (error) {
  if (!(error instanceof BuildFault)) throw error;
  process.stderr.write(`${error.message}\n`);
  process.exitCode = 1;
}
