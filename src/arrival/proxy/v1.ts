// In:    the complete line of a PROXY header of version 1.
// Out:   its content, or why it is malformed.
// Never: looks for the end of the line.

import { formatAddress, parseAddress } from "../../head/ip-address.js";
import { latin1 } from "../../head/kernel/latin1.js";
import { ProxyFault } from "./fault.js";
import { nothingStated, type ProxyEndpoint, type ProxyHeader } from "./header.js";

const PORT = /^(?:0|[1-9]\d{0,4})$/;

/**
 *     line    = "PROXY" SP ( family SP address SP address SP port SP port / "UNKNOWN" [ SP anything ] ) CRLF
 *     family  = "TCP4" / "TCP6"                                        (PROXY protocol §2.1)
 *
 * The first address and port are the client's, the others are those it connected to. `octets`: the line without its
 * CRLF; it begins with PROXY and contains neither CR nor LF. IPv6 addresses may end in an IPv4 address (RFC 4291 §2.2), as
 * nginx sends them.
 */
export function readProxyLine(octets: Uint8Array): ProxyHeader | ProxyFault {
  const line = latin1(octets).read(0, octets.length);
  if (line[5] !== " ") return new ProxyFault("PROXY_LINE_FORM", 5);
  const family = partAt(line, 6);
  if (family === "UNKNOWN") return { ...nothingStated, version: 1, command: "PROXY" };
  if (family !== "TCP4" && family !== "TCP6") return new ProxyFault("PROXY_LINE_FAMILY", 6);
  const parts: string[] = [];
  let at = 10;
  while (parts.length < 4) {
    if (line[at] !== " ") return new ProxyFault("PROXY_LINE_FORM", at);
    const part = partAt(line, at + 1);
    if (part === "") return new ProxyFault("PROXY_LINE_FORM", at + 1);
    const read = parts.length < 2 ? readAddress(part, family) : readPort(part);
    if (read === null) return new ProxyFault(parts.length < 2 ? "PROXY_ADDRESS" : "PROXY_PORT", at + 1);
    parts.push(read);
    at += 1 + part.length;
  }
  if (at < line.length) return new ProxyFault("PROXY_LINE_FORM", at);
  const end = (i: number): ProxyEndpoint => ({ address: parts[i]!, port: Number(parts[i + 2]) });
  return { ...nothingStated, version: 1, command: "PROXY", transport: "stream", source: end(0), destination: end(1) };
}

/** The text from `start` up to the next SP, or to the end. */
function partAt(line: string, start: number): string {
  const space = line.indexOf(" ", start);
  return line.slice(start, space < 0 ? undefined : space);
}

/** In canonical text; null if it is not an address of the family. */
function readAddress(text: string, family: "TCP4" | "TCP6"): string | null {
  const address = parseAddress(text);
  return address !== null && address.length === (family === "TCP4" ? 2 : 8) ? formatAddress(address) : null;
}

function readPort(text: string): string | null {
  return PORT.test(text) && Number(text) <= 65_535 ? text : null;
}
