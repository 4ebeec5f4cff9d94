// In:    the inputs.
// Out:   http-parser-js, the parser that headgate/http-parser replaces.
// Never: makes a parser twice; this one is ready for the next head by itself.

import { HTTPParser } from "http-parser-js";
import { type Contender, Sink } from "../contender.js";

/** A parser that reports each head to the sink. */
export function httpParserJsSession(sink: Sink) {
  const parser = new HTTPParser(HTTPParser.REQUEST);
  parser[HTTPParser.kOnHeadersComplete] = (info: {
    versionMajor: number;
    versionMinor: number;
    headers: string[];
    method: number;
    url: string;
    upgrade: boolean;
  }) => {
    const { headers, method, url, versionMajor, versionMinor, upgrade } = info;
    sink.strings(info, HTTPParser.methods[method]!, url, versionMajor * 10 + versionMinor, headers);
    return upgrade ? 2 : 0;
  };
  return parser;
}

export const httpParserJs: readonly Contender[] = [
  {
    name: "http-parser-js",
    level: "L3",
    prepare({ buffers }) {
      const sink = new Sink();
      const parser = httpParserJsSession(sink);
      const mask = buffers.length - 1;
      return {
        sink,
        run(times) {
          for (let i = 0; i < times; i++) parser.execute(buffers[i & mask]!);
        },
      };
    },
  },
];
