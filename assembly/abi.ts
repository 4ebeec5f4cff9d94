// In:    nothing.
// Out:   every number that the kernel and its callers must agree on: statuses, flags, offsets, capacities.
// Never: holds code. asc and tsc both compile this file and inline its enums; no number here is written twice.

/**
 * What `parseHead`, `parseTrailers` and `parseAuthority` return. `src/head/fault.ts` gives each refusal its text.
 * A refusal is *octet-certain* when one octet makes every continuation invalid, *line-certain* when it
 * needs the whole line, *head-certain* when it needs the end of the head.
 */
export const enum Status {
  COMPLETE = 0,
  PARTIAL = 1,

  TLS_RECORD = 2,
  EMPTY_LINES = 3,
  METHOD_INVALID = 4,
  REQUEST_LINE_WHITESPACE = 5,
  REQUEST_LINE_SHORT = 6,
  TARGET_INVALID = 7,
  TARGET_FORM = 8,
  VERSION_INVALID = 9,
  VERSION_UNSUPPORTED = 10,

  CONTROL_OCTET = 11,
  BARE_CR = 12,
  BARE_LF = 13,

  OBS_FOLD = 14,
  FIELD_NAME_EMPTY = 15,
  FIELD_NAME_SPACE = 16,
  FIELD_NAME_INVALID = 17,
  FIELD_LINE_NO_COLON = 18,

  AUTHORITY_EMPTY = 19,
  AUTHORITY_INVALID = 20,
  AUTHORITY_USERINFO = 21,
  AUTHORITY_PORT = 22,
  AUTHORITY_IP_LITERAL = 23,
  HOST_MISSING = 24,
  HOST_REPEATED = 25,

  CONTENT_LENGTH_INVALID = 26,
  CONTENT_LENGTH_REPEATED = 27,
  TRANSFER_ENCODING_INVALID = 28,
  TRANSFER_ENCODING_REPEATED = 29,
  TRANSFER_ENCODING_NOT_CHUNKED = 30,
  TRANSFER_ENCODING_VERSION = 31,
  FRAMING_CONFLICT = 32,

  CONNECTION_INVALID = 33,
  PROXY_CONNECTION = 34,
  UPGRADE_INVALID = 35,

  HEAD_TOO_LARGE = 36,
  FIELD_LINES_TOO_MANY = 37,

  STATUS_LINE_WHITESPACE = 38,
  STATUS_LINE_SHORT = 39,
  STATUS_CODE_INVALID = 40,
  RESPONSE_FRAMING = 41,

  TRAILER_FIELD = 42,
  TRAILERS_TOO_LARGE = 43,

  CONNECT_FRAMING = 44,
}

/** Bits of `Head.FLAGS`. Some decide refusals of later lines, so a resumed parse needs them back. */
export const enum Flag {
  VERSION_1_1 = 1 << 0,
  HOST = 1 << 1,
  CONTENT_LENGTH = 1 << 2,
  TRANSFER_ENCODING = 1 << 3,
  CONNECTION_CLOSE = 1 << 4,
  CONNECTION_KEEP_ALIVE = 1 << 5,
  CONNECTION_UPGRADE = 1 << 6,
  UPGRADE = 1 << 7,
  UPGRADE_WEBSOCKET = 1 << 8,
  /** The request line was read; field lines follow. */
  IN_FIELD_LINES = 1 << 9,
  /** An Expect line holds 100-continue and nothing else. */
  EXPECT_CONTINUE = 1 << 10,
  /** The method is known to be GET; where it is not set, nothing is known. */
  METHOD_GET = 1 << 11,
  /** `Option.RESPONSE` was given: the head is that of a response. */
  RESPONSE = 1 << 12,
  /** `Option.HOST_UNCHECKED` was given: Host is a field like any other. */
  HOST_UNCHECKED = 1 << 13,
  /** Beside TRANSFER_ENCODING: the last coding of a response is not chunked, so that its end is that of the connection. */
  UNTIL_CLOSE = 1 << 14,
}

/** Bits of the argument `options` of `parseHead`. */
export const enum Option {
  /** A missing Host in HTTP/1.1 is not an error. */
  HOST_OPTIONAL = 1 << 0,
  /** Go on from `Head.LINE_START`, `Head.FLAGS` and `Head.FIELD_LINES`, which the caller wrote back. */
  RESUME = 1 << 1,
  /** The head begins with a status-line. Callers give HOST_OPTIONAL and HOST_UNCHECKED with it. */
  RESPONSE = 1 << 12,
  /** Host is not read: its value may be anything, and it may be repeated. Callers give HOST_OPTIONAL with it. */
  HOST_UNCHECKED = 1 << 13,
}

export const enum TargetForm {
  ORIGIN = 0,
  ABSOLUTE = 1,
  AUTHORITY = 2,
  ASTERISK = 3,
}

export const enum AuthorityKind {
  ABSENT = 0,
  REG_NAME = 1,
  IPV4_ADDRESS = 2,
  IP_LITERAL = 3,
}

