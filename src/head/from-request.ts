// In:    a request that a runtime has already read: the web's Request, or one of node:http or node:http2.
// Out:   its RequestHead or HeadFault, read by the kernel as if its octets had come.
// Never: reads a body, or believes a URL where Host states another host.

import { headOf as headOfMessage, limitsBehind, type Message } from "./from-message.js";
import { readHttp2Head } from "./http2.js";
import { headLimits } from "./limits.js";
import { describe } from "./options.js";
import { parseHeadText, type WholeHeadResult } from "./parse.js";
import { RequestHead } from "./request-head.js";

/** The members of the web's `Request` that are read. */
export interface WebRequest {
  readonly method: string;
  /** Absolute, as runtimes make it from the request-target and Host. */
  readonly url: string;
  readonly headers: Iterable<readonly [string, string]> & { get(name: string): string | null | undefined };
}

/** The members of an `http.IncomingMessage` or an `http2.Http2ServerRequest` that are read. */
export interface NodeRequest extends Message {
  /** Frameworks that mount handlers below a path keep the target as it was sent here. */
  readonly originalUrl?: string | undefined;
  readonly socket?: object | null | undefined;
  readonly stream?: object | null | undefined;
}

/**
 * The head of a request that another parser has read: complete, or malformed with a `HeadFault`. The same decision follows from it as from
 * its octets, but for what that parser has not kept; docs/policy.md lists it. Throws `TypeError` for what is not a request.
 */
export function headOf(request: WebRequest | NodeRequest): WholeHeadResult {
  if (isNodeRequest(request)) return headOfNode(request);
  if (isWebRequest(request)) return headOfWeb(request);
  throw new TypeError(
    `headOf takes a Request, an IncomingMessage or an Http2ServerRequest; it was given ${describe(request)}`,
  );
}

function isNodeRequest(request: WebRequest | NodeRequest | null | undefined): request is NodeRequest {
  return Array.isArray((request as NodeRequest | null | undefined)?.rawHeaders);
}

function isWebRequest(request: WebRequest | null | undefined): request is WebRequest {
  return typeof request?.url === "string" && typeof request.headers?.get === "function";
}

function headOfNode(request: NodeRequest): WholeHeadResult {
  const { method, url, originalUrl, httpVersion, rawHeaders, stream, socket } = request;
  const isHttp2 = rawHeaders.some((name, i) => i % 2 === 0 && name.startsWith(":"));
  if (isHttp2) {
    const ends = (stream as { endAfterHeaders?: boolean } | null | undefined)?.endAfterHeaders;
    return readHttp2Head(rawHeaders, ends ?? true, headLimits(undefined));
  }
  const server = (socket as { server?: { maxHeadersCount?: number | null } | null } | null | undefined)?.server;
  const limits = limitsBehind(server?.maxHeadersCount, headLimits(undefined));
  return headOfMessage({ method, url: originalUrl ?? url, httpVersion, rawHeaders }, limits);
}

/** A version that needs a Host: a Request has none. */
const VERSION = "1.1";

function headOfWeb({ method, url, headers }: WebRequest): WholeHeadResult {
  const { protocol, host, pathname, search } = new URL(url);
  const named = headers.get("host") ?? null;
  const lines: [string, string][] = [];
  if (named !== null) lines.push(["host", named]);
  // A URL that names another host than Host does is a second Host line, and is refused as one.
  if (named === null || hostOf(protocol, named) !== host) lines.push(["host", host]);
  for (const [name, value] of headers) if (name !== "host") lines.push([name, value]);
  const fields = lines.map(([name, value]) => `${name}: ${octetsOf(value)}\r\n`).join("");
  const text = `${method} ${pathname}${search} HTTP/${VERSION}\r\n${fields}\r\n`;
  const scheme = protocol === "https:" || protocol === "wss:" ? protocol.slice(0, -1) : null;
  return parseHeadText(
    text,
    lines.length,
    headLimits(undefined),
    (whole, words, generation) => new WebHead(whole, words, generation, scheme),
  );
}

/** What the URL of a request has as its host where Host is `named`: addresses and names in another spelling, without the default port. */
function hostOf(protocol: string, named: string): string | null {
  const url = `${protocol}//${named}`;
  return URL.canParse(url) ? new URL(url).host : null;
}

/** One character an octet: in UTF-8 where a runtime has decoded it. */
function octetsOf(value: string): string {
  if (!/[^\0-\xff]/.test(value)) return value;
  return Array.from(new TextEncoder().encode(value), (octet) => String.fromCharCode(octet)).join("");
}

/** A head whose URL states a scheme. Plain http is how a proxy comes that has terminated TLS, and states nothing. */
class WebHead extends RequestHead {
  readonly #scheme: string | null;

  constructor(text: string, words: Int32Array, generation: number, scheme: string | null) {
    super(text, words, generation, 0, 0);
    this.#scheme = scheme;
  }

  /** `https` or `wss` if the URL has it; null otherwise. */
  override get scheme(): string | null {
    return this.#scheme;
  }
}
