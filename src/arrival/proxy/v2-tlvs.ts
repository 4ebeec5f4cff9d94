// In:    the TLVs after the addresses of a PROXY header of version 2.
// Out:   their content, or why they are malformed.
// Never: interprets a type that the specification leaves to applications.

import { latin1 } from "../../head/kernel/latin1.js";
import { crc32c } from "./crc32c.js";
import { ProxyFault } from "./fault.js";
import type { ProxyHeader, ProxyTls, ProxyTlv } from "./header.js";

/** PP2_TYPE_ and PP2_SUBTYPE_SSL_ (PROXY protocol §2.2); a subtype only occurs within SSL. */
const ALPN = 0x01;
const AUTHORITY = 0x02;
const CRC32C = 0x03;
const NOOP = 0x04;
const UNIQUE_ID = 0x05;
const SSL = 0x20;
const SSL_VERSION = 0x21;
const SSL_COMMON_NAME = 0x22;
const SSL_CIPHER = 0x23;
const SSL_SIGNATURE_ALGORITHM = 0x24;
const SSL_KEY_ALGORITHM = 0x25;
const NAMESPACE = 0x30;

/** Types and subtypes that may occur once. */
const types: ReadonlySet<number> = new Set([ALPN, AUTHORITY, CRC32C, UNIQUE_ID, SSL, NAMESPACE]);
const subtypes: ReadonlySet<number> = new Set([
  SSL_VERSION,
  SSL_COMMON_NAME,
  SSL_CIPHER,
  SSL_SIGNATURE_ALGORITHM,
  SSL_KEY_ALGORITHM,
]);

/** Octets of a unique id (§2.2.5). */
const UNIQUE_ID_OCTETS = 128;
/** Octets of an SSL value before its TLVs: client and verify (§2.2.6). */
const SSL_OCTETS = 5;
/** Bits of client (§2.2.6): TLS; a certificate on this connection, or in this session. */
const CLIENT_SSL = 0x01;
const CLIENT_CERTIFICATE = 0x02 | 0x04;

/** Where the value of a TLV is. */
interface Span {
  readonly type: number;
  readonly start: number;
  readonly end: number;
}

type Stated = Pick<ProxyHeader, "alpn" | "authority" | "uniqueId" | "tls" | "namespace" | "tlvs">;

/**
 * The content of the TLVs from `start` up to the end of a header. Unknown types are kept (§2.2: a receiver may skip
 * them); NOOP is not. Deviation: a type that may occur once must not occur twice, since two readers could choose different ones
 * (corpus: PROXY-86).
 */
export function readProxyTlvs(header: Uint8Array, start: number): Stated | ProxyFault {
  const spans = split(header, start, header.length, types);
  if (spans instanceof ProxyFault) return spans;
  const tlvs: ProxyTlv[] = [];
  const values = new Map<number, string>();
  let tls: ProxyTls | false | null = null;
  let checksum: Span | undefined;
  for (const span of spans) {
    const { type } = span;
    const length = span.end - span.start;
    if (type === CRC32C) checksum = span;
    if ((type === CRC32C && length !== 4) || (type === UNIQUE_ID && length > UNIQUE_ID_OCTETS)) {
      return new ProxyFault("PROXY_TLV_LENGTH", span.start - 2);
    }
    if (type === SSL) {
      const read = readTls(header, span);
      if (read instanceof ProxyFault) return read;
      tls = read;
    } else if (types.has(type)) {
      const text = textOf(header, span);
      if (text === null) return new ProxyFault("PROXY_TLV_TEXT", span.start);
      values.set(type, text);
    } else if (type !== NOOP) tlvs.push({ type, value: octetsOf(header, span) });
  }
  if (checksum !== undefined && crc32c(header, checksum.start) !== readUint32(header, checksum.start)) {
    return new ProxyFault("PROXY_CHECKSUM", checksum.start);
  }
  return {
    alpn: values.get(ALPN) ?? null,
    // A proxy whose client sent no SNI may write the TLV all the same.
    authority: values.get(AUTHORITY) || null,
    uniqueId: values.get(UNIQUE_ID) ?? null,
    tls,
    namespace: values.get(NAMESPACE) ?? null,
    tlvs,
  };
}

/** Type, length in two octets, value; complete from `start` to `end`. */
function split(header: Uint8Array, start: number, end: number, single: ReadonlySet<number>): Span[] | ProxyFault {
  const spans: Span[] = [];
  const seen = new Set<number>();
  for (let at = start; at < end; at = spans.at(-1)!.end) {
    const type = header[at]!;
    const value = at + 3;
    const valueEnd = value <= end ? value + ((header[at + 1]! << 8) | header[at + 2]!) : end + 1;
    if (valueEnd > end) return new ProxyFault("PROXY_TLV_OVERRUN", at);
    if (single.has(type) && seen.has(type)) return new ProxyFault("PROXY_TLV_REPEATED", at);
    seen.add(type);
    spans.push({ type, start: value, end: valueEnd });
  }
  return spans;
}

/** False if the proxy states that the client did not use TLS (§2.2.6). */
function readTls(header: Uint8Array, { start, end }: Span): ProxyTls | false | ProxyFault {
  if (end - start < SSL_OCTETS) return new ProxyFault("PROXY_TLV_LENGTH", start - 2);
  const spans = split(header, start + SSL_OCTETS, end, subtypes);
  if (spans instanceof ProxyFault) return spans;
  const values = new Map<number, string>();
  for (const span of spans) {
    if (!subtypes.has(span.type)) continue;
    const text = textOf(header, span);
    if (text === null) return new ProxyFault("PROXY_TLV_TEXT", span.start);
    values.set(span.type, text);
  }
  const client = header[start]!;
  if ((client & CLIENT_SSL) === 0) return false;
  const clientCertificate = (client & CLIENT_CERTIFICATE) !== 0;
  return {
    version: values.get(SSL_VERSION) ?? null,
    cipher: values.get(SSL_CIPHER) ?? null,
    signatureAlgorithm: values.get(SSL_SIGNATURE_ALGORITHM) ?? null,
    keyAlgorithm: values.get(SSL_KEY_ALGORITHM) ?? null,
    clientCertificate,
    verified: clientCertificate && readUint32(header, start + 1) === 0,
    commonName: values.get(SSL_COMMON_NAME) ?? null,
  };
}

/** The value according to its type: octets, UTF-8 or US-ASCII, the latter two without control characters. Null if it is invalid. */
function textOf(header: Uint8Array, span: Span): string | null {
  if (span.type === ALPN || span.type === UNIQUE_ID || span.type === CRC32C) return octetsOf(header, span);
  if (span.type !== AUTHORITY && span.type !== SSL_COMMON_NAME) {
    const text = octetsOf(header, span);
    return /^[\x20-\x7e]*$/.test(text) ? text : null;
  }
  try {
    const text = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(
      header.subarray(span.start, span.end),
    );
    return /[\0-\x1f\x7f]/.test(text) ? null : text;
  } catch {
    return null;
  }
}

function octetsOf(header: Uint8Array, { start, end }: Span): string {
  return latin1(header).read(start, end);
}

function readUint32(octets: Uint8Array, at: number): number {
  return ((octets[at]! << 24) | (octets[at + 1]! << 16) | (octets[at + 2]! << 8) | octets[at + 3]!) >>> 0;
}
