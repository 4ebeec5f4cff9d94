// In:    octets of one direction of a connection, and the methods that responses answer.
// Out:   the messages that Node's parser (llhttp), or http-parser-js, reads in them, and why it stops.
// Never: compares them.

import { createRequire } from "node:module";
import { methods } from "./node-parser.js";

const require = createRequire(import.meta.url);

/** A message as another parser gives it; text has one character an octet. */
export interface OtherMessage {
  /** `GET /` or `200 OK`. */
  start: string;
  httpVersion: string;
  /** Name, value, name, value. */
  fields: string[];
  content: string;
  trailers: string[];
  upgrade: boolean;
  complete: boolean;
}

export interface OtherReading {
  messages: OtherMessage[];
  /** Why it reads no further, or null. */
  refused: string | null;
}

// biome-ignore lint/suspicious/noExplicitAny: Node has no types for it
type Parser = any;

/** What a client or a server answers to a head: 1 if there is no content, 2 if another protocol follows. */
function verdict(statusCode: number | undefined, method: string | undefined, upgrade: boolean): number {
  if (statusCode === undefined) return upgrade ? 2 : 0;
  if (statusCode === 101 || (method === "CONNECT" && statusCode >= 200 && statusCode < 300)) return 2;
  return statusCode < 200 || method === "HEAD" ? 1 : 0;
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

  head(start: string, httpVersion: string, fields: string[], statusCode: number | undefined, upgrade: boolean): number {
    const method = this.#methods?.[0];
    if (statusCode !== undefined && (statusCode >= 200 || statusCode === 101)) this.#methods?.shift();
    this.newest = { start, httpVersion, fields, content: "", trailers: [], upgrade, complete: false };
    this.reading.messages.push(this.newest);
    const answer = verdict(statusCode, method, upgrade);
    this.newest.upgrade = answer === 2;
    if (answer === 2) this.over = true;
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
  octets: Uint8Array,
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
    const [major, minor, more = [], method, target = "", statusCode, statusMessage, upgrade] = given;
    const all = [...fields, ...more];
    const start = statusCode === undefined ? `${methods[method]} ${url}${target}` : `${statusCode} ${statusMessage}`;
    fields = [];
    url = "";
    return log.head(start, `${major}.${minor}`, all, statusCode, upgrade);
  };
  parser[Native.kOnBody] = (part: Buffer) => {
    log.newest!.content += part.toString("latin1");
  };
  parser[Native.kOnMessageComplete] = () => log.end();
  try {
    const result = parser.execute(Buffer.from(octets));
    if (typeof result !== "number") log.reading.refused = result.code ?? "error";
    else if (ended && !log.over) {
      const fault = parser.finish();
      if (fault !== undefined) log.reading.refused = fault.code ?? "error";
    }
  } finally {
    parser.close();
  }
  return log.reading;
}

/** The same by http-parser-js, which reads text as ASCII. */
export function readByHttpParserJs(
  octets: Uint8Array,
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
    const start = statusCode === undefined ? `${HTTPParser.methods[method]} ${url}` : `${statusCode} ${statusMessage}`;
    return log.head(start, `${versionMajor}.${versionMinor}`, headers, statusCode, upgrade);
  };
  parser[HTTPParser.kOnBody] = (part: Buffer) => {
    log.newest!.content += part.toString("latin1");
  };
  parser[HTTPParser.kOnMessageComplete] = () => log.end();
  const result = parser.execute(Buffer.from(octets));
  if (typeof result !== "number") log.reading.refused = (result as { code?: string }).code ?? "error";
  else if (ended && !log.over) {
    const fault = parser.finish();
    if (fault instanceof Error) log.reading.refused = fault.message;
  }
  return log.reading;
}
