// In:    the lines of Forwarded, or of one X-Forwarded field, as a hop sent them.
// Out:   elements and values one by one, from the right: the nearest hop's first.
// Never: parses further to the left than it is asked to; a client may have written what is there.

import { type Authority, parseAuthority, type Scheme } from "../head/authority.js";
import type { HeadFault } from "../head/fault.js";
import { type Address, parsePeerAddress } from "../head/ip-address.js";
import { spaceStart, tokenStart, trimmed } from "../head/scan.js";

/**
 * What is wrong with it: nothing is there; it does not end in a pair; a name is in an element twice; no comma follows it; or it is not
 * what `for`, a port, `host` or `proto` may be.
 */
export type UnreadableProblem = "empty" | "pair" | "repeated" | "comma" | "for" | "port" | "host" | "proto";

/** What cannot be read. A value, like a `Fault`; an explanation has the words for it. */
export class Unreadable {
  readonly problem: UnreadableProblem;
  readonly value: string;
  /** Of a host. */
  readonly fault: HeadFault | null;

  constructor(problem: UnreadableProblem, value: string, fault: HeadFault | null = null) {
    this.problem = problem;
    this.value = value;
    this.fault = fault;
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
  readonly node: Node | null;
  readonly host: Authority | null;
  readonly scheme: Scheme | null;
}

/** qdtext and quoted-pair (RFC 9110 §5.6.4), one character per octet. */
const QUOTED = /^(?:[\t \x21\x23-\x5b\x5d-\x7e\x80-\xff]|\\[\t \x21-\x7e\x80-\xff])*$/;
/** obfnode and obfport (RFC 7239 §6.2, §6.3). */
const OBFUSCATED = /^_[A-Za-z0-9._-]+$/;

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

  /** Continues before the comma at `comma`; -1 is the beginning of the line. */
  protected goOn(comma: number): void {
    this.#end = comma;
  }
}

/**
 *     Forwarded         = 1#forwarded-element
 *     forwarded-element = [ forwarded-pair ] *( ";" [ forwarded-pair ] )
 *     forwarded-pair    = token "=" ( token / quoted-string )           (RFC 7239 §4)
 *
 * Read backwards: a quoted-string ends at a DQUOTE and begins at the next one to the left that an even number of
 * backslashes precedes. A quote that a client left open, further to the left, does not reach any hop's element.
 * Deviations: neither pairs nor elements may be empty, since a reader that skips them counts elements differently from one that
 * does not; white space is allowed around ";".
 */
export class ForwardedElements extends FromTheRight {
  /** The next element to the left; null after the first. */
  next(): Element | Unreadable | null {
    const rest = this.rest();
    if (rest === null) return null;
    const pairs = new Map<string, string>();
    const { line } = rest;
    let end = rest.end;
    for (;;) {
      const pair = readPairBefore(line, spaceStart(line, end));
      if (pair === null) return new Unreadable("pair", line.slice(0, end));
      if (pairs.has(pair.name)) return new Unreadable("repeated", pair.name);
      pairs.set(pair.name, pair.value);
      end = spaceStart(line, pair.start);
      if (line[end - 1] !== ";") break;
      end--;
    }
    if (end > 0 && line[end - 1] !== ",") return new Unreadable("comma", line.slice(0, end));
    this.goOn(end - 1);
    return readElement(pairs);
  }
}

/** The values of an X-Forwarded field, which is a list without quotes. */
export class ForwardedValues extends FromTheRight {
  /** The next value to the left; null after the first. Empty if there is nothing between two commas. */
  next(): string | null {
    const rest = this.rest();
    if (rest === null) return null;
    const comma = rest.end === 0 ? -1 : rest.line.lastIndexOf(",", rest.end - 1);
    this.goOn(comma);
    return trimmed(rest.line.slice(comma + 1, rest.end));
  }
}

/** The forwarded-pair that ends at `end`; null if there is none. */
function readPairBefore(line: string, end: number): { name: string; value: string; start: number } | null {
  let start = end;
  let value: string;
  if (line[end - 1] === '"') {
    start = openingQuoteBefore(line, end - 1);
    const quoted = line.slice(start + 1, end - 1);
    if (start < 0 || !QUOTED.test(quoted)) return null;
    value = quoted.replace(/\\(.)/gs, "$1");
  } else {
    start = tokenStart(line, end);
    value = line.slice(start, end);
    if (value === "") return null;
  }
  const equals = start - 1;
  if (line[equals] !== "=") return null;
  const first = tokenStart(line, equals);
  return first === equals ? null : { name: line.slice(first, equals).toLowerCase(), value, start: first };
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

function readElement(pairs: ReadonlyMap<string, string>): Element | Unreadable {
  const element = {
    node: readIf(pairs.get("for"), readNode),
    host: readIf(pairs.get("host"), readHost),
    scheme: readIf(pairs.get("proto"), readScheme),
  };
  const wrong = Object.values(element).find((value) => value instanceof Unreadable);
  return (wrong as Unreadable | undefined) ?? (element as Element);
}

function readIf<Value>(text: string | undefined, read: (text: string) => Value): Value | null {
  return text === undefined ? null : read(text);
}

/**
 *     node     = nodename [ ":" node-port ]
 *     nodename = IPv4address / "[" IPv6address "]" / "unknown" / obfnode (RFC 7239 §6)
 */
function readNode(text: string): Node | Unreadable {
  const wrong = new Unreadable("for", text);
  const [, name, portText] = /^(\[[^\]]*\]|[^:[\]]*)(?::(.*))?$/s.exec(text) ?? [];
  if (name === undefined) return wrong;
  const port = portText === undefined ? null : readNodePort(portText);
  if (port instanceof Unreadable) return port;
  if (name.toLowerCase() === "unknown" || OBFUSCATED.test(name)) return { address: null, port };
  const inBrackets = name.startsWith("[");
  const address = name.includes("%") ? null : parsePeerAddress(inBrackets ? name.slice(1, -1) : name);
  // Only IPv6 has brackets.
  if (address === null || inBrackets !== name.includes(":")) return wrong;
  return { address, port };
}

/** A value of X-Forwarded-For: a node, whose IPv6 address may lack brackets if no port follows. */
export function readForwardedFor(text: string): Node | Unreadable {
  const isIpv6 = text.indexOf(":") !== text.lastIndexOf(":") && !text.startsWith("[");
  return readNode(isIpv6 ? `[${text}]` : text);
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
  return new Unreadable("host", text, result.fault);
}

/** ws is http, wss is https: some proxies name the protocol of the upgrade. */
export function readScheme(text: string): Scheme | Unreadable {
  const scheme = text.toLowerCase();
  if (scheme === "http" || scheme === "ws") return "http";
  if (scheme === "https" || scheme === "wss") return "https";
  return new Unreadable("proto", text);
}
