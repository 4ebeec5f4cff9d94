// In:    why a head or a body is malformed.
// Out:   the error that node:http's own parser would report: its code decides what the server answers.
// Never: answers anything.

import type { HeadFault, HeadFaultCode } from "../head/fault.js";
import { BodyFault, type BodyFaultCode, type MessageFault } from "../message/fault.js";

/** Code and reason, as node:http's parser has them. */
export type Reason = readonly [code: string, reason: string];

const token: Reason = ["HPE_INVALID_HEADER_TOKEN", "Invalid header token"];
const value: Reason = ["HPE_INVALID_HEADER_TOKEN", "Invalid header value char"];
const url: Reason = ["HPE_INVALID_URL", "Invalid characters in url"];
const version: Reason = ["HPE_INVALID_VERSION", "Invalid HTTP version"];
const constant: Reason = ["HPE_INVALID_CONSTANT", "Expected HTTP/"];
const coding: Reason = ["HPE_INVALID_TRANSFER_ENCODING", "Request has invalid `Transfer-Encoding`"];
const size: Reason = ["HPE_INVALID_CHUNK_SIZE", "Invalid character in chunk size"];
const host: Reason = ["HPE_INVALID_HEADER_TOKEN", "Invalid Host"];

/** Answered 431. */
export const HEADER_OVERFLOW: Reason = ["HPE_HEADER_OVERFLOW", "Header overflow"];
export const INVALID_METHOD: Reason = ["HPE_INVALID_METHOD", "Invalid method encountered"];
export const CLOSED: Reason = ["HPE_CLOSED_CONNECTION", "Data after `Connection: close`"];
export const UNEXPECTED_END: Reason = ["HPE_INVALID_EOF_STATE", "Invalid EOF state"];
/** A callback has thrown, so that it is unknown what has become of the request. */
export const HEAD_THREW: Reason = ["HPE_CB_HEADERS_COMPLETE", "User callback error"];
export const BODY_THREW: Reason = ["HPE_JS_EXCEPTION", "JS Exception"];
export const COMPLETE_THREW: Reason = ["HPE_CB_MESSAGE_COMPLETE", "`on_message_complete` callback error"];

const heads: Record<HeadFaultCode, Reason> = {
  TLS_RECORD: INVALID_METHOD,
  EMPTY_LINES: INVALID_METHOD,
  METHOD_INVALID: INVALID_METHOD,
  REQUEST_LINE_WHITESPACE: ["HPE_INVALID_URL", "Unexpected space"],
  REQUEST_LINE_SHORT: constant,
  TARGET_INVALID: url,
  TARGET_FORM: url,
  VERSION_INVALID: constant,
  VERSION_UNSUPPORTED: version,
  CONTROL_OCTET: value,
  BARE_CR: ["HPE_LF_EXPECTED", "Missing expected LF after header value"],
  BARE_LF: ["HPE_CR_EXPECTED", "Missing expected CR after header value"],
  OBS_FOLD: ["HPE_INVALID_HEADER_TOKEN", "Unexpected whitespace"],
  FIELD_NAME_EMPTY: token,
  FIELD_NAME_SPACE: token,
  FIELD_NAME_INVALID: token,
  FIELD_LINE_NO_COLON: token,
  AUTHORITY_EMPTY: host,
  AUTHORITY_INVALID: host,
  AUTHORITY_USERINFO: host,
  AUTHORITY_PORT: host,
  AUTHORITY_IP_LITERAL: host,
  HOST_MISSING: host,
  HOST_REPEATED: host,
  CONTENT_LENGTH_INVALID: ["HPE_INVALID_CONTENT_LENGTH", "Invalid character in Content-Length"],
  CONTENT_LENGTH_REPEATED: ["HPE_UNEXPECTED_CONTENT_LENGTH", "Content-Length already present"],
  TRANSFER_ENCODING_INVALID: coding,
  TRANSFER_ENCODING_REPEATED: coding,
  TRANSFER_ENCODING_NOT_CHUNKED: coding,
  TRANSFER_ENCODING_VERSION: coding,
  CONNECT_FRAMING: ["HPE_UNEXPECTED_CONTENT_LENGTH", "A CONNECT request has no content"],
  FRAMING_CONFLICT: ["HPE_INVALID_TRANSFER_ENCODING", "Transfer-Encoding can't be present with Content-Length"],
  CONNECTION_INVALID: token,
  PROXY_CONNECTION: token,
  UPGRADE_INVALID: token,
  HEAD_TOO_LARGE: HEADER_OVERFLOW,
  FIELD_LINES_TOO_MANY: HEADER_OVERFLOW,
  STATUS_LINE_WHITESPACE: token,
  STATUS_LINE_SHORT: token,
  STATUS_CODE_INVALID: token,
  RESPONSE_FRAMING: token,
  TRAILER_FIELD: token,
  TRAILERS_TOO_LARGE: HEADER_OVERFLOW,
};

const bodies: Record<BodyFaultCode, Reason> = {
  CHUNK_SIZE_INVALID: size,
  CHUNK_SIZE_TOO_LARGE: size,
  CHUNK_EXTENSION_INVALID: ["HPE_STRICT", "Invalid character in chunk extensions"],
  // Answered 413.
  CHUNK_EXTENSIONS_TOO_LARGE: ["HPE_CHUNK_EXTENSIONS_OVERFLOW", "Chunk extensions overflow"],
  CHUNK_LINE_ENDING: size,
  CHUNK_DATA_ENDING: ["HPE_STRICT", "Expected LF after chunk data"],
  // Of readers that the seat does not use.
  MESSAGE_INCOMPLETE: token,
  RESPONSE_UPGRADE: token,
  RESPONSE_UNEXPECTED: token,
};

/** Where they are in a request line, Node's parser has other codes for them. */
const requestLines: Partial<Record<HeadFaultCode, Reason>> = { CONTROL_OCTET: url, BARE_LF: version };

export function reasonOfHead({ code }: HeadFault, isRequestLine: boolean): Reason {
  return (isRequestLine ? requestLines[code] : undefined) ?? heads[code];
}

export function reasonOfBody(fault: MessageFault): Reason {
  return fault instanceof BodyFault ? bodies[fault.code] : heads[fault.code];
}

/**
 * What 'clientError' gets. `cause` is the `HeadFault`, if a head is malformed; Node adds `rawPacket`, and makes the message
 * from `reason`.
 */
export interface ParseError extends Error {
  readonly code: string;
  readonly reason: string;
  /** Where the fault is, counted in octets of the read that had it. */
  readonly bytesParsed: number;
  readonly cause?: HeadFault;
}

export function parseError([code, reason]: Reason, bytesParsed: number, fault: HeadFault | null): ParseError {
  const error = new Error("Parse Error", fault === null ? undefined : { cause: fault });
  return Object.assign(error, { bytesParsed, code, reason }) as ParseError;
}
