// In:    the bench, as built.
// Out:   whether its contenders answer rightly, whether a wrong answer stops it, and what a quick run writes.
// Never: looks at a figure but to see that it is one.

import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { rehearse } from "../bench/answers.js";
import type { Contender } from "../bench/contender.js";
import { nodeParserVersion } from "../bench/contenders/node-parser.js";
import { pureJavaScript } from "../bench/contenders/pure-javascript.js";
import { contenders, fewContenders, taskOf } from "../bench/head.js";
import { handshake, inputs } from "../bench/inputs.js";
import { refusers, rehearseRefusals } from "../bench/malformed.js";
import { piecewise, piecewiseInputs } from "../bench/octet-by-octet.js";
import { losingRows, report } from "../bench/report.js";
import { type Row, rowsOf } from "../bench/row.js";
import { type KernelVariant, useKernel } from "../src/parser.js";

const test = suite("bench");
const variants: readonly KernelVariant[] = ["simd", "scalar", "javascript"];

test("the inputs are as large as the table says", () => {
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
        if (task === null) continue;
        assert.ok(task.passSum > 0, task.name);
        entered.set(contender.name, (entered.get(contender.name) ?? 0) + 1);
      }
    }
    // headgate at four levels, L0 without M; parseRequestHeads on E alone.
    assert.is(entered.get("headgate"), 4 * inputs.length - 1);
    assert.is(entered.get("headgate, parseRequestHeads"), 1);
    for (const name of ["http-parser-js", "undici llhttp", "pure JavaScript"])
      assert.is(entered.get(name), inputs.length);
    for (const contender of piecewise) for (const input of piecewiseInputs) taskOf(contender, input);
    for (const refuser of refusers()) rehearseRefusals(refuser);
  });
}

test("a wrong answer, or none, stops the bench", () => {
  const right = pureJavaScript[0]!;
  const altered = (alter: (lines: string[]) => void): Contender => ({
    ...right,
    prepare(input) {
      const prepared = right.prepare(input)!;
      const run = (times: number) => {
        prepared.run(times);
        for (const answer of prepared.sink.answers ?? []) alter(answer.fieldLines!);
      };
      return { sink: prepared.sink, run };
    },
  });
  const attempt = (contender: Contender) => () => rehearse(contender, handshake, contender.prepare(handshake)!);
  assert.not.throws(attempt(altered(() => {})));
  assert.throws(attempt(altered((lines) => void lines.pop())), /pure JavaScript L3 on B, head 0: fieldLines is/);
  const silent: Contender = { ...right, prepare: (input) => ({ ...right.prepare(input)!, run: () => {} }) };
  assert.throws(attempt(silent), /0 heads, not 1/);
  const credulous = { name: "nobody", refuse: () => null };
  assert.throws(() => rehearseRefusals(credulous), /nobody lets TLS_RECORD pass/);
});

test("a row that headgate loses is marked and listed", () => {
  const rows = rowsOf({ step: "head", kernel: "simd", input: "A", base: "headgate L3" }, [
    { name: "headgate", level: "L3", samples: [100, 200, 100] },
    { name: "faster", level: "L3", samples: [50, 100, 60] },
    { name: "slower", level: "L3", samples: [300, 600, 200] },
  ]);
  assert.equal(rows[2]!.ratio, { to: "headgate L3", lower: 2.5, median: 3, upper: 3 });
  assert.equal(
    losingRows(rows).map(({ contender }) => contender),
    ["faster"],
  );
  assert.match(report(rows), /faster +0\.5!/);
  assert.match(report(rows), /simd kernel, A: faster takes 0\.50 of headgate L3's time/);
});

test("a quick run exits 0 and writes every row", () => {
  const folder = mkdtempSync(join(tmpdir(), "headgate-bench-"));
  try {
    const out = join(folder, "results", "head.json");
    const args = ["dist/bench/main.js", "--quick", "--out", out];
    const { status, stdout, stderr } = spawnSync(process.execPath, args, { encoding: "utf8" });
    assert.is(status, 0, stderr);
    assert.match(stdout, /whole heads, simd kernel: ns per request/);
    const { environment, quick, timing, rows, losing } = JSON.parse(readFileSync(out, "utf8"));
    assert.is(environment.node, process.versions.node);
    assert.is(quick, true);
    assert.is(timing.rounds, 3);
    checkRows(rows);
    assert.equal(
      losing,
      losingRows(rows).map(({ step, kernel, input, contender }) => ({ step, kernel, input, contender })),
    );
  } finally {
    rmSync(folder, { recursive: true });
  }
});

function checkRows(rows: readonly Row[]): void {
  for (const { step, kernel, input, contender, level, ns, ratio } of rows) {
    const name = `${step} ${kernel} ${input} ${contender} ${level}`;
    for (const value of [ns.lower, ns.median, ns.upper, ns.least]) assert.ok(Number.isFinite(value), name);
    assert.ok(ns.least <= ns.lower && ns.lower <= ns.median && ns.median <= ns.upper, name);
    if (!/^(?:headgate|control)/.test(contender)) assert.ok(ratio !== null && ratio.median > 0, name);
  }
  const found = new Set(
    rows.map(({ step, kernel, input, contender, level }) => [step, kernel, input, contender, level].join()),
  );
  assert.is(found.size, rows.length, "no row stands twice");
  const wanted: string[] = [];
  for (const kernel of variants) {
    for (const { id } of inputs) {
      for (const { name, level } of kernel === "simd" ? contenders : fewContenders) {
        if (name === "headgate, parseRequestHeads" && id !== "E") continue;
        wanted.push(["head", kernel, id, name, level].join());
      }
      wanted.push(["head", kernel, id, "control: copy alone", "L1"].join());
    }
    wanted.push(["head", kernel, "B", "control: empty call", "L0"].join());
    for (const { id } of piecewiseInputs) {
      for (const { name } of piecewise) wanted.push(["octet-by-octet", kernel, id, name, "L3"].join());
    }
    for (const { name } of refusers()) wanted.push(["malformed", kernel, "malformed", name, "L2"].join());
  }
  for (const { name, level } of contenders) {
    if (level === "L3" && name !== "headgate, parseRequestHeads")
      wanted.push(["cold", "simd", "B", name, level].join());
  }
  const expected = wanted.filter((row) => nodeParserVersion !== undefined || !row.includes("Node HTTPParser"));
  assert.equal([...found].sort(), expected.sort());
}

test.run();
