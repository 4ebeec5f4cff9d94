// In:    the octets of an authority as latin1 text, one at a time or all at once.
// Out:   whether an octet may follow, whether the authority may end, what it holds; refusals of docs/conformance.md.
// Never: shares code or structure with the kernel, optimizes for speed, or knows where in a head the authority is.

export interface ReferenceAuthority {
  kind: "reg-name" | "IPv4address" | "IP-literal";
  /** uri-host as written, brackets included. */
  text: string;
  /** null where no port, or an empty one, was written. */
  port: number | null;
  /** The eight 16-bit pieces of an IP-literal. */
  ipv6?: number[];
}

export type ReferenceAuthorityResult =
  | { kind: "complete"; authority: ReferenceAuthority }
  | { kind: "malformed"; code: string; offset: number };

/**
 * A piece of ABNF: a string is one octet out of those listed; a list of lists is a group of alternatives, each a
 * concatenation, which may be empty.
 */
type Term = string | readonly Concatenation[];
type Concatenation = readonly Term[];

const DIGIT = "0123456789";
const HEXDIG = "0123456789ABCDEFabcdef";

/** `<n>rule` (RFC 5234 §3.7): n times the same terms. */
function times(n: number, ...terms: Term[]): Term[] {
  return Array.from({ length: n }, () => terms).flat();
}

/** `[ rule ]` (RFC 5234 §3.8). */
function option(...terms: Term[]): Term {
  return [terms, []];
}

/** `h16 = 1*4HEXDIG` (RFC 3986 §3.2.2). */
const H16: Term = [[HEXDIG, option(HEXDIG, option(HEXDIG, option(HEXDIG)))]];

/** `[ *n( h16 ":" ) h16 ]` (RFC 3986 §3.2.2): nothing, or one to n + 1 pieces with colons between them. */
function atMost(n: number): Term {
  let more: Concatenation = [];
  for (let i = 0; i < n; i++) more = [option(":", H16, ...more)];
  return option(H16, ...more);
}

/** `dec-octet = DIGIT / %x31-39 DIGIT / "1" 2DIGIT / "2" %x30-34 DIGIT / "25" %x30-35` (RFC 3986 §3.2.2). */
const DEC_OCTET: Term = [
  [DIGIT],
  ["123456789", DIGIT],
  ["1", DIGIT, DIGIT],
  ["2", "01234", DIGIT],
  ["2", "5", "012345"],
];

/** `IPv4address = dec-octet "." dec-octet "." dec-octet "." dec-octet` (RFC 3986 §3.2.2). */
const IPV4_ADDRESS: Concatenation = [DEC_OCTET, ".", DEC_OCTET, ".", DEC_OCTET, ".", DEC_OCTET];

/** `ls32 = ( h16 ":" h16 ) / IPv4address` (RFC 3986 §3.2.2). */
const LS32: Term = [[H16, ":", H16], IPV4_ADDRESS];

/** `IPv6address` (RFC 3986 §3.2.2), its nine alternatives in the order of the RFC. */
const IPV6_ADDRESS: Term = [
  [...times(6, H16, ":"), LS32],
  [":", ":", ...times(5, H16, ":"), LS32],
  [atMost(0), ":", ":", ...times(4, H16, ":"), LS32],
  [atMost(1), ":", ":", ...times(3, H16, ":"), LS32],
  [atMost(2), ":", ":", ...times(2, H16, ":"), LS32],
  [atMost(3), ":", ":", ...times(1, H16, ":"), LS32],
  [atMost(4), ":", ":", LS32],
  [atMost(5), ":", ":", H16],
  [atMost(6), ":", ":"],
];

/** `IP-literal = "[" ( IPv6address / IPvFuture ) "]"` (RFC 3986 §3.2.2), without IPvFuture. */
const IP_LITERAL: Concatenation = ["[", IPV6_ADDRESS, "]"];

/** Everything that may still follow once `octet` was read in place of the beginning of any of `open`. */
function behindOctet(open: readonly Concatenation[], octet: string): Concatenation[] {
  return open.flatMap(([first, ...rest]) => {
    if (first === undefined) return [];
    if (typeof first === "string") return first.includes(octet) ? [rest] : [];
    return behindOctet(
      first.map((alternative) => [...alternative, ...rest]),
      octet,
    );
  });
}

/** Everything that may follow `text` in an `IP-literal` (RFC 3986 §3.2.2); nothing at all if it begins none. */
function behindText(text: string): Concatenation[] {
  let open: Concatenation[] = [IP_LITERAL];
  for (const octet of text) open = behindOctet(open, octet);
  return open;
}

/** NUL, DEL and all controls but HTAB, CR and LF: they are in no rule of RFC 9112 (`CTL`, RFC 5234 appendix B.1). */
export function isControl(octet: string): boolean {
  const code = octet.charCodeAt(0);
  return code === 0x7f || (code < 0x20 && octet !== "\t" && octet !== "\r" && octet !== "\n");
}

/**
 * `uri-host [ ":" port ]` (RFC 9110 §7.2) in its parts: the port begins after the first colon outside brackets.
 * `port` is null where there is no such colon.
 */
function split(text: string): { host: string; port: string | null } {
  const bracket = text.startsWith("[") ? text.indexOf("]") : 0;
  const colon = bracket < 0 ? -1 : text.indexOf(":", bracket);
  return colon < 0 ? { host: text, port: null } : { host: text.slice(0, colon), port: text.slice(colon + 1) };
}

/**
 * `uri-host [ ":" port ]` (RFC 9110 §7.2): the refusal of `octet` after `before`, null if it is allowed there.
 * All octets of `before` were accepted before. No octet that may end an authority comes here.
 */
