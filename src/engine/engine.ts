// In:    the parts of Node, the kernel.
// Out:   what the parsers of one server, or of one installation, share: the memory that sockets read into, limits, and parsers to be used again.
// Never: lets its memory be dropped while a socket may read into it.

import { maxHeaderSize as defaultHeaderSize } from "node:http";
import { SideTable } from "../handover/side-table.js";
import { type Kernel, kernel } from "../head/kernel/instance.js";
import type { HeadLimits } from "../head/limits.js";
import { INPUT_SIZE, MAX_FIELD_LINES, NodeHead, READS_START } from "../head/node-head.js";
import type { RequestHead } from "../head/request-head.js";
import { findHttp2, findNodeParts, type Http2Parts, type NodeParts } from "./node-parts.js";

/** Octets that a socket reads at once, as many as libuv suggests: the rest of the input. */
const READ_SIZE = INPUT_SIZE - READS_START;
/** Parsers that are kept for later connections, as many as Node keeps. */
const KEPT_PARSERS = 1000;
/** A head has at most so many octets for each one that Node counts, "a:\r\n" for "a", and its request line. */
const OCTETS_PER_COUNTED = 4;
const REQUEST_LINE = 1024;

/** What bounds the messages of one server. */
export interface EngineLimits extends HeadLimits {
  /** Octets of request-target, names and values together, as Node counts them; so many are too many. */
  readonly counted: number;
}

export class Engine<Parser extends object> {
  readonly parts: NodeParts;
  /** Stays the same whatever `useKernel` chooses later: sockets read into its memory. */
  readonly kernel: Kernel = kernel();
  /**
   * Sockets read into it, without a copy.
   * Bounds:   READ_SIZE octets, from READS_START to the end of the kernel's input.
   * Lifetime: libuv keeps a bare pointer. The kernel's memory never grows, so that it never moves; each socket that reads into it
   *           keeps this view as its own property, and the view keeps the memory.
   * Ownership: octets are valid from the callback for the read that brought them until any other code runs: whatever is to outlive
   *           that is copied before. A read may come without a callback, as that of another TLS record does when its socket was
   *           destroyed; so nothing is resumed from here, by a parser of the seat or by any other reader.
   */
  readonly input: Buffer = Buffer.from(this.kernel.input.buffer, this.kernel.input.byteOffset + READS_START, READ_SIZE);
  /** Where octets are kept that leave `input` while the read is parsed: as many as reads were ever parsed within each other. */
  readonly spareMemory: Buffer[] = [];
  /** The head that was read last. */
  readonly head = new NodeHead();
  /** The heads of requests that a guard rules on; null before the first guard. */
  heads: SideTable<RequestHead> | null = null;
  readonly #limits = new Map<number, EngineLimits>();
  #http2: Http2Parts | null | undefined;
  readonly #make: (engine: Engine<Parser>) => Parser;
  readonly #spare: Parser[] = [];

  /** Throws `MissingPart`. */
  constructor(make: (engine: Engine<Parser>) => Parser) {
    this.parts = findNodeParts();
    this.#make = make;
  }

  /** To be asked for a server of node:http2 alone: it loads that module. */
  get http2(): Http2Parts | null {
    if (this.#http2 === undefined) {
      // The server in which they are found may ask for them.
      this.#http2 = null;
      this.#http2 = findHttp2();
    }
    return this.#http2;
  }

  /** A parser without a connection. */
  take(): Parser {
    return this.#spare.pop() ?? this.#make(this);
  }

  /** For a guard. */
  keepHeads(): SideTable<RequestHead> {
    this.heads ??= new SideTable<RequestHead>();
    return this.heads;
  }

  /** Takes back a parser whose connection is gone; Node has put it on its own pool just now. */
  giveBack(parser: Parser): void {
    const { list } = this.parts.common.parsers;
    if (list.at(-1) === parser) list.pop();
    if (this.#spare.length < KEPT_PARSERS) this.#spare.push(parser);
  }

  /** `maxHeaderSize`: of the server; 0 for that of the process. */
  limits(maxHeaderSize: number): EngineLimits {
    const counted = maxHeaderSize || defaultHeaderSize;
    const known = this.#limits.get(counted);
    if (known !== undefined) return known;
    const headBytes = Math.min(INPUT_SIZE, OCTETS_PER_COUNTED * counted + REQUEST_LINE);
    const limits = { counted, headBytes, fieldLines: MAX_FIELD_LINES };
    this.#limits.set(counted, limits);
    return limits;
  }
}
