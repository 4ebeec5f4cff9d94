// In:    the inputs, the kernel that useKernel chose, and the peers to stand beside it.
// Out:   the rows of the level table.
// Never: prints.

import { rehearse } from "./answers.js";
import type { Contender } from "./contender.js";
import { headgate } from "./contenders/headgate.js";
import { httpParserJs } from "./contenders/http-parser-js.js";
import { nodeParser } from "./contenders/node-parser.js";
import { pureJavaScript } from "./contenders/pure-javascript.js";
import { undici } from "./contenders/undici.js";
import { copyAlone, emptyCall } from "./control.js";
import { handshake, type Input, inputs } from "./inputs.js";
import { measure, type Task, type Timing } from "./measure.js";
import { type Row, rowsOf } from "./row.js";

/** All of them, in the order of the table. */
export const contenders: readonly Contender[] = [
  ...headgate,
  ...nodeParser,
  ...httpParserJs,
  ...undici,
  ...pureJavaScript,
];

/** What the other kernels are held against, since the other peers were held against the SIMD one. */
export const fewContenders: readonly Contender[] = [
  ...headgate,
  ...nodeParser.filter(({ name }) => name.endsWith("reused")),
];

/** A contender's task, its answers proved right; null where it cannot take the input. */
export function taskOf(contender: Contender, input: Input): Task | null {
  const prepared = contender.prepare(input);
  if (prepared === null) return null;
  const { name, level } = contender;
  return {
    ...prepared,
    name: `${name} ${level} on ${input.id}`,
    pass: input.buffers.length,
    passSum: rehearse(contender, input, prepared),
    requests: input.expected.length,
  };
}

/** A control has no answers; its sum is what it is. */
function controlTask(control: Contender, input: Input): Task {
  const { sink, run } = control.prepare(input)!;
  const pass = input.buffers.length;
  run(pass);
  return {
    sink,
    run,
    name: `${control.name} on ${input.id}`,
    pass,
    passSum: sink.sum,
    requests: input.expected.length,
  };
}

export function compareHeads(kernel: string, among: readonly Contender[], timing: Timing): Row[] {
  return inputs.flatMap((input) => compareOn(input, kernel, among, timing));
}

function compareOn(input: Input, kernel: string, among: readonly Contender[], timing: Timing): Row[] {
  process.stderr.write(`heads, ${kernel} kernel: ${input.id}, ${input.title}\n`);
  const entered: Contender[] = [];
  const tasks: Task[] = [];
  for (const contender of among) {
    const task = taskOf(contender, input);
    if (task === null) continue;
    entered.push(contender);
    tasks.push(task);
  }
  const controls = input === handshake ? [copyAlone, emptyCall] : [copyAlone];
  for (const control of controls) tasks.push(controlTask(control, input));
  const samples = measure(tasks, timing);
  const all = [...entered, ...controls].map(({ name, level }, i) => ({ name, level, samples: samples[i]! }));
  if (!entered.some(({ level }) => level === "L0")) {
    // Different heads cannot all lie where the kernel reads, so L0 is what L1 took in that round less the copy alone.
    const whole = all.find(({ level }) => level === "L1")!;
    const copy = all.find(({ name }) => name === copyAlone.name)!;
    const computed = whole.samples.map((sample, round) => sample - copy.samples[round]!);
    all.unshift({ name: whole.name, level: "L0", samples: computed });
  }
  return rowsOf({ step: "head", kernel, input: input.id, base: "headgate L3" }, all);
}
