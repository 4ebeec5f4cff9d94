// In:    an input, the kernel that useKernel chose, and the peers to compare it with.
// Out:   the rows of the level table.
// Never: prints.

import { rehearse } from "./answers.js";
import type { Absent, Contender } from "./contender.js";
import { headgate } from "./contenders/headgate.js";
import { httpParserJs } from "./contenders/http-parser-js.js";
import { milo } from "./contenders/milo.js";
import { natives } from "./contenders/native.js";
import { nodeParser } from "./contenders/node-parser.js";
import { pureJavaScript } from "./contenders/pure-javascript.js";
import { undici } from "./contenders/undici.js";
import { type Control, copyAlone, emptyCall } from "./control.js";
import { handshake, type Input } from "./inputs.js";
import { type Entrant, measure, type Timing } from "./measure.js";
import type { NativeChild } from "./native/child.js";
import { type Row, rowsOf } from "./row.js";
import { Stopwatch, type Task } from "./stopwatch.js";

/** All that run in this process, in the order of the table. */
export const contenders: readonly Contender[] = [
  ...headgate,
  ...nodeParser,
  ...httpParserJs,
  ...undici,
  ...milo,
  ...pureJavaScript,
];

/** What the other kernels are held against, since the other peers were held against the SIMD one. */
export const fewContenders: readonly Contender[] = [
  ...headgate,
  ...nodeParser.filter(({ name }) => name.endsWith("reused")),
];

/** A contender's task, its answers proved right; or why there is none. */
export function taskOf(contender: Contender, input: Input): Task | Absent {
  const prepared = contender.prepare(input);
  if ("absent" in prepared) return prepared;
  const { name, level } = contender;
  return {
    ...prepared,
    name: `${name} ${level} on ${input.id}`,
    pass: input.buffers.length,
    passSum: rehearse(contender, input, prepared),
    requests: input.expected.length,
  };
}

export function entrantOf(contender: Contender, input: Input): Entrant {
  const { name, level } = contender;
  const task = taskOf(contender, input);
  return { name, level, timed: "absent" in task ? task : new Stopwatch(task) };
}

/** A control has no answers; its sum is what it is. */
function controlEntrant(control: Control, input: Input): Entrant {
  const { sink, run } = control.prepare(input);
  const pass = input.buffers.length;
  run(pass);
  const { name, level } = control;
  const task = { sink, run, name: `${name} on ${input.id}`, pass, passSum: sink.sum, requests: input.expected.length };
  return { name, level, timed: new Stopwatch(task) };
}

/** One input's rows; the natives beside the others where they are to be. */
export async function compareHeads(
  input: Input,
  kernel: string,
  among: readonly Contender[],
  withNatives: boolean,
  timing: Timing,
): Promise<Row[]> {
  process.stderr.write(`heads, ${kernel} kernel: ${input.id}, ${input.title}\n`);
  const controls = input === handshake ? [copyAlone, emptyCall] : [copyAlone];
  const entrants = [
    ...among.map((contender) => entrantOf(contender, input)),
    ...controls.map((control) => controlEntrant(control, input)),
  ];
  const children: NativeChild[] = [];
  for (const { name, level, enter } of withNatives ? natives : []) {
    const timed = await enter(input);
    entrants.push({ name, level, timed });
    if (!("absent" in timed)) children.push(timed);
  }
  const all = await measure(entrants, timing);
  for (const child of children) await child.end();
  const bases = { L0: "headgate L0", L3: "headgate L3" } as const;
  return rowsOf({ step: "head", kernel, input: input.id, bases }, all);
}