export function authorityOctet(before: string, octet: string): string | null {
  const { host, port } = split(before);
  if (port !== null) return portOctet(port, octet);
  if (host === "" ? octet === "[" : host.startsWith("[")) return literalOctet(host, octet);
  return regNameOctet(host, octet);
}

/** `port = *DIGIT` (RFC 3986 §3.2.3), at most 65535. */
function portOctet(before: string, octet: string): string | null {
  return DIGIT.includes(octet) && Number(before + octet) <= 65535 ? null : "AUTHORITY_PORT";
}

/** `IP-literal = "[" ( IPv6address / IPvFuture ) "]"` (RFC 3986 §3.2.2), without IPvFuture; then a colon. */
function literalOctet(before: string, octet: string): string | null {
  if (before.endsWith("]")) return octet === ":" ? null : "AUTHORITY_IP_LITERAL";
  return behindText(before + octet).length > 0 ? null : "AUTHORITY_IP_LITERAL";
}

/** `reg-name = *( unreserved / pct-encoded / sub-delims )` (RFC 3986 §3.2.2); then a colon, if it is not empty. */
function regNameOctet(before: string, octet: string): string | null {
  if (inTriplet(before)) return HEXDIG.includes(octet) ? null : "AUTHORITY_INVALID";
  if (octet === "@") return "AUTHORITY_USERINFO";
  if (octet === ":") return before === "" ? "AUTHORITY_EMPTY" : null;
  return /^[A-Za-z0-9\-._~!$&'()*+,;=%]$/.test(octet) ? null : "AUTHORITY_INVALID";
}

/** `pct-encoded = "%" HEXDIG HEXDIG` (RFC 3986 §2.1): whether `text` breaks off inside one. */
function inTriplet(text: string): boolean {
  return /%[0-9A-Fa-f]?$/.test(text);
}

/**
 * `authority` (RFC 3986 §3.2): the refusal of an end after `text` because a triplet or an IP-literal is incomplete;
 * placed at the octet that would have ended it.
 */
export function authorityCut(text: string): string | null {
  const { host } = split(text);
  if (host.startsWith("[")) return host.endsWith("]") ? null : "AUTHORITY_IP_LITERAL";
  return inTriplet(host) ? "AUTHORITY_INVALID" : null;
}

/** `authority` (RFC 3986 §3.2): what only the whole of it shows; placed at its first octet. */
export function authorityWhole(text: string): string | null {
  const { host, port } = split(text);
  if (host === "") return "AUTHORITY_EMPTY";
  if (host === ".") return "AUTHORITY_INVALID";
  return port !== null && /^0+$/.test(port) ? "AUTHORITY_PORT" : null;
}

/** `host = IP-literal / IPv4address / reg-name` (RFC 3986 §3.2.2) and `port` of an authority without fault. */
export function readAuthority(text: string): ReferenceAuthority {
  const { host, port: digits } = split(text);
  const port = digits === null || digits === "" ? null : Number(digits);
  if (host.startsWith("[")) return { kind: "IP-literal", text: host, port, ipv6: ipv6Pieces(host.slice(1, -1)) };
  return { kind: isIPv4Address(host) ? "IPv4address" : "reg-name", text: host, port };
}

/** `IPv4address = dec-octet "." dec-octet "." dec-octet "." dec-octet` (RFC 3986 §3.2.2). */
function isIPv4Address(host: string): boolean {
  const parts = host.split(".");
  return parts.length === 4 && parts.every((part) => /^(0|[1-9][0-9]{0,2})$/.test(part) && Number(part) <= 255);
}

/** `IPv6address` (RFC 3986 §3.2.2): its eight pieces, most significant first; `::` is replaced by the missing zeros. */
function ipv6Pieces(address: string): number[] {
  const [left = "", right] = address.split("::");
  const before = pieces(left);
  if (right === undefined) return before;
  const behind = pieces(right);
  return [...before, ...Array<number>(8 - before.length - behind.length).fill(0), ...behind];
}

/** `*( h16 ":" ) ls32` and `*( h16 ":" ) h16` (RFC 3986 §3.2.2) in 16-bit pieces; an IPv4address is two of them. */
function pieces(text: string): number[] {
  if (text === "") return [];
  return text.split(":").flatMap((part) => {
    if (!part.includes(".")) return [Number.parseInt(part, 16)];
    const [a = 0, b = 0, c = 0, d = 0] = part.split(".").map(Number);
    return [a * 256 + b, c * 256 + d];
  });
}

/** `authority` (RFC 3986 §3.2), the octets being all of it: their end shows what a further octet would show. */
export function referenceAuthority(octets: Uint8Array): ReferenceAuthorityResult {
  const text = Array.from(octets, (octet) => String.fromCharCode(octet)).join("");
  for (let at = 0; at < text.length; at++) {
    const octet = text.charAt(at);
    const code = lineFeedOrControl(octet) ?? authorityOctet(text.slice(0, at), octet);
    if (code !== null) return { kind: "malformed", code, offset: at };
  }
  const cut = authorityCut(text);
  if (cut !== null) return { kind: "malformed", code: cut, offset: text.length };
  const whole = authorityWhole(text);
  if (whole !== null) return { kind: "malformed", code: whole, offset: 0 };
  return { kind: "complete", authority: readAuthority(text) };
}

/** RFC 9112 §2.2: an LF that no CR precedes, and the controls that no rule holds. */
export function lineFeedOrControl(octet: string): string | null {
  if (octet === "\n") return "BARE_LF";
  return isControl(octet) ? "CONTROL_OCTET" : null;
}
