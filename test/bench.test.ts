// In:    the bench, as built.
// Out:   whether its contenders answer rightly, whether a wrong answer stops it, and what a quick run writes.
// Never: looks at a figure but to see that it is one.

import { spawnSync } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as assert from "uvu/assert";
import { type KernelVariant, useKernel } from "#src/parser.js";
import { rehearse } from "../bench/answers.js";
import { drawChart } from "../bench/chart.js";
import type { Contender, Prepared } from "../bench/contender.js";
import { type NativeContender, natives } from "../bench/contenders/native.js";
import { pureJavaScript } from "../bench/contenders/pure-javascript.js";
import { programs } from "../bench/first-parse.js";
import { goalsOf } from "../bench/goals.js";
import { guardStep } from "../bench/guard-step.js";
import { contenders, fewContenders, taskOf } from "../bench/head.js";
import { handshake, inputs } from "../bench/inputs.js";
import { manners, refusers, rehearseRefusals } from "../bench/malformed.js";
import { piecewise, piecewiseInputs } from "../bench/octet-by-octet.js";
import { losingRows, report } from "../bench/report.js";
import type { Results } from "../bench/results.js";
import { type Row, rowsOf } from "../bench/row.js";
import { skip, suite } from "./support/suite.js";

const test = suite("bench");
const variants: readonly KernelVariant[] = ["simd", "scalar", "javascript"];

test("the inputs are as large as the table has them", () => {
  const sizes = Object.fromEntries(inputs.map(({ id, buffers }) => [id, buffers.map(({ length }) => length)]));
  assert.equal(sizes.A, [40]);
  assert.equal(sizes.B, [563]);
  assert.equal(sizes.C, [703]);
  assert.equal(sizes.D, [4900]);
  assert.equal(sizes.E, [16 * 563]);
  assert.is(new Set(inputs.find(({ id }) => id === "M")!.buffers.map(String)).size, 64);
  assert.equal(sizes.G, [65_536]);
});

for (const variant of variants) {
  test(`every contender gives the right answer on every input, ${variant} kernel`, () => {
    useKernel(variant);
    const entered = new Map<string, number>();
    for (const contender of contenders) {
      for (const input of inputs) {
        const task = taskOf(contender, input);
        if ("absent" in task) continue;
        assert.ok(task.passSum > 0, task.name);
        entered.set(contender.name, (entered.get(contender.name) ?? 0) + 1);
      }
    }
    // headgate at four levels; parseRequestHeads on E alone.
    assert.is(entered.get("headgate"), 4 * inputs.length);
    assert.is(entered.get("headgate, parseRequestHeads"), 1);
    for (const name of ["http-parser-js", "undici llhttp", "pure JavaScript"])
      assert.is(entered.get(name), inputs.length);
    // Milo refuses some of the handshakes of M.
    assert.is(entered.get("Milo"), inputs.length - 1);
    for (const contender of piecewise) for (const input of piecewiseInputs) taskOf(contender, input);
    for (const manner of manners) for (const refuser of refusers(manner)) rehearseRefusals(refuser, manner);
  });
}

test("a wrong answer, or none, stops the bench", () => {
  const right = pureJavaScript[0]!;
  const altered = (alter: (lines: string[]) => void): Contender => ({
    ...right,
    prepare(input) {
      const prepared = right.prepare(input) as Prepared;
      const run = (times: number) => {
        prepared.run(times);
        for (const answer of prepared.sink.answers ?? []) alter(answer.fieldLines!);
      };
      return { sink: prepared.sink, run };
    },
  });
  const attempt = (contender: Contender) => () =>
    rehearse(contender, handshake, contender.prepare(handshake) as Prepared);
  assert.not.throws(attempt(altered(() => {})));
  assert.throws(attempt(altered((lines) => void lines.pop())), /pure JavaScript L3 on B, head 0: fieldLines is/);
  const silent: Contender = {
    ...right,
    prepare: (input) => ({ ...(right.prepare(input) as Prepared), run: () => {} }),
  };
  assert.throws(attempt(silent), /0 heads, not 1/);
  const credulous = { name: "nobody", read: () => null };
  assert.throws(() => rehearseRefusals(credulous, "whole"), /nobody lets TLS_RECORD pass/);
});

test("native contenders give the right answers, or say why they are absent", async () => {
  const reasons: string[] = [];
  for (const native of natives) reasons.push(...(await rehearseNative(native)));
  if (reasons.length > 0) skip("native contenders", reasons.join("; "));
});

