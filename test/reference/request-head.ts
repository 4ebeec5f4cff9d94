// In:    the first octets of a connection, as many as have come.
// Out:   the request head that they begin with, or that more must come, or the refusal that docs/conformance.md names.
// Never: shares code or structure with the kernel, cares for speed, or keeps anything between two calls.

import {
  authorityCut,
  authorityOctet,
  authorityWhole,
  lineFeedOrControl,
  type ReferenceAuthority,
  readAuthority,
} from "./authority.js";

export { type ReferenceAuthority, referenceAuthority } from "./authority.js";

export interface ReferenceHead {
  /** Octets of the head, skipped empty lines included. */
  consumed: number;
  method: string;
  requestTarget: string;
  targetForm: "origin-form" | "absolute-form" | "authority-form" | "asterisk-form";
  httpVersion: "1.0" | "1.1";
  /** Up to the first "?"; "" for authority-form, "*" for asterisk-form, "/" for an absolute-form without a path. */
  path: string;
  /** After the first "?"; null if there is none. */
  query: string | null;
  /** Of absolute-form, as written. */
  scheme: string | null;
  /** The Host field. */
  host: ReferenceAuthority | null;
  targetAuthority: ReferenceAuthority | null;
  /** As sent, latin1, without the white space around values. */
  fields: Field[];
  framing: { kind: "none" } | { kind: "content-length"; length: number } | { kind: "chunked" };
  keepAlive: boolean;
  /** The members of all Upgrade lines; none unless Connection lists `upgrade` and the version is 1.1. */
  upgrade: string[];
}

export type ReferenceResult =
  | { kind: "complete"; head: ReferenceHead }
  | { kind: "partial" }
  | { kind: "malformed"; code: string; offset: number };

export interface ReferenceOptions {
  hostOptional?: boolean;
  hostUnchecked?: boolean;
  headBytes?: number;
  fieldLines?: number;
}

export type Field = [name: string, value: string];

/** A refusal at the octet that is `back` octets before the one that shows it. */
export interface Refusal {
  code: string;
  back: number;
}

/** The refusal of `octet` after `before`, which is the accepted part of a line; null if it is allowed there. */
type OctetRule = (before: string, octet: string) => Refusal | null;

type Line = { kind: "line"; text: string; next: number } | Exclude<ReferenceResult, { kind: "complete" }>;

/** A refusal placed at the octet that shows it, or before it (docs/conformance.md, "How refusals are placed"). */
export function refuse(code: string, back = 0): Refusal {
  return { code, back };
}

/** A refusal as the caller gets it: the offset counts from the head's first octet. */
export function error(code: string, offset: number): { kind: "malformed"; code: string; offset: number } {
  return { kind: "malformed", code, offset };
}

/** `HTTP-message = start-line CRLF *( field-line CRLF ) CRLF [ message-body ]` (RFC 9112 §2.1). */
export function referenceHead(octets: Uint8Array, options: ReferenceOptions = {}): ReferenceResult {
  const { headBytes = 16384 } = options;
  const text = Array.from(octets.subarray(0, headBytes), (octet) => String.fromCharCode(octet)).join("");
  const result = readHead(text, options);
  return result.kind === "partial" && octets.length > headBytes ? error("HEAD_TOO_LARGE", headBytes) : result;
}

