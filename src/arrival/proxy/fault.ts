// In:    why octets are not a PROXY header, and the offset of the offending octet.
// Out:   the fault: code, section of the specification, sentence.
// Never: throws. What a proxy sends is data, not an exception.

import { Fault } from "../../head/fault.js";

/** Stable; docs/errors.md lists them. Their meaning never changes. @useDeclaredType */
export type ProxyFaultCode = keyof typeof faults;

/** By code: the section of the PROXY protocol's specification (HAProxy's proxy-protocol.txt), and a sentence. */
const faults = {
  PROXY_SIGNATURE: ["2", "the connection starts neither with PROXY nor with the signature of version 2"],
  PROXY_LINE_ENDING: ["2.1", "a CR or an LF is not part of a CRLF"],
  PROXY_LINE_LENGTH: ["2.1", "no CRLF ends the line within 107 octets"],
  PROXY_LINE_FORM: [
    "2.1",
    "the line is not PROXY, a family, two addresses and two ports, with single spaces between them",
  ],
  PROXY_LINE_FAMILY: ["2.1", "the family is not TCP4, TCP6 or UNKNOWN"],
  PROXY_ADDRESS: ["2.1", "an address does not belong to the family"],
  PROXY_PORT: ["2.1", "a port is not a number from 0 to 65535 without leading zeros"],
  PROXY_VERSION: ["2.2", "the version is not 2"],
  PROXY_COMMAND: ["2.2", "the command is neither LOCAL nor PROXY"],
  PROXY_FAMILY: ["2.2", "the address family and transport protocol are not a pair that may be sent"],
  PROXY_BLOCK_SHORT: ["2.2", "the length is too short for the addresses of the family"],
  PROXY_TOO_LARGE: ["2.2", "the header is larger than the limit"],
  PROXY_TLV_OVERRUN: ["2.2", "a TLV extends beyond what contains it"],
  PROXY_TLV_REPEATED: ["2.2", "a TLV that may occur once occurs twice"],
  PROXY_TLV_LENGTH: ["2.2", "the value of a TLV does not have the length of its type"],
  PROXY_TLV_TEXT: ["2.2", "the value of a TLV is not the text that its type requires"],
  PROXY_CHECKSUM: ["2.2.3", "the CRC32C in the header does not match the header"],
} as const satisfies Record<string, readonly [string, string]>;

/** Why octets are not a PROXY header; `offset` counts from the connection's first octet. */
export class ProxyFault extends Fault<ProxyFaultCode> {
  /** @internal */
  constructor(code: ProxyFaultCode, offset: number) {
    const [section, message] = faults[code];
    super(code, offset, `PROXY protocol §${section}`, message);
  }
}

/** Every code with its source and sentence, for documentation and tests. */
export function proxyFaults(): readonly Pick<Fault, "code" | "source" | "message">[] {
  return Object.entries(faults).map(([code, [section, message]]) => {
    return { code, source: `PROXY protocol §${section}`, message };
  });
}
