// In:    the inputs, and whichever kernel useKernel chose.
// Out:   headgate at the four levels.
// Never: switches kernels; bench/head.ts does, once a pass.

import { AuthorityBlock, FieldLine, FieldSpelling, Flag, Head } from "../../assembly/abi.js";
import { type Kernel, kernel } from "../../src/head/kernel/instance.js";
import { headLimits } from "../../src/head/limits.js";
import { type HeadOptions, parseRequestHead, parseRequestHeads, type RequestHead } from "../../src/parser.js";
import { type Absent, type Contender, type Prepared, Sink } from "../contender.js";
import type { Answer, Input } from "../inputs.js";

/** What the kernel recorded about the most recent head. */
function readRecord({ words, text }: Kernel): Partial<Answer> {
  const word = (offset: number) => words[offset >> 2]!;
  const fieldLines: string[] = [];
  const lines = word(Head.FIELD_LINES);
  let nameStart = word(Head.FIELDS_START);
  for (let i = 0; i < lines; i++) {
    const line = Head.SIZE + i * FieldLine.SIZE;
    const nameEnd = word(line + FieldLine.NAME) >>> FieldSpelling.BITS;
    // No input has white space to take off.
    fieldLines.push(text.read(nameStart, nameEnd), text.read(nameEnd + 2, word(line + FieldLine.END)));
    nameStart = word(line + FieldLine.END) + 2;
  }
  const flags = word(Head.FLAGS);
  return {
    method: text.read(word(Head.METHOD_START), word(Head.METHOD_END)),
    requestTarget: text.read(word(Head.TARGET_START), word(Head.TARGET_END)),
    version: (flags & Flag.VERSION_1_1) !== 0 ? 11 : 10,
    fieldLines,
    uriHost: text.read(word(Head.HOST + AuthorityBlock.START), word(Head.HOST + AuthorityBlock.END)),
    port: word(Head.HOST + AuthorityBlock.PORT),
    keepAlive: (flags & Flag.CONNECTION_CLOSE) === 0,
    upgrade: (flags & Flag.UPGRADE) !== 0 && (flags & Flag.CONNECTION_UPGRADE) !== 0,
  };
}

/** L0 and L1: the kernel's own call, from JavaScript. At L0 all buffers lie in its memory before. */
function prepareCalls(input: Input, copies: boolean): Prepared {
  const wasm = kernel();
  const sink = new Sink();
  const { words, parseHead } = wasm;
  const { buffers } = input;
  const { headBytes, fieldLines } = optionsOf(input).bounds;
  const mask = buffers.length - 1;
  const starts: number[] = [];
  const ends: number[] = [];
  let room = 0;
  for (const octets of buffers) {
    starts.push(room);
    ends.push(room + octets.length);
    if (!copies) room += octets.length;
  }
  const run = (times: number) => {
    // Other contenders used the memory since; once a run is not in the figures.
    buffers.forEach((octets, i) => {
      wasm.input.set(octets, starts[i]!);
    });
    // What a program in C would do: integers, and a sum that stays in a register.
    const rehearsed = sink.answers;
    let sum = 0;
    for (let i = 0; i < times; i++) {
      const turn = i & mask;
      if (copies) wasm.input.set(buffers[turn]!);
      const end = ends[turn]!;
      for (let start = starts[turn]!; start < end; ) {
        const status = parseHead(start, end, 0, headBytes, fieldLines);
        const next = words[Head.OFFSET >> 2]! | 0;
        sum += next - start + (words[Head.FIELD_LINES >> 2]! | 0) + status;
        if (rehearsed !== null) rehearsed.push(readRecord(wasm));
        start = next;
      }
    }
    sink.sum += sum;
  };
  return { sink, run };
}

/** The input's limits as the public functions take them, and as the kernel does. */
export function optionsOf({ headBytes }: Input) {
  const limits = headBytes === undefined ? undefined : { headBytes };
  const options: HeadOptions | undefined = limits === undefined ? undefined : { limits };
  return { options, bounds: headLimits(limits) };
}

function tellObject(sink: Sink, head: RequestHead): void {
  const host = head.host!;
  const version = head.httpVersion === "1.1" ? 11 : 10;
  const keepAlive = head.keepAlive && head.framing.kind === "none";
  sink.object(head, head.method, head.requestTarget, version, host.uriHost, host.port ?? 0, keepAlive);
}

/** All of L2, and the strings. */
export function tellStrings(sink: Sink, head: RequestHead): void {
  const host = head.host!;
  const keepAlive = head.keepAlive && head.framing.kind === "none";
  sink.sum += host.uriHost.length + (host.port ?? 0) + (keepAlive ? 1 : 0);
  sink.strings(head, head.method, head.requestTarget, head.httpVersion === "1.1" ? 11 : 10, head.rawHeaders);
}

/** L2 and L3: the public function, once a head. */
function prepareHeads(input: Input, tell: (sink: Sink, head: RequestHead) => void): Prepared {
  const sink = new Sink();
  const { buffers } = input;
  const { options } = optionsOf(input);
  const mask = buffers.length - 1;
  const runOne = (times: number) => {
    for (let i = 0; i < times; i++) {
      const result = parseRequestHead(buffers[i & mask]!, options);
      if (result.kind === "complete") tell(sink, result.head);
    }
  };
  const runPipelined = (times: number) => {
    for (let i = 0; i < times; i++) {
      let octets: Uint8Array = buffers[i & mask]!;
      while (octets.length > 0) {
        const result = parseRequestHead(octets, options);
        if (result.kind !== "complete") break;
        tell(sink, result.head);
        octets = octets.subarray(result.consumed);
      }
    }
  };
  return { sink, run: input.pipelined === 1 ? runOne : runPipelined };
}

/** L3 of a pipelined buffer by one call of the kernel. */
function prepareBatch(input: Input): Prepared | Absent {
  if (input.pipelined === 1) return { absent: "no pipelined heads" };
  const sink = new Sink();
  const { buffers } = input;
  const { options } = optionsOf(input);
  const mask = buffers.length - 1;
  return {
    sink,
    run(times) {
      for (let i = 0; i < times; i++) {
        for (const head of parseRequestHeads(buffers[i & mask]!, options).heads) tellStrings(sink, head);
      }
    },
  };
}

export const headgate: readonly Contender[] = [
  { name: "headgate", level: "L0", prepare: (input) => prepareCalls(input, false) },
  { name: "headgate", level: "L1", prepare: (input) => prepareCalls(input, true) },
  { name: "headgate", level: "L2", prepare: (input) => prepareHeads(input, tellObject) },
  { name: "headgate", level: "L3", prepare: (input) => prepareHeads(input, tellStrings) },
  { name: "headgate, parseRequestHeads", level: "L3", prepare: prepareBatch },
];
