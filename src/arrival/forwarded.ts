// In:    the lines of Forwarded, or of one X-Forwarded field, as a hop sent them.
// Out:   elements and values one by one, from the right: the nearest hop's first.
// Never: parses further to the left than it is asked to; a client may have written what is there.

import { type Authority, parseAuthority, type Scheme } from "../head/authority.js";
import type { HeadFault } from "../head/fault.js";
import { type Address, parsePeerAddress } from "../head/ip-address.js";
import { spaceEnd, spaceStart, tokenStart, trimmed } from "../head/scan.js";

/**
 * What is wrong with it: it is not a name=value pair; a quote in it has no partner; a name is in an element twice; or it is not
 * what `for`, a port, `host` or `proto` may be.
 */
export type UnreadableProblem = "pair" | "quote" | "repeated" | "for" | "port" | "host" | "proto";

/** What cannot be read, and where. A value, like a `Fault`; an explanation has the words for it. */
export class Unreadable {
  readonly problem: UnreadableProblem;
  readonly value: string;
  /** Of a host. */
  readonly fault: HeadFault | null;
  /** Octets before the offending part: in the text that was read; once it is placed, in the value of its field line. */
  readonly offset: number;
  /** The field line of that name, counted from 1; null where there is only one. */
  readonly line: number | null;

  constructor(
    problem: UnreadableProblem,
    value: string,
    offset = 0,
    fault: HeadFault | null = null,
    line: number | null = null,
  ) {
    this.problem = problem;
    this.value = value;
    this.offset = offset;
    this.fault = fault;
    this.line = line;
  }

  /** The same, where the text that was read begins at `start` of the line. */
  placed(start: number, line: number | null): Unreadable {
    return new Unreadable(this.problem, this.value, start + this.offset, this.fault, line);
  }
}

/** A node (RFC 7239 §6). */
export interface Node {
  /** Null for `unknown` and for an obfuscated identifier. */
  readonly address: Address | null;
  /** Null if there is none, or an obfuscated one. */
  readonly port: number | null;
}

/** The parts of a forwarded-element (RFC 7239 §4) that are used here. */
export interface Element {
  /** Null if there is no `for`. */
  readonly node: Node | null;
  readonly host: Authority | null;
  readonly scheme: Scheme | null;
}

const COMMA = 0x2c;
const SEMICOLON = 0x3b;

/** qdtext and quoted-pair (RFC 9110 §5.6.4), one character per octet. */
const QUOTED = /^(?:[\t \x21\x23-\x5b\x5d-\x7e\x80-\xff]|\\[\t \x21-\x7e\x80-\xff])*$/;
/** A value without quotes: visible octets, and none that quotes or separates. */
const UNQUOTED = /^[\x21\x23-\x2b\x2d-\x3a\x3c-\x7e\x80-\xff]*$/;
/** obfnode and obfport (RFC 7239 §6.2, §6.3). */
const OBFUSCATED = /^_[A-Za-z0-9._-]+$/;
/** A zone identifier as sockets and URIs write it (RFC 4007 §11.2, RFC 6874), at the end of an IPv6 address. */
const ZONE = /^%[\x21\x23-\x2b\x2d-\x5a\x5c\x5e-\x7e]+$/;
export const NO_LINES: readonly string[] = Object.freeze([]);
/** Lines of nothing but white space and separators. */
const EMPTY = /^[\t ,;]*$/;

/** The lines of a field, as far as it states anything: none where all of them are empty. */
export function statedLines(lines: readonly string[]): readonly string[] {
  return lines.every((line) => EMPTY.test(line)) ? NO_LINES : lines;
}

/**
 * The lines of a list of hops without the comma that ends the last one: it announces an element that was not written. A line that
 * is empty keeps its place.
 */
export function withoutLastComma(lines: readonly string[]): readonly string[] {
  const last = lines.at(-1);
  if (last === undefined) return lines;
  const end = spaceStart(last, last.length);
  return last[end - 1] === "," ? lines.with(-1, last.slice(0, end - 1)) : lines;
}

/**
 * The lines of one field, read from the right. Lines are lists; a later line was written by a nearer hop
 * (RFC 9110 §5.3).
 */
class FromTheRight {
  readonly #lines: readonly string[];
  #line: number;
  /** Octets of the line that are not read yet; -1 after its first element. */
  #end: number;

  constructor(lines: readonly string[]) {
    this.#lines = lines;
    this.#line = lines.length - 1;
    this.#end = lines.at(-1)?.length ?? -1;
  }

