// In:    B and G, one octet a chunk.
// Out:   rows of HeadReader and of the peers that take pieces.
// Never: makes chunks while the clock runs.

import { HeadReader } from "../src/parser.js";
import { type Contender, Sink } from "./contender.js";
import { optionsOf, tellStrings } from "./contenders/headgate.js";
import { httpParserJsSession } from "./contenders/http-parser-js.js";
import { NodeSession, nodeParserVersion } from "./contenders/node-parser.js";
import { taskOf } from "./head.js";
import { handshake, type Input, largeHead } from "./inputs.js";
import { measure, type Timing } from "./measure.js";
import { type Row, rowsOf } from "./row.js";

function chunksOf({ buffers }: Input): Buffer[] {
  const octets: Buffer = buffers[0]!;
  return Array.from(octets, (_, at) => octets.subarray(at, at + 1));
}

const headReader: Contender = {
  name: "headgate HeadReader",
  level: "L3",
  prepare(input) {
    const sink = new Sink();
    const chunks = chunksOf(input);
    const reader = new HeadReader(optionsOf(input).options);
    return {
      sink,
      run(times) {
        for (let i = 0; i < times; i++) {
          for (const chunk of chunks) {
            const result = reader.read(chunk);
            if (result.kind === "complete") tellStrings(sink, result.head);
          }
        }
      },
    };
  },
};

const node: Contender = {
  name: "Node HTTPParser, reused",
  level: "L3",
  prepare(input) {
    if (nodeParserVersion === undefined) return null;
    const sink = new Sink();
    const chunks = chunksOf(input);
    const session = new NodeSession(sink, input.headBytes ?? 0);
    return {
      sink,
      run(times) {
        for (let i = 0; i < times; i++) {
          for (const chunk of chunks) session.execute(chunk);
        }
      },
    };
  },
};

const httpParserJs: Contender = {
  name: "http-parser-js",
  level: "L3",
  prepare(input) {
    const sink = new Sink();
    const chunks = chunksOf(input);
    const parser = httpParserJsSession(sink);
    return {
      sink,
      run(times) {
        for (let i = 0; i < times; i++) {
          for (const chunk of chunks) parser.execute(chunk);
        }
      },
    };
  },
};

export const piecewise: readonly Contender[] = [headReader, node, httpParserJs];

export const piecewiseInputs: readonly Input[] = [handshake, largeHead];

export function compareOctetByOctet(kernel: string, timing: Timing): Row[] {
  return piecewiseInputs.flatMap((input) => {
    process.stderr.write(`octet by octet, ${kernel} kernel: ${input.id}, ${input.title}\n`);
    const entered = piecewise.flatMap((contender) => {
      const task = taskOf(contender, input);
      return task === null ? [] : [{ ...contender, task }];
    });
    const samples = measure(
      entered.map(({ task }) => task),
      timing,
    );
    const all = entered.map(({ name, level }, i) => ({ name, level, samples: samples[i]! }));
    return rowsOf({ step: "octet-by-octet", kernel, input: input.id, base: headReader.name }, all);
  });
}