/** `start-line CRLF *( field-line CRLF ) CRLF` (RFC 9112 §2.1), after up to four empty lines (§2.2). */
function readHead(text: string, options: ReferenceOptions): ReferenceResult {
  const { hostOptional = false, hostUnchecked = false, fieldLines = 100 } = options;
  if (text.charAt(0) === "\x16") return error("TLS_RECORD", 0);

  let start = 0;
  for (let skipped = 0; text.charAt(start) === "\r"; skipped++) {
    if (skipped === 4) return error("EMPTY_LINES", start);
    const emptyLine = readLine(text, start, () => null);
    if (emptyLine.kind !== "line") return emptyLine;
    start = emptyLine.next;
  }

  const requestLine = readLine(text, start, requestLineOctet);
  if (requestLine.kind !== "line") return requestLine;
  const [method = "", target = "", version = ""] = requestLine.text.split(" ");
  const httpVersion = version.slice("HTTP/".length);
  if (httpVersion !== "1.0" && httpVersion !== "1.1") {
    return error("VERSION_UNSUPPORTED", start + method.length + 1 + target.length + 1);
  }
  start = requestLine.next;

  const section = readFields(text, start, fieldLines, httpVersion, hostUnchecked ? "host" : null);
  if (section.kind !== "fields") return section;
  const { fields } = section;
  if (httpVersion === "1.1" && !hostOptional && !hostUnchecked && valuesOf(fields, "host").length === 0) {
    return error("HOST_MISSING", section.emptyLine);
  }

  const framing = readFraming(fields);
  const hasContent = framing.kind === "chunked" || (framing.kind === "content-length" && framing.length > 0);
  if (method === "CONNECT" && hasContent) return error("CONNECT_FRAMING", section.emptyLine);

  const [host] = valuesOf(fields, "host");
  const connection = connectionOptions(fields);
  const head: ReferenceHead = {
    consumed: section.next,
    method,
    ...readTarget(method, target),
    httpVersion,
    host: host === undefined || hostUnchecked ? null : readAuthority(host),
    fields,
    framing,
    // `close` first, then the version, then `keep-alive` (RFC 9112 §9.3).
    keepAlive: !connection.includes("close") && (httpVersion === "1.1" || connection.includes("keep-alive")),
    upgrade: httpVersion === "1.1" && connection.includes("upgrade") ? members(valuesOf(fields, "upgrade")) : [],
  };
  return { kind: "complete", head };
}

/** Field lines and the empty line after them. */
type Fields =
  | { kind: "fields"; fields: Field[]; emptyLine: number; next: number }
  | Exclude<ReferenceResult, { kind: "complete" }>;

/** `*( field-line CRLF ) CRLF` (RFC 9112 §2.1); `unread` is a name, in lower case, whose value means nothing. */
export function readFields(
  text: string,
  start: number,
  fieldLines: number,
  httpVersion: "1.0" | "1.1",
  unread: string | null,
  isResponse = false,
): Fields {
  const fields: Field[] = [];
  while (text.charAt(start) !== "\r") {
    if (fields.length >= fieldLines && start < text.length) return error("FIELD_LINES_TOO_MANY", start);
    const line = readLine(text, start, (before, octet) => fieldLineOctet(before, octet, unread));
    if (line.kind !== "line") return line;
    const name = line.text.slice(0, line.text.indexOf(":"));
    const written = line.text.slice(name.length + 1);
    if (name.toLowerCase() !== unread) {
      const hasTab = written.includes("\t");
      const code = fieldWhole(name.toLowerCase(), trim(written), hasTab, fields, httpVersion);
      // A response may end with the connection (RFC 9112 §6.3).
      const isAllowed = code === "TRANSFER_ENCODING_NOT_CHUNKED" && isResponse;
      if (code !== null && !isAllowed) return error(code, start);
      const host = name.toLowerCase() === "host" ? authorityWhole(trim(written)) : null;
      if (host !== null) return error(host, start + name.length + 1 + written.length - trimStart(written).length);
    }
    fields.push([name, trim(written)]);
    start = line.next;
  }
  const end = readLine(text, start, () => null);
  return end.kind === "line" ? { kind: "fields", fields, emptyLine: start, next: end.next } : end;
}

/**
 * A line and its CRLF (RFC 9112 §2.2). `rule` judges every octet but the LF after a CR, bare LFs and controls;
 * a CR that it accepts ends the line. A line that never ends is partial.
 */
export function readLine(text: string, start: number, rule: OctetRule): Line {
  for (let at = start; at < text.length; at++) {
    const before = text.slice(start, at);
    const octet = text.charAt(at);
    if (before.endsWith("\r")) {
      return octet === "\n" ? { kind: "line", text: before.slice(0, -1), next: at + 1 } : error("BARE_CR", at);
    }
    const code = lineFeedOrControl(octet);
    if (code !== null) return error(code, at);
    const refusal = rule(before, octet);
    if (refusal !== null) return error(refusal.code, at - refusal.back);
  }
  return { kind: "partial" };
}

/** `request-line = method SP request-target SP HTTP-version` (RFC 9112 §3). */
function requestLineOctet(before: string, octet: string): Refusal | null {
  if (octet === "\t") return refuse("REQUEST_LINE_WHITESPACE");
  const [method = "", target, version] = before.split(" ");
  if (version !== undefined) return versionOctet(version, octet);
  if (target === undefined) return methodOctet(method, octet);
  if (target === "" && octet === " ") return refuse("REQUEST_LINE_WHITESPACE");
  if (target === "" && octet === "\r") return refuse("REQUEST_LINE_SHORT");
  if (method === "CONNECT") return authorityFormOctet(target, octet);
  if (target === "") return targetFirstOctet(method, octet);
  if (target.startsWith("/")) return pathOctet(octet);
  if (target.startsWith("*")) return asteriskFormOctet(octet);
  return absoluteFormOctet(target, octet);
}

