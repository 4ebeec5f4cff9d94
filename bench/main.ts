// In:    --quick (few, short rounds), --out FILE (default bench/results/head.json; with --quick, no file).
// Out:   tables on stdout, progress on stderr, rows as JSON; exit 1 where an answer is wrong.
// Never: times a contender before the answers of all have been compared.

import { mkdirSync, writeFileSync } from "node:fs";
import { cpus } from "node:os";
import { dirname } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { type KernelVariant, useKernel } from "../src/parser.js";
import { compareCold } from "./cold.js";
import { nodeParserVersion } from "./contenders/node-parser.js";
import { undiciVersion } from "./contenders/undici.js";
import { compareHeads, contenders, fewContenders, taskOf } from "./head.js";
import { inputs } from "./inputs.js";
import { compareRefusals, refusers, rehearseRefusals } from "./malformed.js";
import type { Timing } from "./measure.js";
import { compareOctetByOctet, piecewise, piecewiseInputs } from "./octet-by-octet.js";
import { losingRows, report } from "./report.js";
import type { Row } from "./row.js";

const variants: readonly KernelVariant[] = ["simd", "scalar", "javascript"];

/** Throws for the first wrong answer of any contender, step and kernel. */
function compareAnswers(): void {
  for (const variant of variants) {
    useKernel(variant);
    for (const contender of contenders) for (const input of inputs) taskOf(contender, input);
    for (const contender of piecewise) for (const input of piecewiseInputs) taskOf(contender, input);
    for (const refuser of refusers()) rehearseRefusals(refuser);
  }
}

function runSteps(timing: Timing, coldRounds: number): Row[] {
  return variants.flatMap((variant) => {
    // Once a pass: a new kernel is new code, which the engine would have to warm again in every round.
    useKernel(variant);
    const whole = variant === "simd";
    return [
      ...compareHeads(variant, whole ? contenders : fewContenders, timing),
      ...compareOctetByOctet(variant, timing),
      ...compareRefusals(variant, timing),
      ...(whole ? compareCold(variant, contenders, coldRounds) : []),
    ];
  });
}

const { values } = parseArgs({ options: { quick: { type: "boolean", default: false }, out: { type: "string" } } });
const { quick } = values;
const timing: Timing = quick ? { rounds: 3, milliseconds: 2, warmUp: 0 } : { rounds: 31, milliseconds: 30, warmUp: 3 };
const committed = fileURLToPath(new URL("../../bench/results/head.json", import.meta.url));
const out = values.out ?? (quick ? undefined : committed);

try {
  compareAnswers();
} catch (error) {
  process.stderr.write(`wrong answer, nothing timed: ${(error as Error).message}\n`);
  process.exit(1);
}
process.stderr.write("all answers agree\n");
const begin = performance.now();
const rows = runSteps(timing, quick ? 3 : 201);
const seconds = Math.round((performance.now() - begin) / 1000);

process.stdout.write(`${inputs.map(({ id, title }) => `${id}  ${title}`).join("\n")}\n\n${report(rows)}\n`);
if (out !== undefined) {
  const environment = {
    node: process.versions.node,
    v8: process.versions.v8,
    llhttp: nodeParserVersion ?? null,
    undici: undiciVersion,
    platform: `${process.platform} ${process.arch}`,
    cpu: cpus()[0]?.model ?? "unknown",
    cores: cpus().length,
  };
  const described = inputs.map(({ id, title }) => ({ id, title }));
  const losing = losingRows(rows).map(({ step, kernel, input, contender }) => ({ step, kernel, input, contender }));
  mkdirSync(dirname(out), { recursive: true });
  writeFileSync(out, `${JSON.stringify({ environment, quick, timing, inputs: described, rows, losing }, null, 2)}\n`);
}
process.stderr.write(`${seconds} s${out === undefined ? "" : `, ${out}`}\n`);
