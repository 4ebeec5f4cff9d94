// In:    --quick (few, short rounds); --only STEP, --input ID, --kernel VARIANT (each may be repeated; all by default);
//        --out FILE (default bench/results/head.json; with --quick or a filter, no file); --draw (the chart of FILE and the tables of docs/performance.md; nothing is timed).
// Out:   tables on stdout, progress on stderr, rows as JSON and a chart beside it; exit 1 where an answer is wrong, 2 where an option is.
//        Without a filter, guarded requests beside unguarded ones too: a step of `npm run bench:gate`, which keeps its rows
//        in bench/results/gate.json, or beside FILE: those of x.json in x.guard.json.
// Never: times a contender before its answers on that kernel have been compared, those of all on the first kernel first.

import { spawnSync } from "node:child_process";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { type KernelVariant, useKernel } from "../src/parser.js";
import { drawChart } from "./chart.js";
import { compareCold } from "./cold.js";
import { natives } from "./contenders/native.js";
import { environment } from "./environment.js";
import { compareFirstParses } from "./first-parse.js";
import { goalsOf } from "./goals.js";
import { guardStep } from "./guard-step.js";
import { compareHeads, contenders, fewContenders, taskOf } from "./head.js";
import { inputs } from "./inputs.js";
import { compareRefusals, manners, refusers, rehearseRefusals } from "./malformed.js";
import type { Timing } from "./measure.js";
import { compareWholeMessages } from "./message.js";
import { compareOctetByOctet, piecewise, piecewiseInputs } from "./octet-by-octet.js";
import { misused, readOptions } from "./options.js";
import { compareProxies } from "./proxy.js";
import { losingRows, report } from "./report.js";
import type { Results } from "./results.js";
import type { Row } from "./row.js";
import { sizes } from "./sizes.js";
import { messageTable, speedTables } from "./speed-tables.js";

const variants: readonly KernelVariant[] = ["simd", "scalar", "javascript"];
const steps = ["head", "octet-by-octet", "malformed", "cold", "first-parse", "sizes", "message", "proxy"] as const;
/** The rows of bench/results/head.json are of the parser alone: this step runs where --only names it. */
const onlyByName: readonly string[] = ["message", "proxy"];

const root = fileURLToPath(new URL("../../", import.meta.url));
const { values } = readOptions({
  options: {
    quick: { type: "boolean", default: false },
    draw: { type: "boolean", default: false },
    out: { type: "string" },
    only: { type: "string", multiple: true },
    input: { type: "string", multiple: true },
    kernel: { type: "string", multiple: true },
  },
});
const { quick } = values;
const isFiltered = (values.only ?? values.input ?? values.kernel) !== undefined;

/** What a filter leaves. Exits where it names something that there is not. */
function chosen<Name extends string>(option: "only" | "input" | "kernel", all: readonly Name[]): Name[] {
  const unknown = values[option]?.find((name) => !(all as readonly string[]).includes(name));
  if (unknown !== undefined) misused(`--${option} ${unknown}: there are ${all.join(", ")}`);
  return all.filter((name) => values[option]?.includes(name) ?? true);
}

const ids = chosen(
  "input",
  inputs.map(({ id }) => id),
);
const isChosen = ({ id }: { id: string }) => ids.includes(id);
const kernels = chosen("kernel", variants);
const wanted = chosen("only", steps).filter((name) => values.only !== undefined || !onlyByName.includes(name));

/** Throws for the first wrong answer of any contender and step. */
async function compareAnswers(): Promise<void> {
  // On the first kernel: what the engine learns from the others would slow every call of it. Theirs are compared in
  // their own passes, each before it is timed.
  useKernel(kernels[0]!);
  for (const contender of contenders) for (const input of inputs) taskOf(contender, input);
  for (const contender of piecewise) for (const input of piecewiseInputs) taskOf(contender, input);
  for (const manner of manners) for (const refuser of refusers(manner)) rehearseRefusals(refuser, manner);
  for (const native of natives) {
    for (const input of inputs) {
      const child = await native.enter(input);
      if (!("absent" in child)) await child.end();
    }
  }
}

