// In:    the modules of this Node.
// Out:   the parts of node:http and node:net that the seat needs, each found and checked; or what is missing.
// Never: changes one of them.

import { AsyncLocalStorage } from "node:async_hooks";
import { IncomingMessage } from "node:http";
import { Socket } from "node:net";
import { http2 } from "../handover/node-modules.js";

/** A parser as node:http drives it: Node's own, or ours. Callbacks are at numbers. */
interface NodeParser {
  initialize(type: number, resource: object, maxHeaderSize: number, lenient: number, list?: object): void;
  execute(octets: Uint8Array): number | Error;
  close(): void;
  maxHeaderPairs?: number;
  [callback: number]: unknown;
}

interface ParserClass {
  new (): NodeParser;
  readonly REQUEST: number;
  readonly kOnMessageBegin: number;
  readonly kOnHeaders: number;
  readonly kOnHeadersComplete: number;
  readonly kOnBody: number;
  readonly kOnMessageComplete: number;
  readonly kOnExecute: number;
  readonly kOnTimeout: number;
}

/** The pool from which a server's connection takes its parser, and to which it goes back. */
export interface ParserPool {
  readonly list: object[];
  alloc(): object;
  ctor(): NodeParser;
}

/** What is used of the module `_http_common`. */
interface HttpCommon {
  readonly parsers: ParserPool;
  readonly HTTPParser: ParserClass;
  readonly methods: readonly string[];
  readonly isLenient: () => boolean;
  readonly freeParser: (parser: object, request: null, socket: null) => void;
}

/** A listener of 'connection' or 'secureConnection'. */
export type ConnectionListener = (this: unknown, socket: object) => void;

/** A socket's members of the option `onread`, which has no public name once the socket exists. */
interface OnRead {
  readonly buffer: symbol;
  readonly callback: symbol;
}

/** Where a parser has its callbacks. */
export interface CallbackNumbers {
  readonly messageBegin: number;
  readonly headers: number;
  readonly headersComplete: number;
  readonly body: number;
  readonly messageComplete: number;
  readonly execute: number;
  readonly timeout: number;
}

/** Members of IncomingMessage.prototype. */
export interface HeaderLines {
  readonly _addHeaderLines: unknown;
  readonly _addHeaderLine: unknown;
}

export interface NodeParts {
  readonly common: HttpCommon;
  readonly callbacks: CallbackNumbers;
  /** The listener that http.Server and https.Server have for their connections. */
  readonly connectionListener: ConnectionListener;
  /** Functions of Node's parsers, which make the request and push its body. */
  readonly onHeaders: unknown;
  readonly onHeadersComplete: unknown;
  readonly onBody: unknown;
  readonly onMessageComplete: unknown;
  /** The number of each method that Node's parser accepts. */
  readonly methods: ReadonlyMap<string, number>;
  /** A head with more lines than `maxHeadersCount` is refused; else only the first ones are kept. */
  readonly refusesManyLines: boolean;
  /** Null if sockets can only be read by 'data'. */
  readonly onRead: OnRead | null;
  /** Node's functions that make `headers` of field lines; null if they were replaced before they could be found. */
  readonly headerLines: HeaderLines | null;
  /** AsyncLocalStorage keeps its stores on resources, as before Node 24. */
  readonly storesOnResources: boolean;
}

export class MissingPart extends Error {}

/** Throws `MissingPart`. */
export function findNodeParts(): NodeParts {
  const { versions } = process;
  for (const runtime of ["bun", "deno"]) {
    if (versions[runtime] !== undefined) throw new MissingPart(`${runtime} has no parser that could be replaced`);
  }
  const common = builtin<HttpCommon>("_http_common", ["parsers", "HTTPParser", "methods", "isLenient", "freeParser"]);
  const server = builtin<{ _connectionListener: ConnectionListener }>("_http_server", ["_connectionListener"]);
  const { parsers, HTTPParser } = common;
  if (!Array.isArray(parsers.list) || typeof parsers.alloc !== "function" || typeof parsers.ctor !== "function") {
    throw new MissingPart("the pool of _http_common.parsers has changed");
  }
  const callbacks: CallbackNumbers = {
    messageBegin: HTTPParser.kOnMessageBegin,
    headers: HTTPParser.kOnHeaders,
    headersComplete: HTTPParser.kOnHeadersComplete,
    body: HTTPParser.kOnBody,
    messageComplete: HTTPParser.kOnMessageComplete,
    execute: HTTPParser.kOnExecute,
    timeout: HTTPParser.kOnTimeout,
  };
  for (const [name, number] of Object.entries({ ...callbacks, REQUEST: HTTPParser.REQUEST })) {
    if (typeof number !== "number") throw new MissingPart(`Node's parsers have no number for ${name}`);
  }
  const pristine = parsers.ctor();
  const parts = {
    onHeaders: pristine[HTTPParser.kOnHeaders],
    onHeadersComplete: pristine[HTTPParser.kOnHeadersComplete],
    onBody: pristine[HTTPParser.kOnBody],
    onMessageComplete: pristine[HTTPParser.kOnMessageComplete],
  };
  pristine.close();
  for (const [name, part] of Object.entries(parts)) {
    if (typeof part !== "function") throw new MissingPart(`Node's parsers have no ${name}`);
  }
  return {
    common,
    callbacks,
    connectionListener: server._connectionListener,
    ...parts,
    methods: numberMethods(common),
    refusesManyLines: refusesManyLines(HTTPParser),
    onRead: findOnRead(),
    headerLines: findHeaderLines(),
    storesOnResources: "_propagate" in AsyncLocalStorage.prototype,
  };
}