/** Byte offsets inside one authority block. Positions count from the first octet of INPUT. */
export const enum AuthorityBlock {
  KIND = 0,
  /** First octet of uri-host, its bracket included. */
  START = 4,
  /** One past the last octet of uri-host. */
  END = 8,
  /** 1..65535, or 0 where no port, or an empty one, was written. */
  PORT = 12,
  /** The eight 16-bit pieces of an IPv6 address, most significant first, each a u16. */
  IPV6 = 16,
  /** An `AuthorityReading`: where in the grammar the reader stopped. */
  READING = 32,
  /** 1 where uri-host is known to be as it is compared: without capitals, without a root dot; 0 where that is not known. */
  NORMAL = 36,
  SIZE = 40,
}

/**
 * Where in an authority its reader is. It cannot end at PERCENT, LITERAL or PORT_TOO_LARGE; it can at PORT_ZERO, and is
 * refused.
 */
export const enum AuthorityReading {
  NAME = 0,
  /** Inside a pct-encoded triplet. */
  PERCENT = 1,
  /** Inside an IP-literal, its bracket open. */
  LITERAL = 2,
  LITERAL_CLOSED = 3,
  /** After the colon: no digit yet, or digits of a port in range. */
  PORT = 4,
  /** After zeros alone. */
  PORT_ZERO = 5,
  PORT_TOO_LARGE = 6,
}

/** Byte offsets inside one head record. Every value is a u32; positions count from the first octet of INPUT. */
export const enum Head {
  STATUS = 0,
  /** COMPLETE: where the head ends. PARTIAL: where the octets end that came in. A refusal: the offending octet. */
  OFFSET = 4,
  /** PARTIAL: where the incomplete line begins. */
  LINE_START = 8,
  /** PARTIAL: octets of this class (`OctetClass`) may follow without changing anything; 0 when none may. */
  RUN = 12,
  FLAGS = 16,
  FIELD_LINES = 20,
  METHOD_START = 24,
  METHOD_END = 28,
  TARGET_START = 32,
  TARGET_END = 36,
  TARGET_FORM = 40,
  /** Of a response, in the places of the target's: reason-phrase, first octet and one past its last; the status code. */
  REASON_START = 32,
  REASON_END = 36,
  STATUS_CODE = 40,
  /** Where path-abempty begins; after the target in the forms that have none. */
  PATH_START = 44,
  /** The first "?" of the target, or TARGET_END. */
  QUERY_START = 48,
  /** Content-Length, low and high 32 bits; at most 2^53 - 1. */
  CONTENT_LENGTH_LOW = 52,
  CONTENT_LENGTH_HIGH = 56,
  /** Where the first field line begins. */
  FIELDS_START = 60,
  /** An `AuthorityBlock`: the Host field. */
  HOST = 64,
  /** An `AuthorityBlock`: the authority of an absolute-form or authority-form target. */
  TARGET_AUTHORITY = 104,
  /** 1 << `FieldName` for each name that the kernel reads and that came, and for each that came more than once. */
  SEEN = 144,
  REPEATED = 148,
  /** One u32 for each `FieldName` in SEEN: the address of the record of its first line, in the kernel's memory. */
  KNOWN = 152,
  /** A field-line record, of which only END was written, where the request line is in the common form. */
  REQUEST_LINE = 408,
  SIZE = 424,
}

/**
 * Byte offsets inside one field-line record; they follow the head record, one for each line. A line begins after the
 * CRLF of the one before it, the first one at `Head.FIELDS_START`.
 */
export const enum FieldLine {
  /** Name end << `FieldSpelling.BITS` | `FieldSpelling` | `FieldName`. */
  NAME = 0,
  /** Where the line's CRLF begins. */
  END = 4,
  /** The value without the white space around it, where the line is PADDED; else it is what lies between ": " and the CRLF. */
  VALUE_START = 8,
  VALUE_END = 12,
  SIZE = 16,
}

/**
 * Field names that the kernel reads, or gives to the policy. The names from RECOGNISED on are only recognised, so that
 * no strings need be made of them; src/head/kernel/field-names.ts has them in order. All others are UNKNOWN.
 */
export const enum FieldName {
  UNKNOWN = 0,
  HOST = 1,
  CONNECTION = 2,
  UPGRADE = 3,
  CONTENT_LENGTH = 4,
  TRANSFER_ENCODING = 5,
  EXPECT = 6,
  SEC_WEBSOCKET_KEY = 7,
  SEC_WEBSOCKET_VERSION = 8,
  SEC_WEBSOCKET_PROTOCOL = 9,
  SEC_WEBSOCKET_EXTENSIONS = 10,
  ORIGIN = 11,
  FORWARDED = 12,
  X_FORWARDED_FOR = 13,
  X_FORWARDED_HOST = 14,
  X_FORWARDED_PROTO = 15,
  X_FORWARDED_PORT = 16,
  PROXY_CONNECTION = 17,
  SEC_FETCH_SITE = 18,
  SEC_FETCH_MODE = 19,
  SEC_FETCH_DEST = 20,
  SEC_PURPOSE = 21,
  REFERER = 22,
  ACCEPT = 23,
  /** One past the names that the kernel reads. */
  READ_END = 24,
  RECOGNISED = 32,
}