/** All chosen steps on one kernel; some are for the first kernel alone. */
async function runSteps(variant: KernelVariant, timing: Timing): Promise<Row[]> {
  // Once a pass: a new kernel is new code, which the engine would have to warm again in every round.
  useKernel(variant);
  const whole = variant === "simd";
  const among = whole ? contenders : fewContenders;
  const rows: Row[] = [];
  if (wanted.includes("head")) {
    for (const input of inputs.filter(isChosen)) {
      rows.push(...(await compareHeads(input, variant, among, whole, timing)));
    }
  }
  if (wanted.includes("octet-by-octet")) {
    for (const input of piecewiseInputs.filter(isChosen)) {
      rows.push(...(await compareOctetByOctet(input, variant, timing)));
    }
  }
  if (wanted.includes("malformed")) {
    for (const manner of manners) rows.push(...(await compareRefusals(manner, variant, timing)));
  }
  if (wanted.includes("message")) rows.push(...(await compareWholeMessages(variant, timing)));
  if (whole && wanted.includes("proxy")) rows.push(...(await compareProxies(variant, timing)));
  if (whole && wanted.includes("cold")) rows.push(...(await compareCold(variant, among, quick ? 3 : 201)));
  if (whole && wanted.includes("first-parse")) rows.push(...(await compareFirstParses(quick ? 2 : 21)));
  return rows;
}

async function measureAll(): Promise<Results> {
  const timing = quick ? { rounds: 3, milliseconds: 2, warmUp: 0 } : { rounds: 31, milliseconds: 30, warmUp: 3 };
  const rows: Row[] = [];
  for (const variant of kernels) rows.push(...(await runSteps(variant, timing)));
  const found = wanted.includes("sizes") ? sizes(root) : [];
  return {
    environment: environment(),
    quick,
    timing,
    inputs: inputs.map(({ id, title }) => ({ id, title })),
    rows,
    sizes: found,
    goals: goalsOf(rows, found),
    losing: losingRows(rows).map(({ step, kernel, input, contender }) => ({ step, kernel, input, contender })),
  };
}

const committed = resolve(root, "bench/results/head.json");
const named = values.out === undefined ? undefined : resolve(values.out);
const out = named ?? (quick || isFiltered ? undefined : committed);

if (values.draw) {
  const file = named ?? committed;
  const results = JSON.parse(readFileSync(file, "utf8")) as Results;
  draw(file, results);
  process.stdout.write(`${[...speedTables(results), messageTable(results)].join("\n\n")}\n`);
} else {
  try {
    await compareAnswers();
  } catch (error) {
    process.stderr.write(`wrong answer, nothing timed: ${(error as Error).message}\n`);
    process.exit(1);
  }
  process.stderr.write("all answers agree\n");
  const begin = performance.now();
  const results = await measureAll();
  process.stdout.write(report(results));
  if (out !== undefined) {
    mkdirSync(dirname(out), { recursive: true });
    writeFileSync(out, `${JSON.stringify(results, null, 2)}\n`);
    draw(out, results);
  }
  const seconds = Math.round((performance.now() - begin) / 1000);
  process.stderr.write(`${seconds} s${out === undefined ? "" : `, ${out}`}\n`);
  if (!isFiltered) process.exitCode = compareGuards();
}

/** In a process of its own, whose engine has met no other parsers. */
function compareGuards(): number {
  const program = fileURLToPath(new URL("gate/main.js", import.meta.url));
  const { status } = spawnSync(process.execPath, [program, ...guardStep(out, committed, quick)], { stdio: "inherit" });
  return status ?? 1;
}

/** Only the step `head` has a chart. */
function draw(file: string, results: Results): void {
  if (!results.rows.some(({ step }) => step === "head")) return;
  writeFileSync(`${file.replace(/\.json$/, "")}.svg`, drawChart(results));
}
