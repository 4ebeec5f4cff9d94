// In:    a status number of the kernel, and the offset of the offending octet.
// Out:   the fault that a caller sees: code, status code, source, sentence.
// Never: throws. A malformed head is data, not an exception.

import { Status } from "../../assembly/abi.js";

/**
 * The names of `Status` from TLS_RECORD on, of requests, responses and trailer sections; docs/errors.md lists them. Their meaning
 * never changes. @useDeclaredType
 */
export type HeadFaultCode = (typeof refusals)[number][0];

const RFC_9110_4_2_1 = "RFC 9110 §4.2.1";
const RFC_9112_3 = "RFC 9112 §3";
const RFC_9112_4 = "RFC 9112 §4";
const RFC_9112_6_1 = "RFC 9112 §6.1";

/** One row per refusal, in the order of `Status`: code, status code, source, sentence. */
const refusals = [
  ["TLS_RECORD", 400, "RFC 8446 §5.1", "the octets are a TLS record, sent to a port that speaks plain HTTP"],
  ["EMPTY_LINES", 400, "RFC 9112 §2.2", "too many empty lines before the request line"],
  ["METHOD_INVALID", 400, "RFC 9112 §3.1", "the method contains an octet that is not allowed in a token"],
  ["REQUEST_LINE_WHITESPACE", 400, RFC_9112_3, "the request line has white space other than one SP between its parts"],
  ["REQUEST_LINE_SHORT", 400, RFC_9112_3, "the request line ends before its HTTP version; HTTP/0.9 is not supported"],
  ["TARGET_INVALID", 400, "RFC 9112 §3.2", "the request-target contains an octet that is not allowed in one"],
  ["TARGET_FORM", 400, "RFC 9112 §3.2", "the request-target is not in a form that the method allows"],
  ["VERSION_INVALID", 400, "RFC 9112 §2.3", "the HTTP version is not HTTP/ followed by digit, dot, digit"],
  ["VERSION_UNSUPPORTED", 505, "RFC 9110 §15.6.6", "the HTTP version is neither 1.0 nor 1.1"],
  ["CONTROL_OCTET", 400, "RFC 9110 §5.5", "the head contains a control octet"],
  ["BARE_CR", 400, "RFC 9112 §2.2", "a CR is not followed by LF"],
  ["BARE_LF", 400, "RFC 9112 §2.2", "an LF does not follow a CR"],
  ["OBS_FOLD", 400, "RFC 9112 §5.2", "a field line begins with white space"],
  ["FIELD_NAME_EMPTY", 400, "RFC 9110 §5.1", "a field line begins with its colon"],
  ["FIELD_NAME_SPACE", 400, "RFC 9112 §5.1", "there is white space between a field name and its colon"],
  ["FIELD_NAME_INVALID", 400, "RFC 9110 §5.1", "a field name contains an octet that is not allowed in a token"],
  ["FIELD_LINE_NO_COLON", 400, "RFC 9112 §5", "a field line has no colon"],
  ["AUTHORITY_EMPTY", 400, RFC_9110_4_2_1, "the authority names no host"],
  ["AUTHORITY_INVALID", 400, "RFC 3986 §3.2.2", "the authority is not a uri-host, or a uri-host and a port"],
  ["AUTHORITY_USERINFO", 400, "RFC 9110 §4.2.4", "the authority contains userinfo"],
  ["AUTHORITY_PORT", 400, "RFC 3986 §3.2.3", "the authority's port is not a number from 1 to 65535"],
  ["AUTHORITY_IP_LITERAL", 400, "RFC 3986 §3.2.2", "the authority's brackets do not contain an IPv6 address"],
  ["HOST_MISSING", 400, "RFC 9112 §3.2", "an HTTP/1.1 request has no Host"],
  ["HOST_REPEATED", 400, "RFC 9112 §3.2", "a request has more than one Host"],
  ["CONTENT_LENGTH_INVALID", 400, "RFC 9110 §8.6", "Content-Length is not a number from 0 to 9007199254740991"],
  ["CONTENT_LENGTH_REPEATED", 400, "RFC 9110 §8.6", "a message has more than one Content-Length"],
  ["TRANSFER_ENCODING_INVALID", 400, RFC_9112_6_1, "Transfer-Encoding is not a list of codings that ends with chunked"],
  ["TRANSFER_ENCODING_REPEATED", 400, RFC_9112_6_1, "a message has more than one Transfer-Encoding line"],
  ["TRANSFER_ENCODING_NOT_CHUNKED", 400, "RFC 9112 §6.3", "the last transfer coding of a request is not chunked"],
  ["TRANSFER_ENCODING_VERSION", 400, RFC_9112_6_1, "an HTTP/1.0 message has Transfer-Encoding"],
  ["FRAMING_CONFLICT", 400, "RFC 9112 §6.3", "a message has both Content-Length and Transfer-Encoding"],
  ["CONNECTION_INVALID", 400, "RFC 9110 §7.6.1", "Connection is not a list of tokens"],
  ["PROXY_CONNECTION", 400, "RFC 9112 Appendix C.2.2", "Proxy-Connection has a value that parsers read differently"],
  ["UPGRADE_INVALID", 400, "RFC 9110 §7.8", "Upgrade is not a list of protocols"],
  ["HEAD_TOO_LARGE", 431, "RFC 6585 §5", "the head is larger than the limit"],
  ["FIELD_LINES_TOO_MANY", 431, "RFC 6585 §5", "the head, or the trailer section, has more field lines than the limit"],
  ["STATUS_LINE_WHITESPACE", 400, RFC_9112_4, "the status-line has white space other than one SP between its parts"],
  ["STATUS_LINE_SHORT", 400, RFC_9112_4, "the status-line ends before its status code"],
  ["STATUS_CODE_INVALID", 400, RFC_9112_4, "the status code is not three digits, from 100 to 999"],
  ["RESPONSE_FRAMING", 400, "RFC 9110 §8.6", "a response that cannot have content declares how it is framed"],
  ["TRAILER_FIELD", 400, "RFC 9110 §6.5.1", "a trailer section contains a field that is only allowed in a head"],
  ["TRAILERS_TOO_LARGE", 431, "RFC 6585 §5", "the trailer section is larger than the limit"],
  ["CONNECT_FRAMING", 400, "RFC 9110 §9.3.6", "a CONNECT request declares content"],
] as const satisfies readonly (readonly [string, 400 | 431 | 505, string, string])[];

