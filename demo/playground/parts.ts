// In:    octets that begin with a request head.
// Out:   the parts that the kernel found in them, in order and without gaps.
// Never: reads a head itself; it walks along the values of a RequestHead.

import { type HeadResult, parseRequestHead, type RequestHead } from "headgate/parser";
import { latin1 } from "./octets.js";

/** `mark`: white space, colons and line ends. `unread`: after a fault. `after`: octets after a complete head. */
export type PartKind = "method" | "target" | "version" | "name" | "value" | "mark" | "offending" | "unread" | "after";

/** The octets from `start` to before `end`. */
export interface Part {
  readonly kind: PartKind;
  readonly start: number;
  readonly end: number;
}

/** The parts of `octets`, where `result` is what the kernel made of them. */
export function partsOf(octets: Uint8Array, result: HeadResult): Part[] {
  const text = latin1(octets);
  if (result.kind === "complete") {
    const { head, consumed } = result;
    return close([...walk(head), { kind: "after", start: consumed, end: text.length }], text.length);
  }
  if (result.kind === "partial") return close(partsOfBeginning(text), text.length);
  const { offset } = result.fault;
  const read = partsOfBeginning(text.slice(0, offset));
  const rest: Part[] = [
    { kind: "offending", start: offset, end: Math.min(offset + 1, text.length) },
    { kind: "unread", start: offset + 1, end: text.length },
  ];
  return close([...read, ...rest], text.length);
}

/** The parts of a complete head but for its marks. */
function walk(head: RequestHead): Part[] {
  const text = head.toString();
  const parts: Part[] = [];
  let at = text.search(/[^\r\n]/);
  const add = (kind: PartKind, length: number): void => {
    parts.push({ kind, start: at, end: at + length });
    at += length;
  };
  add("method", head.method.length);
  at++;
  add("target", head.requestTarget.length);
  at++;
  add("version", text.indexOf("\r", at) - at);
  const lines = head.rawHeaders;
  for (let i = 0; i < lines.length; i += 2) {
    at = text.indexOf("\n", at) + 1;
    add("name", lines[i]!.length);
    at++;
    while (text[at] === " " || text[at] === "\t") at++;
    add("value", lines[i + 1]!.length);
  }
  return parts;
}

/**
 * The parts of an incomplete head: those that the kernel finds in the shortest completion that it accepts. A part that cannot be
 * completed, such as half a Transfer-Encoding or half an IPv6 address, is read in another one's place.
 */
function partsOfBeginning(text: string): Part[] {
  for (const beginning of new Set([text, withPlainRequestLine(text), withUnknownNames(text)])) {
    for (const completion of completions) {
      const octets = Uint8Array.from(beginning + completion, (character) => character.charCodeAt(0));
      const result = parseRequestHead(octets, { host: "unchecked", limits: widest });
      if (result.kind !== "complete") continue;
      const found = walk(result.head).filter(({ start }) => start < text.length);
      return found.map((part) => ({ ...part, end: Math.min(part.end, text.length) }));
    }
  }
  return [];
}

/** The same text, if it is the beginning of a request line, with parts of the same length that go together. */
function withPlainRequestLine(text: string): string {
  const [, empty = "", method, target, version, end] = /^([\r\n]*)(\S+) (\S*)( \S{0,8})?(\r?)$/.exec(text) ?? [];
  if (method === undefined || target === undefined) return text;
  const plain = version === undefined ? "" : ` ${VERSION}`.slice(0, version.length);
  return `${empty}${"X".repeat(method.length)} ${"/".repeat(target.length)}${plain}${end}`;
}

/** The same text with field names that the kernel does not know. */
function withUnknownNames(text: string): string {
  return text.replace(/(?<=\n)[^\n:]+(?=:)/g, (name) => "x".repeat(name.length));
}

/** A head that is refused for its size has parts as well. */
const widest = { headBytes: 131_072, fieldLines: 4096 };

const VERSION = "HTTP/1.1";

const completions = [
  ...["", "\n", "\r\n", "\n\r\n", "\r\n\r\n", ":\r\n\r\n", "x:\r\n\r\n"],
  ...Array.from(VERSION, (_, i) => `${VERSION.slice(i)}\r\n\r\n`),
  ...[` ${VERSION}\r\n\r\n`, `/ ${VERSION}\r\n\r\n`, ` / ${VERSION}\r\n\r\n`, `GET / ${VERSION}\r\n\r\n`],
];

/** The same parts, and marks in all gaps between them; empty ones are left out. */
function close(parts: readonly Part[], length: number): Part[] {
  const closed: Part[] = [];
  let at = 0;
  for (const part of [...parts, { kind: "mark", start: length, end: length } as const]) {
    if (part.start > at) closed.push({ kind: "mark", start: at, end: part.start });
    if (part.end > part.start) closed.push(part);
    at = Math.max(at, part.end);
  }
  return closed;
}