/** Why it is absent, once; otherwise its answers were right on every input. */
async function rehearseNative({ name, enter, version }: NativeContender): Promise<string[]> {
  const reasons = new Set<string>();
  for (const input of inputs) {
    const child = await enter(input);
    if ("absent" in child) {
      assert.match(child.absent, /^not built: /);
      assert.is(version(), null);
      reasons.add(`${name} ${child.absent}`);
      continue;
    }
    try {
      assert.ok((await child.time(1)) > 0, `${name} on ${input.id}`);
    } finally {
      await child.end();
    }
  }
  return [...reasons];
}

const comparison = { step: "head", kernel: "simd", input: "A", bases: { L3: "headgate L3" } };
const nothing = { inputs: [], sizes: [], goals: [] };

test("a row that headgate loses is marked and listed", () => {
  const rows = rowsOf(comparison, [
    { name: "headgate", level: "L3", samples: [100, 200, 100] },
    { name: "faster", level: "L3", samples: [50, 100, 60] },
    { name: "slower", level: "L3", samples: [300, 600, 200] },
  ]);
  assert.equal(rows[2]!.ratio, { to: "headgate L3", lower: 2.5, median: 3, upper: 3 });
  assert.equal(
    losingRows(rows).map(({ contender }) => contender),
    ["faster"],
  );
  const text = report({ ...nothing, rows });
  assert.match(text, /faster +0\.50!/);
  assert.match(text, /simd kernel, A: faster takes 0\.50 of headgate L3's time/);
});

test("an absent contender has a row with the reason", () => {
  const rows = rowsOf(comparison, [
    { name: "headgate", level: "L3", samples: [100] },
    { name: "nobody", level: "L3", samples: { absent: "not built: no gcc" } },
  ]);
  assert.is(rows[1]!.absent, "not built: no gcc");
  assert.is(rows[1]!.ratio, null);
  assert.match(report({ ...nothing, rows }), /^ {2}nobody +-$/m);
  assert.match(report({ ...nothing, rows }), /^ {2}nobody: not built: no gcc$/m);
});

test("a goal is met, missed or not measured", () => {
  const rows = rowsOf(comparison, [
    { name: "headgate", level: "L3", samples: [100] },
    { name: "http-parser-js", level: "L3", samples: [600] },
    { name: "undici llhttp", level: "L3", samples: [399] },
  ]);
  const sizes = [{ name: "simd.wasm", octets: 11_265, gzipped: 1 }];
  const goals = goalsOf(rows, sizes);
  const stateOf = (what: string) => goals.find((goal) => goal.what === what)!.met;
  assert.is(stateOf("http-parser-js on A"), true);
  assert.is(stateOf("undici llhttp on A"), false);
  assert.is(stateOf("C picohttpparser on A"), null);
  assert.is(stateOf("simd.wasm"), false);
  const text = report({ ...nothing, rows, goals });
  assert.match(text, /missed +undici llhttp on A +>= 4 +3\.99$/m);
  assert.match(text, /goals: 1 of \d+ met/);
});

/** When each committed result was last written. */
const committed = (): [string, number][] =>
  readdirSync("bench/results").map((name) => [name, statSync(join("bench/results", name)).mtimeMs]);

test("guarded requests are written where the other rows are, and to the committed file only with the committed rows", () => {
  const guard = ["--only", "guard"];
  assert.equal(guardStep("/results/head.json", "/results/head.json", false), guard);
  assert.equal(guardStep("/tmp/x.json", "/results/head.json", false), [...guard, "--out", "/tmp/x.guard.json"]);
  assert.equal(guardStep("/tmp/x", "/results/head.json", false), [...guard, "--out", "/tmp/x.guard.json"]);
  assert.equal(guardStep("/results/gate.json", "/results/head.json", false), [
    ...guard,
    "--out",
    "/results/gate.guard.json",
  ]);
  assert.equal(guardStep(undefined, "/results/head.json", true), [...guard, "--quick"]);
});

test("a quick run exits 0 and writes every row, and the chart", () => {
  const folder = mkdtempSync(join(tmpdir(), "headgate-bench-"));
  const before = committed();
  try {
    const out = join(folder, "results", "head.json");
    const { status, stdout, stderr } = runBench("--quick", "--out", out);
    assert.is(status, 0, stderr);
    assert.match(stdout, /whole heads, simd kernel: ns per request/);
    const results = JSON.parse(readFileSync(out, "utf8")) as Results;
    const { environment, quick, timing, rows, sizes, goals, losing } = results;
    assert.is(environment.node, process.versions.node);
    assert.is(quick, true);
    assert.is(timing.rounds, 3);
    checkRows(rows);
    assert.equal(goals, goalsOf(rows, sizes));
    for (const { what, measured } of goals) {
      assert.ok(measured !== null || /^C picohttpparser|^Node/.test(what), `${what} was not measured`);
    }
    assert.equal(
      losing,
      losingRows(rows).map(({ step, kernel, input, contender }) => ({ step, kernel, input, contender })),
    );
    assert.is(readFileSync(join(folder, "results", "head.svg"), "utf8"), drawChart(results));
    const files = ["head.guard.json", "head.guard.svg", "head.json", "head.svg"];
    assert.equal(readdirSync(join(folder, "results")).sort(), files);
    assert.equal(committed(), before);
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test("filters leave what they name, and refuse what there is not", () => {
  const { status, stdout } = runBench("--quick", "--only", "head", "--input", "A", "--kernel", "scalar");
  assert.is(status, 0);
  assert.equal(stdout.match(/, \w+ kernel: ns per request/g), [", scalar kernel: ns per request"]);
  const wrong = runBench("--quick", "--input", "Z");
  assert.is(wrong.status, 2);
  assert.match(wrong.stderr, /--input Z: there are A, B, C, D, E, M, G/);
});

test("each program refuses a misused option in one line, and measures nothing", () => {
  const misused = [
    ["main", "--quik"],
    ["gate/main", "--only", "nothing"],
    ["start", "--rounds", "many"],
    ["growth", "--part", "0"],
    ["nodes", "--in", "x"],
  ] as const;
  for (const [program, ...options] of misused) {
    const { status, stdout, stderr } = spawnSync(process.execPath, [`dist/bench/${program}.js`, ...options], {
      encoding: "utf8",
    });
    assert.is(status, 2, program);
    assert.is(stdout, "");
    assert.match(stderr, /^[^\n]*(--|')[^\n]+\n$/);
  }
});

test("the committed chart is the chart of the committed run", () => {
  const results = JSON.parse(readFileSync("bench/results/head.json", "utf8")) as Results;
  assert.is(results.quick, false);
  assert.is(readFileSync("bench/results/head.svg", "utf8"), drawChart(results));
});

function runBench(...args: string[]) {
  return spawnSync(process.execPath, ["dist/bench/main.js", ...args], { encoding: "utf8" });
}

function checkRows(rows: readonly Row[]): void {
  for (const { step, kernel, input, contender, level, ns, ratio, absent } of rows) {
    const name = `${step} ${kernel} ${input} ${contender} ${level}`;
    if (ns === null) {
      assert.ok(absent !== null && ratio === null, name);
      continue;
    }
    for (const value of [ns.lower, ns.median, ns.upper, ns.least]) assert.ok(Number.isFinite(value), name);
    assert.ok(ns.least <= ns.lower && ns.lower <= ns.median && ns.median <= ns.upper, name);
    if (!/^(?:headgate|control)/.test(contender)) assert.ok(ratio !== null && ratio.median > 0, name);
  }
  const found = rows.map(({ step, kernel, input, contender, level }) => [step, kernel, input, contender, level].join());
  assert.equal(found.sort(), wantedRows().sort());
}

/** A row for each contender, absent ones too. */
function wantedRows(): string[] {
  const wanted: string[] = [];
  for (const kernel of variants) {
    for (const { id } of inputs) {
      const among = kernel === "simd" ? [...contenders, ...natives] : fewContenders;
      for (const { name, level } of among) wanted.push(["head", kernel, id, name, level].join());
      wanted.push(["head", kernel, id, "control: copy alone", "L1"].join());
    }
    wanted.push(["head", kernel, "B", "control: empty call", "L0"].join());
    for (const { id } of piecewiseInputs) {
      for (const { name } of piecewise) wanted.push(["octet-by-octet", kernel, id, name, "L3"].join());
    }
    for (const manner of manners) {
      const names = new Set([...refusers(manner).map(({ name }) => name), "Node HTTPParser, reused"]);
      for (const name of names) wanted.push(["malformed", kernel, manner, name, "L2"].join());
    }
  }
  for (const { name, level } of contenders) if (level === "L3") wanted.push(["cold", "simd", "B", name, level].join());
  for (const { name } of programs) wanted.push(["first-parse", "simd", "B", name, "L3"].join());
  return wanted;
}
