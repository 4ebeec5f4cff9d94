// In:    why octets are not a ClientHello, and the offset of the offending octet.
// Out:   the fault: code, RFC and section, sentence.
// Never: throws. What a client sends is data, not an exception.

import { Fault } from "../../head/fault.js";

/** Stable; docs/errors.md lists them. Their meaning never changes. @useDeclaredType */
export type HelloFaultCode = keyof typeof faults;

/** By code: the source, and a sentence. */
const faults = {
  HELLO_RECORD_TYPE: ["RFC 8446 §5.1", "a record of the ClientHello is not a handshake record"],
  HELLO_RECORD_VERSION: ["RFC 8446 §5.1", "the version of a record is not a TLS version"],
  HELLO_RECORD_LENGTH: ["RFC 8446 §5.1", "a record contains no octets, or more than 16384"],
  HELLO_MESSAGE_TYPE: ["RFC 8446 §4", "the first handshake message is not a ClientHello"],
  HELLO_TOO_LARGE: ["RFC 8446 §4", "the ClientHello is larger than the limit"],
  HELLO_VERSION: ["RFC 8446 §4.1.2", "legacy_version is not a TLS version"],
  HELLO_OVERRUN: ["RFC 8446 §3.4", "a vector extends beyond what contains it"],
  HELLO_LENGTH: ["RFC 8446 §4.1.2", "a vector has a length that is not allowed, or octets follow the last one"],
  HELLO_EXTENSION_REPEATED: ["RFC 8446 §4.2", "an extension occurs twice"],
  HELLO_SERVER_NAME: ["RFC 6066 §3", "server_name is not a list of one host_name"],
  HELLO_ALPN: ["RFC 7301 §3.1", "application_layer_protocol_negotiation is not a list of protocols"],
  HELLO_VERSIONS: ["RFC 8446 §4.2.1", "supported_versions is not a list of versions"],
} as const;

/** Why octets are not a ClientHello; `offset` counts from the first record's first octet. */
export class HelloFault extends Fault<HelloFaultCode> {
  /** @internal */
  constructor(code: HelloFaultCode, offset: number) {
    const [source, message] = faults[code];
    super(code, offset, source, message);
  }
}

/** Every code with its source and sentence, for documentation and tests. */
export function helloFaults(): readonly Pick<Fault, "code" | "source" | "message">[] {
  return Object.entries(faults).map(([code, [source, message]]) => ({ code, source, message }));
}
