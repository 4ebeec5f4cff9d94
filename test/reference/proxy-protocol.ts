// In:    octets, all at once.
// Out:   the PROXY header that they begin with and its length, "partial", or why it is invalid.
// Never: shares code with src/, or optimizes for speed. Written from the PROXY protocol's specification.

import { isIPv4, isIPv6 } from "node:net";

/** An error's code; offsets are the parser's own. */
export type ReferenceProxy = { header: Record<string, unknown>; length: number } | "partial" | { refused: string };

const SIGNATURE = Buffer.from("0d0a0d0a000d0a515549540a", "hex");
const NOTHING = {
  transport: null,
  source: null,
  destination: null,
  alpn: null,
  authority: null,
  uniqueId: null,
  tls: null,
  namespace: null,
  tlvs: [],
};

class Refused extends Error {}

const refuse = (code: string): never => {
  throw new Refused(code);
};

/** `most`: octets of a header of version 2. */
export function referenceProxy(input: Uint8Array, most: number): ReferenceProxy {
  const octets = Buffer.from(input);
  try {
    const isLine = octets[0] === 0x50;
    const wanted = isLine ? Buffer.from("PROXY") : SIGNATURE;
    const begun = Math.min(octets.length, wanted.length);
    if (!octets.subarray(0, begun).equals(wanted.subarray(0, begun))) return { refused: "PROXY_SIGNATURE" };
    if (begun < wanted.length) return "partial";
    return isLine ? readLine(octets.subarray(0, 107).toString("latin1")) : readBlock(octets, most);
  } catch (error) {
    if (error instanceof Refused) return { refused: error.message };
    throw error;
  }
}

function readLine(text: string): ReferenceProxy {
  // The first CR or LF that is not the CRLF of the end is a fault, and so is a line without any.
  const [before] = /^[^\r\n]*/.exec(text)!;
  const ending = text.slice(before.length, before.length + 2);
  if (before.length === 107 || (before.length === 106 && ending[0] === "\r")) return { refused: "PROXY_LINE_LENGTH" };
  if (ending === "" || ending === "\r") return "partial";
  if (ending !== "\r\n") return { refused: "PROXY_LINE_ENDING" };
  const length = before.length + 2;
  const [first, family, ...rest] = before.split(" ");
  if (first !== "PROXY" || family === undefined) return { refused: "PROXY_LINE_FORM" };
  if (family === "UNKNOWN") return { header: { ...NOTHING, version: 1, command: "PROXY" }, length };
  const isAddress = { TCP4: isIPv4, TCP6: (each: string) => isIPv6(each) && !each.includes("%") }[family];
  if (isAddress === undefined) return { refused: "PROXY_LINE_FAMILY" };
  for (let i = 0; i < 4; i++) {
    const part = rest[i] ?? "";
    if (part === "") return { refused: "PROXY_LINE_FORM" };
    if (i < 2 && !isAddress(part)) return { refused: "PROXY_ADDRESS" };
    if (i >= 2 && (String(Number(part)) !== part || !(Number(part) <= 65535) || !/^\d+$/.test(part))) {
      return { refused: "PROXY_PORT" };
    }
  }
  if (rest.length > 4) return { refused: "PROXY_LINE_FORM" };
  const end = (i: number): object => ({ address: canonical(rest[i]!), port: Number(rest[i + 2]) });
  return {
    header: { ...NOTHING, version: 1, command: "PROXY", transport: "stream", source: end(0), destination: end(1) },
    length,
  };
}

/** The platform's own canonical text of an address. */
function canonical(address: string): string {
  if (!address.includes(":")) return address;
  const bare = new URL(`http://[${address}]/`).hostname.slice(1, -1);
  // The URL standard writes IPv4-mapped addresses in hexadecimal.
  const mapped = /^::ffff:([0-9a-f]+):([0-9a-f]+)$/.exec(bare);
  if (mapped === null) return bare;
  const [high, low] = [Number.parseInt(mapped[1]!, 16), Number.parseInt(mapped[2]!, 16)];
  return `::ffff:${high >> 8}.${high & 255}.${low >> 8}.${low & 255}`;
}

function readBlock(octets: Buffer, most: number): ReferenceProxy {
  if (octets.length < 13) return "partial";
  if (octets[12]! >> 4 !== 2) refuse("PROXY_VERSION");
  const command = octets[12]! & 15;
  if (command > 1) refuse("PROXY_COMMAND");
  if (octets.length < 14) return "partial";
  const family = octets[13]!.toString(16).padStart(2, "0");
  const size = { "00": 0, "11": 12, "12": 12, "21": 36, "22": 36, "31": 216, "32": 216 }[family];
  if (command === 1 && size === undefined) refuse("PROXY_FAMILY");
  if (octets.length < 16) return "partial";
  const length = 16 + octets.readUInt16BE(14);
  if (length > most) refuse("PROXY_TOO_LARGE");
  if (command === 1 && length < 16 + size!) refuse("PROXY_BLOCK_SHORT");
  if (octets.length < length) return "partial";
  const header = octets.subarray(0, length);
  if (command === 0) return { header: { ...NOTHING, version: 2, command: "LOCAL" }, length };
  if (family === "00") return { header: { ...NOTHING, version: 2, command: "PROXY" }, length };
  const ends = header.subarray(16, 16 + size!);
  const said = readValues(header, 16 + size!);
  const transport = family.endsWith("1") ? "stream" : "datagram";
  return {
    header: { version: 2, command: "PROXY", transport, source: end(ends, 0), destination: end(ends, 1), ...said },
    length,
  };
}

