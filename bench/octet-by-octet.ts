// In:    B and G, one octet a chunk.
// Out:   rows of HeadReader and of the peers that take pieces.
// Never: makes chunks while the clock runs.

import { HeadReader } from "../src/parser.js";
import { type Contender, Sink } from "./contender.js";
import { optionsOf, tellStrings } from "./contenders/headgate.js";
import { httpParserJsSession } from "./contenders/http-parser-js.js";
import { NodeSession, nodeParserHidden, nodeParserVersion } from "./contenders/node-parser.js";
import { entrantOf } from "./head.js";
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

function node(name: string, fresh: boolean): Contender {
  return {
    name,
    level: "L3",
    prepare(input) {
      if (nodeParserVersion === undefined) return nodeParserHidden;
      const sink = new Sink();
      const chunks = chunksOf(input);
      const session = new NodeSession(sink, input.headBytes ?? 0);
      return {
        sink,
        run(times) {
          for (let i = 0; i < times; i++) {
            if (fresh) session.renew();
            for (const chunk of chunks) session.execute(chunk);
          }
        },
      };
    },
  };
}

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

export const piecewise: readonly Contender[] = [
  headReader,
  node("Node HTTPParser, fresh", true),
  node("Node HTTPParser, reused", false),
  httpParserJs,
];

export const piecewiseInputs: readonly Input[] = [handshake, largeHead];

export async function compareOctetByOctet(input: Input, kernel: string, timing: Timing): Promise<Row[]> {
  process.stderr.write(`octet by octet, ${kernel} kernel: ${input.id}, ${input.title}\n`);
  const all = await measure(
    piecewise.map((contender) => entrantOf(contender, input)),
    timing,
  );
  return rowsOf({ step: "octet-by-octet", kernel, input: input.id, bases: { L3: headReader.name } }, all);
}
