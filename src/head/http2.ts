// In:    a request's fields as an HTTP/2 stack took them apart, including pseudo-header fields.
// Out:   the head that HTTP/1.1 would have sent, read by the kernel, with the HTTP/2 facts.
// Never: reads frames, or trusts that the stack has validated the fields.

import { Status } from "../../assembly/abi.js";
import { type Authority, defaultPort, parseAuthority, type Scheme } from "./authority.js";
import { HeadFault } from "./fault.js";
import type { HeadLimits } from "./limits.js";
import { parseHeadText, type WholeHeadResult } from "./parse.js";
import { type AuthorityField, type Framing, RequestHead } from "./request-head.js";

/** Control data of a request (RFC 9113 §8.3.1, RFC 8441 §4), each as sent. */
interface ControlData {
  ":method"?: string;
  ":scheme"?: string;
  ":authority"?: string;
  ":path"?: string;
  ":protocol"?: string;
}

/** What was sent, in addition to the text that the kernel reads. */
interface FieldSection {
  readonly control: ControlData;
  /** Name, value, name, value, without control data. */
  readonly fields: string[];
  /** The request ends with its head. */
  readonly endStream: boolean;
}

/**
 * Reads the head of a request over HTTP/2. `rawHeaders`: name, value, name, value, one pair per field line. The text that is
 * read has `:authority` as its Host; a Host field that names another authority (RFC 9113 §8.3.1) becomes a second Host line,
 * which is malformed: `HOST_REPEATED`. Cookie lines are joined into one (§8.2.3). Offsets of faults count in that text.
 */
export function readHttp2Head(rawHeaders: readonly string[], endStream: boolean, limits: HeadLimits): WholeHeadResult {
  const control: ControlData = {};
  const fields: string[] = [];
  const hosts: string[] = [];
  const cookies: string[] = [];
  let lines = "";
  for (let i = 0; i < rawHeaders.length; i += 2) {
    const name = rawHeaders[i]!;
    const value = rawHeaders[i + 1]!;
    if (name.startsWith(":")) {
      control[name as keyof ControlData] ??= value;
      continue;
    }
    fields.push(name, value);
    if (name === "host") hosts.push(value);
    else if (name === "cookie") cookies.push(value);
    else lines += `${name}: ${value}\r\n`;
  }
  if (cookies.length > 0) lines += `cookie: ${cookies.join("; ")}\r\n`;
  const others = namedBeside(control, hosts).map((host) => `host: ${host}\r\n`);
  const named = control[":authority"];
  if (named !== undefined) others.unshift(`host: ${named}\r\n`);

  const method = control[":method"] ?? "";
  const isTunnel = method === "CONNECT" && control[":protocol"] === undefined;
  const target = (isTunnel ? named : control[":path"]) ?? "";
  // For schemes other than http and https a stack may let anything pass, including an absolute-form.
  if (!isTunnel && !target.startsWith("/") && target !== "*") {
    return { kind: "malformed", fault: new HeadFault(Status.TARGET_FORM, method.length + 1) };
  }
  // The kernel accepts CONNECT only with an authority-form.
  const written = method === "CONNECT" && !isTunnel ? "GET" : method;
  const count = others.length + (fields.length >> 1) - hosts.length - Math.max(0, cookies.length - 1);
  const section: FieldSection = { control, fields, endStream };
  const text = `${written} ${target} HTTP/1.1\r\n${others.join("")}${lines}\r\n`;
  return parseHeadText(
    text,
    count,
    limits,
    (whole, words, generation) => new Http2Head(whole, words, generation, section),
  );
}

/** The Host fields that `:authority` does not make redundant. */
function namedBeside(control: ControlData, hosts: string[]): string[] {
  const authority = control[":authority"];
  if (authority === undefined) return hosts;
  const others = hosts.filter((host) => host !== authority);
  // It is parsed once, however many there are.
  const named = others.length === 0 ? null : parseAuthority(authority);
  if (named?.kind !== "complete") return others;
  const scheme = control[":scheme"]?.toLowerCase() === "http" ? "http" : "https";
  return others.filter((host) => !isSameAuthority(host, named.authority, scheme));
}

function isSameAuthority(host: string, { uriHost, port }: Authority, scheme: Scheme): boolean {
  const result = parseAuthority(host);
  if (result.kind === "malformed" || result.authority.uriHost !== uriHost) return false;
  return result.authority.effectivePort(scheme) === (port ?? defaultPort(scheme));
}

/** A head that came over HTTP/2. Its text, size and target are those of the equivalent HTTP/1.1 request. */
class Http2Head extends RequestHead {
  readonly #section: FieldSection;

  constructor(text: string, words: Int32Array, generation: number, section: FieldSection) {
    super(text, words, generation, 0, 0);
    this.#section = section;
  }

  override get httpVersion(): "2.0" {
    return "2.0";
  }

  override get method(): string {
    return this.#section.control[":method"]!;
  }

  override get scheme(): string | null {
    return this.#section.control[":scheme"]?.toLowerCase() ?? null;
  }

  override get protocol(): string | null {
    return this.#section.control[":protocol"] ?? null;
  }

  override get authorityField(): AuthorityField {
    return this.#section.control[":authority"] === undefined ? super.authorityField : ":authority";
  }

  /** As sent, one by one, without control data. `headers` and `field()` have the authority as `host`, whichever field carried it. */
  override get rawHeaders(): string[] {
    return this.#section.fields;
  }

  override get framing(): Framing {
    const framing = super.framing;
    return framing.kind === "none" && !this.#section.endStream ? { kind: "frames" } : framing;
  }

  override get keepAlive(): boolean {
    return true;
  }

  /** The `:protocol`, if there is one. */
  override get upgrade(): string[] {
    const { protocol } = this;
    return protocol === null ? [] : [protocol];
  }

  override get asksForWebSocket(): boolean {
    return this.protocol?.toLowerCase() === "websocket";
  }
}