/** What a server of node:http2 has for its connections. */
export interface Http2Parts {
  /** It passes on to node:http what has not agreed on HTTP/2, if the server allows it. */
  readonly listener: ConnectionListener;
  /** The member that holds the server's options. */
  readonly options: symbol;
}

/** Neither has a public name; they are found in a server that is never used. Null if they are not where they were. */
export function findHttp2(): Http2Parts | null {
  const server = http2().createSecureServer({ allowHTTP1: true });
  const listeners = server.listeners("secureConnection") as ConnectionListener[];
  const members = server as unknown as Record<symbol, { allowHTTP1?: boolean } | null | undefined>;
  const options = Object.getOwnPropertySymbols(server).find((symbol) => members[symbol]?.allowHTTP1 === true);
  return listeners.length === 1 && options !== undefined ? { listener: listeners[0]!, options } : null;
}

function builtin<Module extends object>(name: string, members: readonly (keyof Module & string)[]): Module {
  const module = process.getBuiltinModule?.(name) as Module | undefined;
  if (module === undefined) throw new MissingPart(`there is no module ${name}`);
  const missing = members.find((member) => module[member] === undefined);
  if (missing !== undefined) throw new MissingPart(`${name}.${missing} is gone`);
  return module;
}

/** Parses a text with a parser of Node's own. `onHead` gets the arguments of each kOnHeadersComplete. */
function probe(HTTPParser: ParserClass, text: string, onHead: (values: unknown[]) => void, pairs?: number): unknown {
  const parser = new HTTPParser();
  parser.initialize(HTTPParser.REQUEST, {}, 0, 0);
  if (pairs !== undefined) parser.maxHeaderPairs = pairs;
  parser[HTTPParser.kOnHeadersComplete] = (...values: unknown[]) => {
    onHead(values);
    return 0;
  };
  const result = parser.execute(Buffer.from(text, "latin1"));
  parser.close();
  return result;
}

/** Node gives methods to JavaScript as numbers, which are not places in any list that it exports. */
function numberMethods({ HTTPParser, methods }: HttpCommon): ReadonlyMap<string, number> {
  // All in one connection, which ends with CONNECT.
  const names = [...methods.filter((method) => method !== "CONNECT"), "CONNECT"];
  const heads = names.map((name) => `${name} ${name === "CONNECT" ? "a:1" : `/${name}`} HTTP/1.1\r\nHost: a\r\n\r\n`);
  const numbers = new Map<string, number>();
  probe(HTTPParser, heads.join(""), ([, , , number, target]) => {
    numbers.set(target === "a:1" ? "CONNECT" : String(target).slice(1), number as number);
  });
  if (!["GET", "HEAD", "POST", "CONNECT"].every((method) => Number.isInteger(numbers.get(method)))) {
    throw new MissingPart("Node's parser does not number methods");
  }
  return numbers;
}

function refusesManyLines(HTTPParser: ParserClass): boolean {
  return probe(HTTPParser, "GET / HTTP/1.1\r\nA: b\r\nC: d\r\n\r\n", () => {}, 2) instanceof Error;
}

/** A wrapper around either of them may see what the other does not need; it has another source. */
function findHeaderLines(): HeaderLines | null {
  const { _addHeaderLines, _addHeaderLine } = IncomingMessage.prototype as unknown as HeaderLines;
  const isNodes = (value: unknown, name: string, part: string): boolean =>
    typeof value === "function" && value.name === name && Function.prototype.toString.call(value).includes(part);
  return isNodes(_addHeaderLines, "_addHeaderLines", "this._addHeaderLine(") &&
    isNodes(_addHeaderLine, "_addHeaderLine", "matchKnownFields(")
    ? { _addHeaderLines, _addHeaderLine }
    : null;
}

/** The members are symbols; they are found by the values that a socket was given. It is never connected, and never destroyed. */
function findOnRead(): OnRead | null {
  const buffer = Buffer.alloc(1);
  const callback = (): boolean => true;
  const options: object = { onread: { buffer, callback } };
  const socket = new Socket(options) as unknown as Record<symbol, unknown>;
  const symbolOf = (value: unknown): symbol | undefined =>
    Object.getOwnPropertySymbols(socket).find((symbol) => socket[symbol] === value);
  const found = { buffer: symbolOf(buffer), callback: symbolOf(callback) };
  return found.buffer === undefined || found.callback === undefined ? null : (found as OnRead);
}
