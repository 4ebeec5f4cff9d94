// In:    a code, and the offset of the offending octet.
// Out:   the fault that a caller sees: code, status code, source, sentence.
// Never: throws. A malformed body is data, not an exception.

import { Fault, type HeadFault } from "../head/fault.js";

/** Stable; docs/errors.md lists them. Their meaning never changes. @useDeclaredType */
export type BodyFaultCode = keyof typeof faults;

const RFC_9112_7_1 = "RFC 9112 §7.1";

/** By code: status code, source, sentence. */
const faults = {
  CHUNK_SIZE_INVALID: [400, RFC_9112_7_1, "a chunk does not begin with its size in hexadecimal digits"],
  CHUNK_SIZE_TOO_LARGE: [400, RFC_9112_7_1, "a chunk size has more than 16 digits, or is above 9007199254740991"],
  CHUNK_EXTENSION_INVALID: [400, "RFC 9112 §7.1.1", "a chunk extension is not ; and a token, or ; token = value"],
  CHUNK_EXTENSIONS_TOO_LARGE: [413, "RFC 9112 §7.1.1", "the chunk extensions are larger than the limit"],
  CHUNK_LINE_ENDING: [400, RFC_9112_7_1, "a line of the chunked coding does not end with CRLF"],
  CHUNK_DATA_ENDING: [400, RFC_9112_7_1, "CRLF does not follow the data of a chunk"],
  MESSAGE_INCOMPLETE: [400, "RFC 9112 §8", "the connection ends within a message"],
  RESPONSE_UPGRADE: [400, "RFC 9110 §15.2.2", "a response with 101 does not name the protocol that follows"],
  RESPONSE_UNEXPECTED: [400, "RFC 9112 §9.2", "a response arrives for which there is no request"],
} as const satisfies Record<string, readonly [400 | 413, string, string]>;

/** Why octets are not the body of a message, or not a message here; `offset` counts from the message's first octet. */
export class BodyFault extends Fault<BodyFaultCode> {
  /** The status code of the response to a request: 400 or 413. A gateway answers a malformed response with 502. */
  readonly statusCode: 400 | 413;

  /** @internal */
  constructor(code: BodyFaultCode, offset: number) {
    const [statusCode, source, message] = faults[code];
    super(code, offset, source, message);
    this.statusCode = statusCode;
  }

  /** The same fault, with its offset counted from `octets` earlier. @internal */
  after(octets: number): BodyFault {
    return new BodyFault(this.code, this.offset + octets);
  }
}

/** Why octets are not a message: in its head or trailer section, or elsewhere. */
export type MessageFault = HeadFault | BodyFault;

/** Every code with its status code, source and sentence, for documentation and tests. */
export function bodyFaults(): readonly Pick<BodyFault, "code" | "statusCode" | "source" | "message">[] {
  return (Object.keys(faults) as BodyFaultCode[]).map((code) => {
    const [statusCode, source, message] = faults[code];
    return { code, statusCode, source, message };
  });
}