/** `method = token` (RFC 9110 §9.1), and the SP after it. */
function methodOctet(method: string, octet: string): Refusal | null {
  if (octet === " ") return method === "" ? refuse("REQUEST_LINE_WHITESPACE") : null;
  if (octet === "\r") return refuse("REQUEST_LINE_SHORT");
  return isToken(octet) ? null : refuse("METHOD_INVALID");
}

/** `request-target = origin-form / absolute-form / authority-form / asterisk-form` (RFC 9112 §3.2), but for CONNECT. */
function targetFirstOctet(method: string, octet: string): Refusal | null {
  if (octet === "/" || /^[A-Za-z]$/.test(octet)) return null;
  if (octet === "*") return method === "OPTIONS" ? null : refuse("TARGET_FORM");
  return refuse(isTargetOctet(octet) ? "TARGET_FORM" : "TARGET_INVALID");
}

/** `absolute-path [ "?" query ]` (RFC 9112 §3.2.1) as lenient as docs/conformance.md, and the SP after it. */
function pathOctet(octet: string): Refusal | null {
  if (octet === " ") return null;
  if (octet === "\r") return refuse("REQUEST_LINE_SHORT");
  return isTargetOctet(octet) ? null : refuse("TARGET_INVALID");
}

/** `asterisk-form = "*"` (RFC 9112 §3.2.4), and the SP after it. */
function asteriskFormOctet(octet: string): Refusal | null {
  if (octet === " ") return null;
  return refuse(octet === "\r" ? "REQUEST_LINE_SHORT" : "TARGET_INVALID");
}

/** `absolute-form = scheme "://" authority path-abempty [ "?" query ]` (RFC 9112 §3.2.2, RFC 3986 §3), not empty. */
function absoluteFormOctet(target: string, octet: string): Refusal | null {
  const slashes = target.indexOf("://");
  if (slashes < 0) return schemeOctet(target, octet);
  const behind = target.slice(slashes + "://".length);
  if (/[/?]/.test(behind)) return pathOctet(octet);
  if (octet === "\r") return refuse(authorityCut(behind) ?? "REQUEST_LINE_SHORT");
  if (octet === " " || octet === "/" || octet === "?") return authorityEnd(behind);
  return authorityRefusal(behind, octet);
}

/** `scheme = ALPHA *( ALPHA / DIGIT / "+" / "-" / "." )` (RFC 3986 §3.1), and the `://` after it; not empty. */
function schemeOctet(target: string, octet: string): Refusal | null {
  if (octet === "\r") return refuse("REQUEST_LINE_SHORT");
  const expected = target.includes(":") ? /^\/$/ : /^[A-Za-z0-9+\-.:]$/;
  return expected.test(octet) ? null : refuse("TARGET_FORM");
}

/** `authority-form = uri-host ":" port` (RFC 9112 §3.2.3), and the SP after it. */
function authorityFormOctet(target: string, octet: string): Refusal | null {
  if (target === "" && (octet === "/" || octet === "?")) return refuse("TARGET_FORM");
  if (octet === "\r") return refuse(authorityCut(target) ?? "REQUEST_LINE_SHORT");
  if (octet !== " ") return authorityRefusal(target, octet);
  const cut = authorityCut(target);
  if (cut !== null) return refuse(cut);
  return readAuthority(target).port === null ? refuse("AUTHORITY_PORT") : authorityEnd(target);
}

/** `authority` (RFC 3986 §3.2) inside a target: an octet that does not end it. */
function authorityRefusal(before: string, octet: string): Refusal | null {
  const code = authorityOctet(before, octet);
  return code === null ? null : refuse(code);
}

/** `authority` (RFC 3986 §3.2) inside a target, at the octet that ends it. */
function authorityEnd(authority: string): Refusal | null {
  const cut = authorityCut(authority);
  if (cut !== null) return refuse(cut);
  const whole = authorityWhole(authority);
  return whole === null ? null : refuse(whole, authority.length);
}

