// In:    octets of a connection, in pieces; or those of one head, and its framing.
// Out:   the requests that Node's own parser (llhttp) reads in them, or that it refuses them.
// Never: uses the parser if this runtime does not export it; then `nodeParserMissing` has the reason.

import { createRequire } from "node:module";
import type { Framing } from "#src/head/request-head.js";

/** A request as Node's parser gives it; text has one character an octet. */
export interface NodeRequest {
  method: string;
  requestTarget: string;
  httpVersion: string;
  /** Name, value, name, value. */
  fields: string[];
  /** In Node's words `shouldKeepAlive`. */
  keepAlive: boolean;
  upgrade: boolean;
  body: string;
  /** Name, value, name, value. */
  trailers: string[];
  /** The complete message was read; of an upgrade, its head. */
  complete: boolean;
}

interface Parser {
  initialize(type: number, resource: object, maxHeaderSize: number, lenientFlags: number): void;
  execute(octets: Uint8Array): number | Error;
  finish(): unknown;
  /** Without it Node keeps the parser forever. */
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

/** By the number that the parser reports (llhttp's HTTP_ALL_METHOD_MAP); the list that Node exports lacks some of them. */
export const methods = (
  "DELETE GET HEAD POST PUT CONNECT OPTIONS TRACE COPY LOCK MKCOL MOVE PROPFIND PROPPATCH SEARCH UNLOCK BIND REBIND UNBIND " +
  "ACL REPORT MKACTIVITY CHECKOUT MERGE M-SEARCH NOTIFY SUBSCRIBE UNSUBSCRIBE PATCH PURGE MKCALENDAR LINK UNLINK SOURCE PRI " +
  "DESCRIBE ANNOUNCE SETUP PLAY PAUSE TEARDOWN GET_PARAMETER SET_PARAMETER REDIRECT RECORD FLUSH QUERY"
).split(" ");

function load(): ParserClass | null {
  try {
    const { HTTPParser } = createRequire(import.meta.url)("_http_common") as { HTTPParser?: ParserClass };
    return HTTPParser ?? null;
  } catch {
    return null;
  }
}

const HTTPParser = load();

/** Why there is nothing to compare with, or null. */
export const nodeParserMissing =
  HTTPParser === null ? `${process.title} ${process.version} does not lend out its parser (_http_common)` : null;

/** One connection, as Node's parser reads it. The caller closes it. */
export class NodeReader {
  readonly requests: NodeRequest[] = [];
  /** Complete requests. */
  complete = 0;
  /** Why it reads no further, or null. */
  refused: string | null = null;
  readonly #parser: Parser;
  /** Field lines of an incomplete head. */
  #fields: string[] = [];
  #requestTarget = "";
  #newest: NodeRequest | null = null;

  constructor() {
    const { REQUEST, kOnHeaders, kOnHeadersComplete, kOnBody, kOnMessageComplete } = HTTPParser!;
    const parser = new HTTPParser!();
    this.#parser = parser;
    parser.initialize(REQUEST, {}, 1 << 20, 0);
    parser[kOnHeaders] = (fields: string[], target: string) => {
      // More lines of a head than the parser keeps, or trailers.
      if (this.#newest !== null) this.#newest.trailers.push(...fields);
      else this.#fields.push(...fields);
      this.#requestTarget += target;
    };
    parser[kOnHeadersComplete] = (...said: unknown[]) => {
      const [major, minor, fields, method, target, , , upgrade, keepAlive] = said;
      if (Array.isArray(fields)) this.#fields.push(...fields);
      if (typeof target === "string") this.#requestTarget += target;
      this.#newest = {
        method: methods[method as number]!,
        requestTarget: this.#requestTarget,
        httpVersion: `${major}.${minor}`,
        fields: this.#fields,
        keepAlive: keepAlive as boolean,
        upgrade: upgrade as boolean,
        body: "",
        trailers: [],
        complete: false,
      };
      this.requests.push(this.#newest);
      // 2: what follows is another protocol's.
      return upgrade ? 2 : 0;
    };
    parser[kOnBody] = (octets: Buffer) => {
      this.#newest!.body += octets.toString("latin1");
    };
    parser[kOnMessageComplete] = () => {
      this.#newest!.complete = true;
      this.complete++;
      this.#newest = null;
      this.#fields = [];
      this.#requestTarget = "";
    };
  }

  /** Reads the next octets; returns how many it took. After a refusal or an upgrade there is nothing to read. */
  read(octets: Uint8Array): number {
    const result = this.#parser.execute(Buffer.from(octets));
    if (typeof result === "number") return result;
    this.refused = (result as Error & { code?: string }).code ?? "error";
    return 0;
  }

  /** The connection has ended. */
  end(): void {
    const fault = this.#parser.finish() as { code?: string } | undefined;
    if (fault !== undefined && this.refused === null) this.refused = fault.code ?? "error";
  }

  close(): void {
    this.#parser.close();
  }
}

type NodeReading =
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

/** Reads one head, and looks whether its body is framed so. */
export function readByNode(head: Uint8Array, framing: Framing): NodeReading {
  const reader = new NodeReader();
  try {
    reader.read(head);
    if (reader.refused !== null) return { kind: "refused", reason: reader.refused };
    const [request] = reader.requests;
    if (request === undefined) return { kind: "refused", reason: "waits for more" };
    const { method, requestTarget, httpVersion, fields, keepAlive, upgrade } = request;
    const seen = framingSeen(reader, request, framing);
    return { kind: "read", method, requestTarget, httpVersion, fields, keepAlive, upgrade, framing: seen };
  } finally {
    reader.close();
  }
}

/** Feeds a body in the framing that headgate read, and looks whether llhttp agrees on its end. */
function framingSeen(reader: NodeReader, request: NodeRequest, framing: Framing): string {
  const ended = (): boolean => reader.complete > 0;
  if (framing.kind === "none" || framing.kind === "frames") return ended() && request.body === "" ? "none" : "other";
  if (request.upgrade) return framingWords(framing);
  if (framing.kind === "chunked") {
    if (ended()) return "other";
    reader.read(Buffer.from("3\r\nabc\r\n0\r\n\r\n"));
    return ended() && request.body === "abc" ? "chunked" : "other";
  }
  const { length } = framing;
  if (length === 0) return ended() ? "content-length 0" : "other";
  if (ended()) return "other";
  const fed = Math.min(length, 4096);
  reader.read(Buffer.alloc(fed - 1, "x"));
  if (ended()) return "other";
  reader.read(Buffer.from("x"));
  return request.body.length === fed && ended() === (fed === length) ? framingWords(framing) : "other";
}

export function framingWords(framing: Framing): string {
  return framing.kind === "content-length" ? `content-length ${framing.length}` : framing.kind;
}