function end(ends: Buffer, i: number): object {
  if (ends.length === 216) {
    const path = ends.subarray(108 * i, 108 * i + 108).toString("latin1");
    if (path[0] !== "\0") return { path: path.split("\0")[0] };
    let last = path.length;
    while (last > 0 && path[last - 1] === "\0") last--;
    return { path: path.slice(0, last) };
  }
  const port = ends.readUInt16BE(ends.length - 4 + 2 * i);
  if (ends.length === 12) return { address: [...ends.subarray(4 * i, 4 * i + 4)].join("."), port };
  const hex = ends.toString("hex", 16 * i, 16 * i + 16).match(/.{4}/g)!;
  return { address: canonical(hex.join(":")), port };
}

/** TLVs in order; those of `single` may occur once. */
function* tlvs(octets: Buffer, single: readonly number[]): Generator<[type: number, value: Buffer]> {
  const seen: number[] = [];
  let rest = octets;
  while (rest.length > 0) {
    if (rest.length < 3 || rest.length < 3 + rest.readUInt16BE(1)) refuse("PROXY_TLV_OVERRUN");
    const length = rest.readUInt16BE(1);
    const type = rest[0]!;
    if (single.includes(type) && seen.includes(type)) refuse("PROXY_TLV_REPEATED");
    seen.push(type);
    yield [type, rest.subarray(3, 3 + length)];
    rest = rest.subarray(3 + length);
  }
}

function readValues(header: Buffer, start: number): object {
  const all = [...tlvs(header.subarray(start), [1, 2, 3, 5, 0x20, 0x30])];
  const said: Record<string, unknown> = { alpn: null, authority: null, uniqueId: null, tls: null, namespace: null };
  const others: object[] = [];
  for (const [type, value] of all) {
    if (type === 1) said.alpn = value.toString("latin1");
    else if (type === 2) said.authority = utf8(value) || null;
    else if (type === 3 && value.length !== 4) refuse("PROXY_TLV_LENGTH");
    else if (type === 5 && value.length > 128) refuse("PROXY_TLV_LENGTH");
    else if (type === 5) said.uniqueId = value.toString("latin1");
    else if (type === 0x20) said.tls = tls(value);
    else if (type === 0x30) said.namespace = ascii(value);
    else if (type !== 3 && type !== 4) others.push({ type, value: value.toString("latin1") });
  }
  const sum = all.find(([type]) => type === 3)?.[1];
  if (sum !== undefined) {
    const blank = Buffer.from(header);
    blank.fill(0, sum.byteOffset - header.byteOffset, sum.byteOffset - header.byteOffset + 4);
    if (checksum(blank) !== sum.readUInt32BE(0)) refuse("PROXY_CHECKSUM");
  }
  return { ...said, tlvs: others };
}

function tls(value: Buffer): object | false {
  if (value.length < 5) refuse("PROXY_TLV_LENGTH");
  const all = [...tlvs(value.subarray(5), [0x21, 0x22, 0x23, 0x24, 0x25])];
  const text = (type: number, read: (value: Buffer) => string): string | null => {
    const found = all.find(([each]) => each === type);
    return found === undefined ? null : read(found[1]);
  };
  const [version, cipher] = [text(0x21, ascii), text(0x23, ascii)];
  const [signatureAlgorithm, keyAlgorithm] = [text(0x24, ascii), text(0x25, ascii)];
  const commonName = text(0x22, utf8);
  if ((value[0]! & 1) === 0) return false;
  const clientCertificate = (value[0]! & 6) !== 0;
  const verified = clientCertificate && value.readUInt32BE(1) === 0;
  return { version, cipher, signatureAlgorithm, keyAlgorithm, clientCertificate, verified, commonName };
}

function ascii(value: Buffer): string {
  for (const octet of value) if (octet < 0x20 || octet > 0x7e) refuse("PROXY_TLV_TEXT");
  return value.toString("latin1");
}

function utf8(value: Buffer): string {
  const text = value.toString("utf8");
  if (!Buffer.from(text).equals(value)) refuse("PROXY_TLV_TEXT");
  for (const octet of value) if (octet < 0x20 || octet === 0x7f) refuse("PROXY_TLV_TEXT");
  return text;
}

/** CRC32C by division, bit by bit, most significant first: RFC 4960 Appendix B without its table. */
export function checksum(octets: Buffer): number {
  const reverse = (value: number, bits: number): number => {
    let reversed = 0;
    for (let i = 0; i < bits; i++) reversed = reversed * 2 + ((value >>> i) & 1);
    return reversed;
  };
  let sum = 0xffff_ffff;
  for (const octet of octets) {
    sum = (sum ^ (reverse(octet, 8) << 24)) >>> 0;
    for (let i = 0; i < 8; i++) sum = (sum >= 0x8000_0000 ? (sum << 1) ^ 0x1edc6f41 : sum << 1) >>> 0;
  }
  return (reverse(sum, 32) ^ 0xffff_ffff) >>> 0;
}
