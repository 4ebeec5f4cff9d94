// In:    the bench of the gate, as built.
// Out:   whether a wrong answer stops it, what its report shows of losses and goals, and what a quick run writes.
// Never: looks at a figure but to see that it is one.

import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as assert from "uvu/assert";
import { BUN, contest, processorTime } from "../bench/gate/contest.js";
import { goals } from "../bench/gate/goals.js";
import { HANDSHAKE } from "../bench/gate/octets.js";
import { report } from "../bench/gate/report.js";
import { type Row, rowsOf } from "../bench/gate/row.js";
import { suite } from "./support/suite.js";

const test = suite("bench of the gate");

test("a wrong answer stops the run", async () => {
  const order = { act: "refusal", octets: HANDSHAKE, count: 1, concurrency: 1, status: 421 } as const;
  const act = processorTime((port) => ({ ...order, port, octets: "GET / HTTP/1.1\r\n Host : a\r\n\r\n" }));
  const effort = { rounds: 1, warmUp: 0, part: 1 };
  try {
    await contest(["headgate + ws"], { reason: "none" }, effort, act);
  } catch (error) {
    assert.match((error as Error).message, /headgate \+ ws: no whole 421: "HTTP\/1\.1 400/);
    return;
  }
  assert.unreachable();
});

test("the report shows losing rows, rows that were not measured, and goals that were missed", () => {
  const rows = [
    ...rowsOf("upgrade", "µs", "node:http + ws", [
      { name: "node:http + ws", samples: [100, 100] },
      { name: "headgate + ws", samples: [90, 92] },
      { name: BUN, samples: [], reason: "no registry" },
    ]),
    ...rowsOf("refused", "µs", "node:http + ws", [
      { name: "node:http + ws", samples: [100] },
      { name: "headgate + ws", samples: [130] },
    ]),
  ];
  const text = report(rows, goals(rows));
  assert.match(text, /headgate \+ ws +91\.0 .*0\.910 \(0\.905-0\.915\) of node:http \+ ws/);
  assert.match(text, /Bun\.serve +not measured: no registry/);
  assert.match(text, /headgate loses to:\n {2}refused: node:http \+ ws has 100\.0 µs\n\n/);
  assert.match(text, /missed {2}an upgrade.*: 0\.91, at most 0\.8/);
  assert.match(text, /not measured {2}octets of a pending connection/);
});

test("a quick run exits 0 and writes every row and a chart", () => {
  const folder = mkdtempSync(join(tmpdir(), "headgate-bench-gate-"));
  try {
    const out = join(folder, "results", "gate.json");
    const args = ["dist/bench/gate/main.js", "--quick", "--out", out];
    const { status, stderr } = spawnSync(process.execPath, args, { encoding: "utf8" });
    assert.is(status, 0, stderr);
    const { rows, goals: checked } = JSON.parse(readFileSync(out, "utf8")) as { rows: Row[]; goals: object[] };
    const steps = ["pending", "malformed", "refused", "upgrade", "messages", "guard"];
    assert.equal([...new Set(rows.map(({ step }) => step))], steps);
    for (const { step, contender, value, reason } of rows) {
      if (contender === BUN) assert.ok(value === null && reason !== undefined, step);
      else assert.ok(Number.isFinite(value?.median), `${step} ${contender}`);
    }
    assert.is(checked.length, 5);
    assert.match(readFileSync(out.replace(".json", ".svg"), "utf8"), /headgate \+ ws<\/text>/);
  } finally {
    rmSync(folder, { recursive: true });
  }
});
