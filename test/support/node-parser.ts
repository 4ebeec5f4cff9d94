// In:    the octets of one head that headgate accepted, and its framing.
// Out:   how Node's own parser (llhttp) reads the same octets, or that it refuses them.
// Never: uses the parser where this Node does not lend it out; `nodeParserMissing` says so.

import type { Framing } from "#src/head/request-head.js";

export type NodeReading =
  | { kind: "refused"; reason: string }
  | {
      kind: "read";
      method: string;
      requestTarget: string;
      httpVersion: string;
      fields: string[];
      keepAlive: boolean;
      upgrade: boolean;
      /** Where llhttp saw the body end, in the words of headgate; "other" where they do not fit. */
      framing: string;
    };

interface Parser {
  initialize(type: number, resource: object, maxHeaderSize: number, lenientFlags: number): void;
  execute(octets: Uint8Array): number | Error;
  /** Without it Node keeps the parser for ever. */
  close(): void;
  [callback: number]: unknown;
}

interface ParserClass {
  new (): Parser;
  readonly REQUEST: number;
  readonly kOnHeaders: number;
  readonly kOnHeadersComplete: number;
  readonly kOnBody: number;
  readonly kOnMessageComplete: number;
}

function load(): { HTTPParser: ParserClass; methods: string[] } | null {
  const { emitWarning } = process;
  try {
    process.emitWarning = () => {};
    return (process as unknown as { binding(name: string): never }).binding("http_parser");
  } catch {
    return null;
  } finally {
    process.emitWarning = emitWarning;
  }
}

const binding = load();

/** Why there is nothing to compare with, or null. */
export const nodeParserMissing =
  binding === null ? `Node ${process.version} does not lend out its parser (process.binding)` : null;

export function readByNode(head: Uint8Array, framing: Framing): NodeReading {
  const parser = new binding!.HTTPParser();
  try {
    return readBy(parser, head, framing);
  } finally {
    parser.close();
  }
}

function readBy(parser: Parser, head: Uint8Array, framing: Framing): NodeReading {
  const { HTTPParser, methods } = binding!;
  parser.initialize(HTTPParser.REQUEST, {}, 1 << 20, 0);
  const read: Extract<NodeReading, { kind: "read" }> = {
    kind: "read",
    method: "",
    requestTarget: "",
    httpVersion: "",
    fields: [],
    keepAlive: false,
    upgrade: false,
    framing: "other",
  };
  let complete = 0;
  let headComplete = false;
  let body = 0;
  let isTrailer = false;
  parser[HTTPParser.kOnHeaders] = (fields: string[], target: string) => {
    if (isTrailer) return;
    read.fields.push(...fields);
    read.requestTarget += target;
  };
  parser[HTTPParser.kOnHeadersComplete] = (...said: unknown[]) => {
    const [major, minor, fields, method, target, , , upgrade, keepAlive] = said;
    headComplete = isTrailer = true;
    read.httpVersion = `${major}.${minor}`;
    if (Array.isArray(fields)) read.fields.push(...fields);
    read.method = methods[method as number]!;
    if (typeof target === "string") read.requestTarget += target;
    read.upgrade = upgrade as boolean;
    read.keepAlive = keepAlive as boolean;
    return upgrade ? 2 : 0;
  };
  parser[HTTPParser.kOnBody] = (octets: Uint8Array) => {
    body += octets.length;
  };
  parser[HTTPParser.kOnMessageComplete] = () => {
    complete++;
  };

  const result = parser.execute(Buffer.from(head));
  if (result instanceof Error)
    return { kind: "refused", reason: (result as Error & { code?: string }).code ?? "error" };
  if (!headComplete) return { kind: "refused", reason: "waits for more" };
  read.framing = framingSeen(parser, framing, () => ({ complete, body }), read.upgrade);
  return read;
}

/** Feeds a body in the framing that headgate read, and looks whether llhttp agrees on its end. */
function framingSeen(
  parser: Parser,
  framing: Framing,
  seen: () => { complete: number; body: number },
  upgrade: boolean,
): string {
  const atHead = seen();
  if (framing.kind === "none" || framing.kind === "frames")
    return atHead.complete === 1 && atHead.body === 0 ? "none" : "other";
  if (upgrade) return framing.kind === "chunked" ? "chunked" : `content-length ${framing.length}`;
  if (framing.kind === "chunked") {
    if (atHead.complete > 0) return "other";
    parser.execute(Buffer.from("3\r\nabc\r\n0\r\n\r\n"));
    const { complete, body } = seen();
    return complete === 1 && body === 3 ? "chunked" : "other";
  }
  const { length } = framing;
  if (length === 0) return atHead.complete === 1 ? "content-length 0" : "other";
  const fed = Math.min(length, 4096);
  parser.execute(Buffer.alloc(fed - 1, "x"));
  if (atHead.complete > 0 || seen().complete > 0) return "other";
  parser.execute(Buffer.from("x"));
  const { complete, body } = seen();
  return body === fed && complete === (fed === length ? 1 : 0) ? `content-length ${length}` : "other";
}

export function framingWords(framing: Framing): string {
  return framing.kind === "content-length" ? `content-length ${framing.length}` : framing.kind;
}
