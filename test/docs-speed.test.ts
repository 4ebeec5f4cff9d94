// In:    docs/performance.md, the committed runs of the benches.
// Out:   whether its figures are those of the runs, losing ones and missed goals included.
// Never: measures.

import * as assert from "uvu/assert";
import type { Row } from "../bench/gate/row.js";
import { growthTable } from "../bench/growth-table.js";
import { type NodesResults, nodesTable } from "../bench/nodes-table.js";
import type { Results } from "../bench/results.js";
import { messageTable, speedTables } from "../bench/speed-tables.js";
import { read, rows, section } from "./support/document.js";
import { suite } from "./support/suite.js";

const speed = suite("documents: speed");

speed("the parser's figures are those of bench/results/head.json, losing ones included", () => {
  const results = JSON.parse(read("bench/results/head.json")) as Results;
  const chapter = section(read("docs/performance.md"), "## The parser, beside others");
  for (const table of speedTables(results)) assert.ok(chapter.includes(table), `docs/performance.md lacks:\n${table}`);
  assert.is(rows(chapter).length, rows(speedTables(results).join("\n\n")).length, "other tables");
  const { node, cpu } = results.environment;
  assert.match(chapter, `Node ${node}, ${cpu}`);
});

speed("those of the message readers are those of bench/results/message.json", () => {
  const results = JSON.parse(read("bench/results/message.json")) as Results;
  const chapter = section(read("docs/performance.md"), "## Complete messages");
  const table = messageTable(results);
  assert.ok(chapter.includes(table), `docs/performance.md lacks:\n${table}`);
  const { node, cpu } = results.environment;
  assert.match(chapter, `Node ${node}, ${cpu}`);
  const others = results.losing.filter(({ kernel }) => kernel !== "javascript");
  assert.equal(others, [], "the chapter states that the other builds lose no row");
});

/** What a user pays for, by the step and the contender that measured it. */
const costs = [
  ["a browser's GET to a guarded server", "seat", "headgate guard"],
  ["the same, 20 pipelined", "seat", "headgate guard, pipelined"],
  ["the same over TLS", "seat", "headgate guard, https"],
  ["a POST of 1 KiB", "seat", "headgate guard, POST"],
  ['a browser\'s GET with `mode: "events"`', "guard", "headgate guard, events"],
  ['a browser\'s GET with `mode: "filter"`', "guard", "headgate guard, filter"],
  ["a browser's GET on an adopted socket", "guard", "headgate adopt"],
  ["memory of an idle connection", "seat", "headgate guard, idle"],
  ["an upgrade to a WebSocket", "upgrade", "headgate + ws"],
  ["a refused upgrade", "refused", "headgate + ws"],
  ["a message of an open WebSocket", "messages", "headgate + ws"],
  ["memory of an open WebSocket", "open", "headgate + ws"],
] as const;

speed("docs/performance.md has what headgate costs as bench/results/gate.json has it", () => {
  const { rows: measured } = JSON.parse(read("bench/results/gate.json")) as GateRun;
  const documented = rows(section(read("docs/performance.md"), "## What it costs you")).map(([what, , cost]) => [
    what,
    cost,
  ]);
  const wanted = costs.map(([what, step, contender]) => {
    const row = measured.find((each) => each.step === step && each.contender === contender);
    return [what, row!.ratio!.median.toFixed(2)];
  });
  assert.equal(documented, wanted);
});

speed("docs/performance.md has the tables of bench/results/growth.json and nodes.json", () => {
  const document = read("docs/performance.md");
  const { rows: measured } = JSON.parse(read("bench/results/growth.json")) as { rows: Row[] };
  for (const table of [
    growthTable(measured),
    nodesTable(JSON.parse(read("bench/results/nodes.json")) as NodesResults),
  ]) {
    assert.ok(document.includes(table), `docs/performance.md lacks:\n${table}`);
  }
  const two = measured.find(({ contender }) => contender.endsWith("two processes"))!;
  assert.ok(document.includes(`take ${two.ratio!.median.toFixed(2)} times as many handshakes`), "two processes");
});

interface GateRun {
  rows: { step: string; contender: string; ratio: { median: number } | null }[];
  goals: { what: string; most: number; measured: number }[];
}

speed(
  "docs/performance.md has the gate's goals and controls as bench/results/gate.json has them, missed ones included",
  () => {
    const { rows: measured, goals } = JSON.parse(read("bench/results/gate.json")) as GateRun;
    const gate = section(read("docs/performance.md"), "## The gate");
    const documented = rows(gate).filter((row) => goals.some(({ what }) => what === row[0]));
    const wanted = goals.map(({ what, most, measured: value }) => {
      return [what, `${most}`, value < 10 ? value.toFixed(2) : value.toFixed(0), value <= most ? "met" : "missed"];
    });
    assert.equal(documented, wanted);
    for (const [step, control] of [
      ["upgrade", "net + ws"],
      ["refused", "net + end"],
    ]) {
      const row = measured.find((each) => each.step === step && each.contender === `control: ${control}`);
      const sentence = gate.slice(gate.indexOf(`The control "${control}"`)).match(/It takes ([0-9.]+) of the time/);
      assert.is(sentence?.[1], row!.ratio!.median.toFixed(2), control!);
    }
  },
);
