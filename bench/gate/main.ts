// In:    --quick (few, short rounds), --only STEP, --out FILE (default bench/results/gate.json; with --quick or --only, no file).
// Out:   tables on stdout, progress on stderr, rows as JSON and a chart beside it; exit 1 where an answer is wrong.
// Never: counts a connection whose answer was wrong.

import { mkdirSync, writeFileSync } from "node:fs";
import { cpus } from "node:os";
import { dirname } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { withBun } from "./bun.js";
import type { BunPath, Effort } from "./contest.js";
import { goals } from "./goals.js";
import { compareGuards } from "./guard.js";
import { compareMessages } from "./messages.js";
import { comparePending } from "./pending.js";
import { compareMalformed, compareRefusals } from "./refusal.js";
import { losingRows, report } from "./report.js";
import type { Row } from "./row.js";
import { compareUpgrades } from "./upgrade.js";

interface Step {
  readonly compare: (bun: BunPath, effort: Effort) => Promise<Row[]>;
  readonly effort: Effort;
}

const usual: Effort = { rounds: 25, warmUp: 4, part: 1 };
const quickly: Effort = { rounds: 2, warmUp: 0, part: 100 };

/** In the order of the flow: a connection waits, is refused or upgraded, and speaks. */
const steps: Record<string, Step> = {
  pending: { compare: comparePending, effort: { rounds: 3, warmUp: 1, part: 1 } },
  malformed: { compare: compareMalformed, effort: usual },
  refused: { compare: compareRefusals, effort: usual },
  upgrade: { compare: compareUpgrades, effort: usual },
  guard: { compare: compareGuards, effort: usual },
  messages: { compare: compareMessages, effort: usual },
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
const out = values.out ?? (quick || only !== undefined ? undefined : committed);

async function runSteps(bun: BunPath): Promise<Row[]> {
  const rows: Row[] = [];
  for (const [name, { compare, effort }] of Object.entries(steps)) {
    if (only !== undefined && name !== only) continue;
    process.stderr.write(`${name}\n`);
    rows.push(...(await compare(bun, quick ? quickly : effort)));
  }
  return rows;
}

const begin = performance.now();
const rows =
  values.bun !== undefined
    ? await runSteps({ path: values.bun })
    : quick
      ? await runSteps({ reason: "a quick run fetches nothing" })
      : await withBun(runSteps);
const seconds = Math.round((performance.now() - begin) / 1000);
process.stdout.write(`${report(rows, goals(rows))}\n`);
if (out !== undefined) {
  const environment = {
    node: process.versions.node,
    platform: `${process.platform} ${process.arch}`,
    cpu: cpus()[0]?.model ?? "unknown",
    cores: cpus().length,
  };
  const losing = losingRows(rows).map(({ step, unit, contender }) => ({ step, unit, contender }));
  mkdirSync(dirname(out), { recursive: true });
  writeFileSync(out, `${JSON.stringify({ environment, quick, rows, losing, goals: goals(rows) }, null, 2)}\n`);
}
process.stderr.write(`${seconds} s${out === undefined ? "" : `, ${out}`}\n`);