  /** The line with elements that are not read yet, and where they end; null after the first element. */
  protected rest(): { line: string; end: number } | null {
    while (this.#end < 0) {
      if (--this.#line < 0) return null;
      this.#end = this.#lines[this.#line]!.length;
    }
    return { line: this.#lines[this.#line]!, end: this.#end };
  }

  /** Where a text of the line is that begins at `start`. */
  protected place(wrong: Unreadable, start: number): Unreadable {
    return wrong.placed(start, this.#lines.length === 1 ? null : this.#line + 1);
  }

  /** Continues before the comma at `comma`; -1 is the beginning of the line. */
  protected goOn(comma: number): void {
    this.#end = comma;
  }
}

/** A forwarded-pair. */
interface Pair {
  readonly name: string;
  readonly value: string;
  /** Where the value begins in its line, after an opening quote. */
  readonly valueStart: number;
  /** Where the pair begins. */
  readonly start: number;
}

/**
 *     Forwarded         = 1#forwarded-element
 *     forwarded-element = [ forwarded-pair ] *( ";" [ forwarded-pair ] )
 *     forwarded-pair    = token "=" ( token / quoted-string )           (RFC 7239 §4)
 *
 * Read backwards: a quoted-string ends at a DQUOTE and begins at the next one to the left that an even number of
 * backslashes precedes. A quote that a client left open, further to the left, does not reach any hop's element.
 * Deviations, as proxies write it: a value without quotes ends at "," or ";" and may have colons and brackets, or be empty;
 * white space is allowed around ";". An element without pairs is an element: it keeps its place.
 */
export class ForwardedElements extends FromTheRight {
  readonly #readHost: typeof readHost;

  constructor(lines: readonly string[], readAuthority = readHost) {
    super(lines);
    this.#readHost = readAuthority;
  }

  /** The next element to the left; null after the first. */
  next(): Element | Unreadable | null {
    const rest = this.rest();
    if (rest === null) return null;
    const { line } = rest;
    const pairs = new Map<string, Pair>();
    let end = spaceStart(line, rest.end);
    for (;;) {
      if (end > 0 && !isSeparator(line[end - 1])) {
        const pair = readPairBefore(line, end);
        if (pair instanceof Unreadable) return this.place(pair, 0);
        if (pairs.has(pair.name)) return this.place(new Unreadable("repeated", pair.name), pair.start);
        pairs.set(pair.name, pair);
        end = spaceStart(line, pair.start);
      }
      if (line[end - 1] !== ";") break;
      end = spaceStart(line, end - 1);
    }
    this.goOn(end - 1);
    return this.#element(pairs);
  }

  #element(pairs: ReadonlyMap<string, Pair>): Element | Unreadable {
    const node = this.#read(pairs.get("for"), readNode);
    if (node instanceof Unreadable) return node;
    const host = this.#read(pairs.get("host"), this.#readHost);
    if (host instanceof Unreadable) return host;
    const scheme = this.#read(pairs.get("proto"), readScheme);
    return scheme instanceof Unreadable ? scheme : { node, host, scheme };
  }

  #read<Value>(pair: Pair | undefined, read: (text: string) => Value | Unreadable): Value | Unreadable | null {
    if (pair === undefined) return null;
    const value = read(pair.value);
    return value instanceof Unreadable ? this.place(value, pair.valueStart) : value;
  }
}

/** The values of an X-Forwarded field, which is a list without quotes. */
export class ForwardedValues extends FromTheRight {
  #start = 0;

  /** The next value to the left; null after the first. Empty if there is nothing between two commas. */
  next(): string | null {
    const rest = this.rest();
    if (rest === null) return null;
    const comma = rest.end === 0 ? -1 : rest.line.lastIndexOf(",", rest.end - 1);
    this.#start = Math.min(spaceEnd(rest.line, comma + 1), rest.end);
    this.goOn(comma);
    return trimmed(rest.line.slice(comma + 1, rest.end));
  }

