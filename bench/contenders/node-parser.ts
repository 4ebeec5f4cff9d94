// In:    the inputs.
// Out:   the parser inside Node (llhttp in C, its callbacks into JavaScript), fresh for each buffer and reused.
// Never: fails where a Node does not give it; its rows say so.

import { type Absent, type Contender, type Prepared, Sink } from "../contender.js";
import type { Input } from "../inputs.js";

/** What node:http itself uses; lib/_http_common.js is its user. */
interface NodeParser {
  [callback: number]: unknown;
  initialize(type: number, resource: object, maxHeaderSize: number): void;
  /** Octets parsed, or an error. */
  execute(octets: Uint8Array): number | Error;
  close(): void;
}
interface Binding {
  readonly HTTPParser: { new (): NodeParser } & Readonly<
    Record<"REQUEST" | "kOnHeaders" | "kOnHeadersComplete" | "kOnMessageComplete", number>
  >;
  readonly methods: readonly string[];
}

function findBinding(): Binding | null {
  const before = process.noDeprecation;
  process.noDeprecation = true;
  try {
    return (process as unknown as { binding(name: string): Binding }).binding("http_parser");
  } catch {
    return null;
  } finally {
    process.noDeprecation = before;
  }
}

const binding = findBinding();

/** Undefined where this Node hides its parser. */
export const nodeParserVersion: string | undefined = binding === null ? undefined : process.versions.llhttp;

export const nodeParserHidden: Absent = { absent: "this Node hides its parser" };

/** One parser with its callbacks, told to a sink as node:http's would tell an IncomingMessage. */
export class NodeSession {
  readonly #binding: Binding;
  readonly #sink: Sink;
  /** 0 is Node's default. */
  readonly #headBytes: number;
  #parser: NodeParser;
  /** After an upgrade or an error a parser must be initialized again, as node:http does for each connection. */
  #spent = false;
  /** Field lines that Node reports in parts: it flushes every 32. */
  #fieldLines: string[] = [];
  #requestTarget = "";

  constructor(sink: Sink, headBytes: number) {
    if (binding === null) throw new Error(nodeParserHidden.absent);
    this.#binding = binding;
    this.#sink = sink;
    this.#headBytes = headBytes;
    this.#parser = this.#begin();
  }

  #begin(): NodeParser {
    const { HTTPParser } = this.#binding;
    const parser = new HTTPParser();
    parser[HTTPParser.kOnHeaders] = (fieldLines: string[], requestTarget: string) => {
      this.#fieldLines.push(...fieldLines);
      this.#requestTarget += requestTarget;
    };
    parser[HTTPParser.kOnHeadersComplete] = this.#complete.bind(this);
    parser[HTTPParser.kOnMessageComplete] = () => 0;
    this.#initialize(parser);
    return parser;
  }

  #initialize(parser: NodeParser): void {
    parser.initialize(this.#binding.HTTPParser.REQUEST, {}, this.#headBytes);
    this.#spent = false;
  }

  #complete(
    major: number,
    minor: number,
    fieldLines: string[] | undefined,
    method: number,
    requestTarget: string | undefined,
    _statusCode: number,
    _statusMessage: string,
    upgrade: boolean,
    _keepAlive: boolean,
  ): number {
    let lines = fieldLines;
    let target = requestTarget;
    if (lines === undefined) {
      lines = this.#fieldLines;
      target = this.#requestTarget;
      this.#fieldLines = [];
      this.#requestTarget = "";
    }
    this.#sink.strings(lines, this.#binding.methods[method]!, target!, major * 10 + minor, lines);
    if (!upgrade) return 0;
    this.#spent = true;
    return 2;
  }

  /** Parses with the same parser as before. */
  execute(octets: Uint8Array): number | Error {
    if (this.#spent) this.#initialize(this.#parser);
    const result = this.#parser.execute(octets);
    if (typeof result !== "number") this.#spent = true;
    return result;
  }

  /** Throws the parser away for a new one. */
  renew(): void {
    this.#parser.close();
    this.#parser = this.#begin();
  }
}

function prepare(input: Input, fresh: boolean): Prepared | Absent {
  if (binding === null) return nodeParserHidden;
  const sink = new Sink();
  const session = new NodeSession(sink, input.headBytes ?? 0);
  const { buffers } = input;
  const mask = buffers.length - 1;
  return {
    sink,
    run(times) {
      for (let i = 0; i < times; i++) {
        if (fresh) session.renew();
        session.execute(buffers[i & mask]!);
      }
    },
  };
}

export const nodeParser: readonly Contender[] = [
  { name: "Node HTTPParser, fresh", level: "L3", prepare: (input) => prepare(input, true) },
  { name: "Node HTTPParser, reused", level: "L3", prepare: (input) => prepare(input, false) },
];