/**
 * Why octets are not what they should be. A value: it is returned, never thrown, and is not an `Error`, because capturing a
 * stack would cost more than the parse.
 */
export abstract class Fault<Code extends string = string> {
  /** Stable; docs/errors.md lists them all. */
  readonly code: Code;
  /** The offending octet, counted from the first octet that was read. */
  readonly offset: number;
  /** The specification and section that the octets depart from: `RFC 9112 §5.1`. */
  readonly source: string;
  /** One sentence in English. It may change; `code` does not. */
  readonly message: string;

  protected constructor(code: Code, offset: number, source: string, message: string) {
    this.code = code;
    this.offset = offset;
    this.source = source;
    this.message = message;
  }

  toString(): string {
    return `${this.code}: ${this.message} (octet ${this.offset}; ${this.source})`;
  }
}

/**
 * Why octets are not a head, a trailer section or an authority; `offset` counts from the head's first octet, and in
 * `headgate/message` from the message's.
 */
export class HeadFault extends Fault<HeadFaultCode> {
  /** The status code of the response to a request: 400, 431 or 505. A gateway answers a malformed response with 502. */
  readonly statusCode: 400 | 431 | 505;
  readonly #status: number;

  /** @internal */
  constructor(status: number, offset: number) {
    const [code, statusCode, source, message] = refusals[status - Status.TLS_RECORD]!;
    super(code, offset, source, message);
    this.statusCode = statusCode;
    this.#status = status;
  }

  /** The same fault, with its offset counted from `octets` earlier. @internal */
  after(octets: number): HeadFault {
    return octets === 0 ? this : new HeadFault(this.#status, this.offset + octets);
  }
}

/** Every code with its status code, source and sentence, for documentation and tests. */
export function headFaults(): readonly Pick<HeadFault, "code" | "statusCode" | "source" | "message">[] {
  return refusals.map(([code, statusCode, source, message]) => ({ code, statusCode, source, message }));
}