/** `HTTP-version = HTTP-name "/" DIGIT "." DIGIT` (RFC 9112 §2.3), and the CR after it. */
export function versionOctet(version: string, octet: string): Refusal | null {
  const shape = ["H", "T", "T", "P", "/", "0123456789", ".", "0123456789"];
  if (octet === " ") return refuse("REQUEST_LINE_WHITESPACE");
  if (octet === "\r") return version.length === shape.length ? null : refuse("REQUEST_LINE_SHORT");
  return shape[version.length]?.includes(octet) ? null : refuse("VERSION_INVALID");
}

/** `field-line = field-name ":" OWS field-value OWS` (RFC 9112 §5), `field-name = token` (RFC 9110 §5.1). */
export function fieldLineOctet(before: string, octet: string, unread: string | null = null): Refusal | null {
  const colon = before.indexOf(":");
  if (colon >= 0) {
    const name = before.slice(0, colon).toLowerCase();
    return name === unread ? null : fieldValueOctet(name, before.slice(colon + 1), octet);
  }
  if (isWhiteSpace(octet)) return refuse(before === "" ? "OBS_FOLD" : "FIELD_NAME_SPACE");
  if (octet === ":") return before === "" ? refuse("FIELD_NAME_EMPTY") : null;
  if (octet === "\r") return refuse("FIELD_LINE_NO_COLON");
  return isToken(octet) ? null : refuse("FIELD_NAME_INVALID");
}

/** `OWS field-value OWS`, `field-value = *field-content` (RFC 9112 §5, RFC 9110 §5.5): all but controls. */
function fieldValueOctet(name: string, before: string, octet: string): Refusal | null {
  if (name === "host") return hostOctet(trimStart(before), octet);
  if (name === "content-length") return contentLengthOctet(trimStart(before), octet);
  return null;
}

/** `Host = uri-host [ ":" port ]` (RFC 9110 §7.2), and the OWS or CR after it. */
function hostOctet(before: string, octet: string): Refusal | null {
  const mayEnd = isWhiteSpace(octet) || octet === "\r";
  const spaceBefore = before !== trim(before);
  if (!mayEnd && spaceBefore) return refuse("AUTHORITY_INVALID");
  const code = mayEnd ? authorityCut(trim(before)) : authorityOctet(before, octet);
  return code === null ? null : refuse(code);
}

/** `Content-Length = 1*DIGIT` (RFC 9110 §8.6), at most 2^53 - 1, and the OWS or CR after it. */
function contentLengthOctet(before: string, octet: string): Refusal | null {
  if (isWhiteSpace(octet) || octet === "\r") return null;
  const invalid = before !== trim(before) || !/^[0-9]$/.test(octet);
  return invalid || BigInt(before + octet) > 2n ** 53n - 1n ? refuse("CONTENT_LENGTH_INVALID") : null;
}

/**
 * What only a complete field line shows, placed at its first octet (RFC 9112 §3.2, §6.1, §6.3; RFC 9110 §7.6.1, §7.8).
 * `name` is in lower case, `earlier` are the field lines before this one. The value of Host is not examined.
 */
function fieldWhole(
  name: string,
  value: string,
  hasTab: boolean,
  earlier: Field[],
  httpVersion: "1.0" | "1.1",
): string | null {
  const seen = (other: string): boolean => valuesOf(earlier, other).length > 0;
  switch (name) {
    case "host":
      return seen("host") ? "HOST_REPEATED" : null;
    case "content-length":
      if (value === "") return "CONTENT_LENGTH_INVALID";
      if (seen("transfer-encoding")) return "FRAMING_CONFLICT";
      return seen("content-length") ? "CONTENT_LENGTH_REPEATED" : null;
    case "transfer-encoding":
      if (httpVersion === "1.0") return "TRANSFER_ENCODING_VERSION";
      if (seen("content-length")) return "FRAMING_CONFLICT";
      if (seen("transfer-encoding")) return "TRANSFER_ENCODING_REPEATED";
      return hasTab ? "TRANSFER_ENCODING_INVALID" : transferEncodingWhole(value);
    case "connection":
      return members([value]).every(isToken) ? null : "CONNECTION_INVALID";
    case "proxy-connection":
      return httpVersion === "1.1" && value.toLowerCase() === "keep-alive" ? null : "PROXY_CONNECTION";
    case "upgrade":
      return upgradeWhole(value);
    default:
      return null;
  }
}