  /** The newest value as `read` reads it. */
  read<Value>(value: string, read: (text: string) => Value | Unreadable): Value | Unreadable {
    const result = read(value);
    return result instanceof Unreadable ? this.place(result, this.#start) : result;
  }
}

const isSeparator = (character: string | undefined): boolean => character === "," || character === ";";

/** The last separator before `end`; -1 if there is none. */
function separatorBefore(line: string, end: number): number {
  let at = end - 1;
  while (at >= 0 && line.charCodeAt(at) !== COMMA && line.charCodeAt(at) !== SEMICOLON) at--;
  return at;
}

/** The forwarded-pair that ends at `end`, which neither white space nor a separator precedes. */
function readPairBefore(line: string, end: number): Pair | Unreadable {
  const isQuoted = line[end - 1] === '"';
  const quote = isQuoted ? openingQuoteBefore(line, end - 1) : end;
  if (quote < 0) return new Unreadable("quote", '"', end - 1);
  const separator = separatorBefore(line, quote);
  const start = Math.min(spaceEnd(line, separator + 1), quote);
  const written = line.slice(start, end);
  const equals = isQuoted ? quote - 1 : line.indexOf("=", start);
  const value = line.slice(isQuoted ? quote + 1 : equals + 1, isQuoted ? end - 1 : end);
  if (line.slice(start, quote).includes('"')) return new Unreadable("quote", written, start);
  const isPair = equals > start && equals < end && line[equals] === "=" && tokenStart(line, equals) === start;
  if (!isPair || !(isQuoted ? QUOTED : UNQUOTED).test(value)) return new Unreadable("pair", written, start);
  return {
    name: line.slice(start, equals).toLowerCase(),
    value: isQuoted ? value.replace(/\\(.)/gs, "$1") : value,
    valueStart: isQuoted ? quote + 1 : equals + 1,
    start,
  };
}

/** -1 if there is none. */
function openingQuoteBefore(line: string, end: number): number {
  for (let at = line.lastIndexOf('"', end - 1); at >= 0; at = at === 0 ? -1 : line.lastIndexOf('"', at - 1)) {
    let backslashes = 0;
    while (line[at - 1 - backslashes] === "\\") backslashes++;
    if (backslashes % 2 === 0) return at;
  }
  return -1;
}

/**
 *     node     = nodename [ ":" node-port ]
 *     nodename = IPv4address / "[" IPv6address "]" / "unknown" / obfnode (RFC 7239 §6)
 *
 * Deviations, as proxies write it: an IPv6 address may lack brackets, and then never has a port; its zone identifier is dropped.
 */
function readNode(text: string): Node | Unreadable {
  const wrong = (): Unreadable => new Unreadable("for", text);
  const inBrackets = text.startsWith("[");
  const closing = text.indexOf("]");
  if (inBrackets && closing < 0) return wrong();
  const colon = text.indexOf(":", inBrackets ? closing : 0);
  if (!inBrackets && colon !== text.lastIndexOf(":")) {
    const address = addressIn(text);
    return address === null ? wrong() : { address, port: null };
  }
  const name = colon < 0 ? text : text.slice(0, colon);
  const port = colon < 0 ? null : readNodePort(text.slice(colon + 1));
  if (port instanceof Unreadable) return port.placed(colon + 1, null);
  if (name.toLowerCase() === "unknown" || OBFUSCATED.test(name)) return { address: null, port };
  if (inBrackets && !name.endsWith("]")) return wrong();
  const address = addressIn(inBrackets ? name.slice(1, -1) : name);
  // Only IPv6 has brackets.
  if (address === null || inBrackets !== name.includes(":")) return wrong();
  return { address, port };
}

function addressIn(text: string): Address | null {
  const zone = text.indexOf("%");
  return zone >= 0 && !ZONE.test(text.slice(zone)) ? null : parsePeerAddress(text);
}

/** A value of X-Forwarded-For: a node. Empty, and `unix:` as nginx writes it, are clients without a known address. */
export function readForwardedFor(text: string): Node | Unreadable {
  return text === "" || text === "unix:" ? { address: null, port: null } : readNode(text);
}

function readNodePort(text: string): number | null | Unreadable {
  return OBFUSCATED.test(text) ? null : readPort(text);
}

export function readPort(text: string): number | Unreadable {
  const port = /^\d{1,5}$/.test(text) ? Number(text) : 0;
  return port >= 1 && port <= 65_535 ? port : new Unreadable("port", text);
}

export function readHost(text: string): Authority | Unreadable {
  const result = parseAuthority(text);
  if (result.kind === "complete") return result.authority;
  return new Unreadable("host", text, result.fault.offset, result.fault);
}

/** ws is http, wss is https: some proxies name the protocol of the upgrade. */
export function readScheme(text: string): Scheme | Unreadable {
  const scheme = text.toLowerCase();
  if (scheme === "http" || scheme === "ws") return "http";
  if (scheme === "https" || scheme === "wss") return "https";
  return new Unreadable("proto", text);
}
