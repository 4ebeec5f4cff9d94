// In:    octets of one direction of a connection, and the methods that responses answer.
// Out:   the messages that Node's parser (llhttp), or http-parser-js, reads in them, and why it stops.
// Never: compares them.

import { createRequire } from "node:module";
import { methods } from "./node-parser.js";

const require = createRequire(import.meta.url);

/** A message as another parser gives it; text has one character an octet. */
interface OtherMessage {
  /** `GET /` or `200 OK`. */
  start: string;
  httpVersion: string;
  /** Name, value, name, value. */
  fields: string[];
  content: string;
  trailers: string[];
  /** Another protocol follows the message. */
  upgrade: boolean;
  /** As the parser gives it: false as well for a response that ends with the connection. */
  keepAlive: boolean;
  complete: boolean;
}

export interface OtherReading {
  messages: OtherMessage[];
  /** Why it reads no further, or null. */
  refused: string | null;
}

// biome-ignore lint/suspicious/noExplicitAny: Node has no types for it
type Parser = any;

/** What a parser gives of a head. */
interface OtherHead {
  start: string;
  httpVersion: string;
  fields: string[];
  /** Of a response. */
  statusCode: number | undefined;
  upgrade: boolean;
  keepAlive: boolean;
}

/** What a client or a server answers to a head: 1 if there is no content, 2 if another protocol follows at once. */
function verdict({ statusCode, upgrade }: OtherHead, method: string | undefined): number {
  // The content of a request with an upgrade is read.
  if (statusCode === undefined) return 0;
  if (statusCode < 200) return upgrade ? 2 : 1;
  if (method === "CONNECT" && statusCode < 300) return 2;
  return method === "HEAD" ? 1 : 0;
}

/** Counts messages and methods while a parser reads. */
class Log {
  readonly reading: OtherReading = { messages: [], refused: null };
  readonly #methods: string[] | null;
  newest: OtherMessage | null = null;
  /** A message has ended after which nothing is read. */
  over = false;

  constructor(answersTo: readonly string[] | null) {
    this.#methods = answersTo === null ? null : [...answersTo];
  }

  head(head: OtherHead): number {
    const { start, httpVersion, fields, statusCode, keepAlive } = head;
    const method = this.#methods?.[0];
    const answer = verdict(head, method);
    const upgrade = answer === 2 || (statusCode === undefined && head.upgrade);
    if (statusCode !== undefined && (statusCode >= 200 || upgrade)) this.#methods?.shift();
    this.newest = { start, httpVersion, fields, content: "", trailers: [], upgrade, keepAlive, complete: false };
    this.reading.messages.push(this.newest);
    if (upgrade) this.over = true;
    return answer;
  }

  end(): void {
    this.newest!.complete = true;
    this.newest = null;
  }
}

const Native: Parser = (() => {
  try {
    // biome-ignore lint/style/useNodejsImportProtocol: under that name it does not exist
    return require("_http_common").HTTPParser;
  } catch {
    return undefined;
  }
})();

export function readByNodeParser(
  pieces: readonly Uint8Array[],
  answersTo: readonly string[] | null,
  ended: boolean,
): OtherReading {
  const log = new Log(answersTo);
  const parser = new Native();
  parser.initialize(answersTo === null ? Native.REQUEST : Native.RESPONSE, {}, 1 << 20, 0);
  let fields: string[] = [];
  let url = "";
  parser[Native.kOnHeaders] = (more: string[], part: string) => {
    if (log.newest === null) {
      fields.push(...more);
      url += part;
    } else log.newest.trailers.push(...more);
  };
  parser[Native.kOnHeadersComplete] = (...given: Parser[]) => {
    const [major, minor, more = [], method, target = "", statusCode, statusMessage, upgrade, keepAlive] = given;
    const all = [...fields, ...more];
    const start = statusCode === undefined ? `${methods[method]} ${url}${target}` : `${statusCode} ${statusMessage}`;
    fields = [];
    url = "";
    return log.head({ start, httpVersion: `${major}.${minor}`, fields: all, statusCode, upgrade, keepAlive });
  };
  parser[Native.kOnBody] = (part: Buffer) => {
    log.newest!.content += part.toString("latin1");
  };
  parser[Native.kOnMessageComplete] = () => log.end();
  try {
    readPieces(parser, pieces, ended, log);
  } finally {
    parser.close();
  }
  return log.reading;
}

/** http-parser-js goes back by a negative chunk size, and would read the same octets for ever. */
const ENDLESS = Symbol("a negative chunk size");

/** The same by http-parser-js, which reads text as ASCII. */
export function readByHttpParserJs(
  pieces: readonly Uint8Array[],
  answersTo: readonly string[] | null,
  ended: boolean,
): OtherReading {
  const { HTTPParser } = require("http-parser-js") as Parser;
  HTTPParser.encoding = "latin1";
  const log = new Log(answersTo);
  const parser = new HTTPParser(answersTo === null ? "REQUEST" : "RESPONSE");
  parser[HTTPParser.kOnHeaders] = (more: string[]) => log.newest!.trailers.push(...more);
  parser[HTTPParser.kOnHeadersComplete] = (info: Parser) => {
    const { versionMajor, versionMinor, headers, method, url, statusCode, statusMessage, upgrade } = info;
    const httpVersion = `${versionMajor}.${versionMinor}`;
    const start = statusCode === undefined ? `${HTTPParser.methods[method]} ${url}` : `${statusCode} ${statusMessage}`;
    return log.head({ start, httpVersion, fields: headers, statusCode, upgrade, keepAlive: info.shouldKeepAlive });
  };
  parser[HTTPParser.kOnBody] = (part: Buffer) => {
    if (parser.body_bytes < 0) throw ENDLESS;
    log.newest!.content += part.toString("latin1");
  };
  parser[HTTPParser.kOnMessageComplete] = () => log.end();
  try {
    readPieces(parser, pieces, ended, log);
  } catch (thrown) {
    if (thrown !== ENDLESS) throw thrown;
    log.reading.refused = ENDLESS.description!;
  }
  return log.reading;
}

function readPieces(parser: Parser, pieces: readonly Uint8Array[], ended: boolean, log: Log): void {
  for (const piece of pieces) {
    const result = parser.execute(Buffer.from(piece));
    if (typeof result !== "number") {
      log.reading.refused = result.code ?? "error";
      return;
    }
    // The message with an upgrade is complete.
    if (log.over && log.newest === null) return;
  }
  if (!ended || log.over) return;
  const fault = parser.finish();
  if (fault instanceof Error) log.reading.refused = (fault as { code?: string }).code ?? fault.message;
}