/** How a field line was written; bits beside a `FieldName`. */
export const enum FieldSpelling {
  /** The bits that are left to the `FieldName`. */
  NAME = 63,
  /** A known name, as src/head/kernel/field-names.ts spells it: `Sec-WebSocket-Key`. */
  COMMON = 64,
  /** A known name in lower case. */
  LOWER_CASE = 128,
  /** Either of these two bits: the name is in the kernel's table, in the spelling that was sent. */
  SPELLED = 192,
  /** The bits of a name and its spelling; neither spelling bit if it is spelled in another way. */
  ALL = 255,
  /** The white space around the value is not one SP before it and none after it. */
  PADDED = 256,
  /** How many bits those are. */
  BITS = 9,
}

/** Bits of the class table, one byte an octet, at `Memory.CLASSES`. */
export const enum OctetClass {
  /** tchar (RFC 9110 §5.6.2). */
  TOKEN = 1,
  /** Octets of a request-target's path and query: visible ASCII but "#". */
  TARGET = 2,
  /** Octets of a scheme after its first. */
  SCHEME = 4,
  /** unreserved and sub-delims (RFC 3986 §2): reg-name without pct-encoded. */
  REG_NAME = 8,
  /** Octets of a field value: HTAB, SP, VCHAR, obs-text. */
  VALUE = 16,
  /** SP and HTAB. */
  WHITESPACE = 32,
  /** The digit 0 alone: leading zeros of a number. */
  ZERO = 64,
  HEXDIG = 128,
}

/** Where things lie in the kernel's memory, in bytes. */
export const enum Memory {
  PAGES = 5,
  /** 256 octets, each the `OctetClass` bits of its index. Constants of the compiler lie below. */
  CLASSES = 0x800,
  /** The shuffle tables of the vector checks, each 16 octets by low nibble, 16 by high nibble. */
  TOKEN_NIBBLES = 0x900,
  REG_NAME_NIBBLES = 0x920,
  /** Vectors of one octet repeated, at the offsets of `Vector`. */
  VECTORS = 0x940,
  /** 32 words: by a name's length, the first letters (bit 0 for a) of the names that the kernel reads. */
  SUSPECTS = 0xa40,
  /** The record of the head that was read last; low, as small addresses make small code. */
  RECORD = 0xc00,
  /** Octets of the largest record, and of others that callers keep after it. */
  RECORDS_SIZE = 0x1e000,
  INPUT = 0x20000,
  /** The largest head, and the largest batch. */
  INPUT_SIZE = 0x20000,
  /** From this octet of the input on, a socket may read into it at any time; what is to be there later has to be put there again. */
  READS = 0x10000,
  /** Octets after the input that a vector load may touch; their values never matter. */
  SLACK = 64,
  /** `Capacity.NAMES` entries of known spellings, `NameEntry.SIZE` octets each, each at its hash. */
  NAMES = 0x48000,
}

/**
 * Byte offsets of repeated octets at `Memory.VECTORS`. V8 rebuilds a constant vector at each use, but keeps one that
 * was loaded.
 */
export const enum Vector {
  /** The octet 1. */
  ONE = 0,
  /** 0x21: one above SP. */
  FIRST_VISIBLE = 16,
  /** The colon. */
  COLON = 32,
  QUESTION_MARK = 48,
  /** 0x24: one above "#". */
  AFTER_HASH = 64,
  /** 0x7f less "z", and what it makes of the octet below "a". */
  TO_LETTERS = 80,
  BELOW_LETTERS = 96,
  /** 0x7f less "9", and what it makes of the octet below "-". */
  TO_DIGITS = 112,
  BELOW_DIGITS = 128,
  SLASH = 144,
}

/** Byte offsets inside one entry of the table of names. */
export const enum NameEntry {
  /** The spelling with ": " after it, then zeros; 32 octets. */
  TEXT = 0,
  /** `FieldSpelling` | `FieldName`; 0 in an entry of no name. */
  CODE = 32,
  /** A bit for each octet of the spelling and its ": ", the first octet's lowest; all 32 in an entry of no name. */
  MASK = 36,
  /** 1 << `FieldName` of a name that the kernel reads; 0 of one that it only recognises. */
  BIT = 40,
  /** The address of the name's word of `Head.KNOWN`. */
  KNOWN = 44,
  SIZE = 64,
  /** Octets of the longest name that an entry can hold. */
  LONGEST = 30,
}

/** Numbers that bound a parse. */
export const enum Capacity {
  /** Field lines of one head that a record can hold. */
  FIELD_LINES = 4096,
  /** Empty lines skipped before a request line (RFC 9112 §2.2 asks for at least one). */
  EMPTY_LINES = 4,
  /** Octets whose line ends are sought at a time, so that a body after a head is not searched. */
  INDEXED = 1024,
  /** The same after a line that had to be read by itself. */
  INDEXED_AGAIN = 256,
  /** Entries of the table of names; a power of two. */
  NAMES = 512,
}