/** `Transfer-Encoding = #transfer-coding` (RFC 9112 §6.1) without parameters, without empty members; chunked last. */
function transferEncodingWhole(value: string): string | null {
  const codings = value.split(",").map((member) => trim(member).toLowerCase());
  if (!codings.every(isToken) || codings.slice(0, -1).includes("chunked")) return "TRANSFER_ENCODING_INVALID";
  return codings.at(-1) === "chunked" ? null : "TRANSFER_ENCODING_NOT_CHUNKED";
}

/** `Upgrade = #protocol`, `protocol = protocol-name [ "/" protocol-version ]`, both tokens (RFC 9110 §7.8). */
function upgradeWhole(value: string): string | null {
  const isProtocol = (member: string): boolean => {
    const parts = member.split("/");
    return parts.length <= 2 && parts.every(isToken);
  };
  return members([value]).every(isProtocol) ? null : "UPGRADE_INVALID";
}

/** `request-target` (RFC 9112 §3.2) of a request line without fault, in its parts. */
function readTarget(
  method: string,
  requestTarget: string,
): Pick<ReferenceHead, "requestTarget" | "targetForm" | "path" | "query" | "scheme" | "targetAuthority"> {
  const none = { requestTarget, path: "", query: null, scheme: null, targetAuthority: null };
  if (method === "CONNECT") {
    return { ...none, targetForm: "authority-form", targetAuthority: readAuthority(requestTarget) };
  }
  if (requestTarget === "*") return { ...none, targetForm: "asterisk-form", path: "*" };
  const question = requestTarget.indexOf("?");
  const hierarchy = question < 0 ? requestTarget : requestTarget.slice(0, question);
  const query = question < 0 ? null : requestTarget.slice(question + 1);
  if (requestTarget.startsWith("/")) return { ...none, targetForm: "origin-form", path: hierarchy, query };
  const slashes = hierarchy.indexOf("://");
  const behind = hierarchy.slice(slashes + "://".length);
  const slash = behind.indexOf("/");
  return {
    requestTarget,
    targetForm: "absolute-form",
    path: slash < 0 ? "/" : behind.slice(slash),
    query,
    scheme: hierarchy.slice(0, slashes),
    targetAuthority: readAuthority(slash < 0 ? behind : behind.slice(0, slash)),
  };
}

/** Message body length (RFC 9112 §6.3) of a request without fault. */
function readFraming(fields: Field[]): ReferenceHead["framing"] {
  const [length] = valuesOf(fields, "content-length");
  if (length !== undefined) return { kind: "content-length", length: Number(length) };
  return { kind: valuesOf(fields, "transfer-encoding").length > 0 ? "chunked" : "none" };
}

/** The values of all field lines of one name, which is compared without case (RFC 9110 §5.1). */
export function valuesOf(fields: Field[], name: string): string[] {
  return fields.filter(([other]) => other.toLowerCase() === name).map(([, value]) => value);
}

/** `#element => [ element ] *( OWS "," OWS [ element ] )` (RFC 9110 §5.6.1.2): the members that are not empty. */
function members(values: string[]): string[] {
  return values.flatMap((value) => value.split(",").map(trim)).filter((member) => member !== "");
}

/** `Connection = #connection-option` (RFC 9110 §7.6.1): all options in lower case, as they are compared. */
export function connectionOptions(fields: Field[]): string[] {
  return members(valuesOf(fields, "connection")).map((option) => option.toLowerCase());
}

/** `token = 1*tchar` (RFC 9110 §5.6.2). */
function isToken(text: string): boolean {
  return /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/.test(text);
}

/** An octet of a request-target's path and query (docs/conformance.md): `VCHAR` (RFC 5234 appendix B.1) but "#". */
function isTargetOctet(octet: string): boolean {
  return octet >= "!" && octet <= "~" && octet !== "#";
}

/** SP or HTAB, the octets of `OWS = *( SP / HTAB )` (RFC 9110 §5.6.3). */
function isWhiteSpace(octet: string): boolean {
  return octet === " " || octet === "\t";
}

/** `OWS = *( SP / HTAB )` (RFC 9110 §5.6.3), taken away before a value. */
function trimStart(text: string): string {
  return text.replace(/^[ \t]+/, "");
}

/** `OWS = *( SP / HTAB )` (RFC 9110 §5.6.3), taken away on both sides of a value. */
export function trim(text: string): string {
  return trimStart(text).replace(/[ \t]+$/, "");
}
