// In:    frames in parts, fields as they should appear in a field block; octets that a server sent.
// Out:   the octets of frames, right or wrong as asked for; the frames in octets.
// Never: corrects what it is given, or knows more of HPACK than literals and `:status`.

/** Frame types (RFC 9113 §6). */
export const Frame = {
  DATA: 0,
  HEADERS: 1,
  PRIORITY: 2,
  RST_STREAM: 3,
  SETTINGS: 4,
  PUSH_PROMISE: 5,
  PING: 6,
  GOAWAY: 7,
  WINDOW_UPDATE: 8,
  CONTINUATION: 9,
} as const;

export const Flag = { END_STREAM: 1, ACK: 1, END_HEADERS: 4, PADDED: 8, PRIORITY: 32 } as const;

/** Error codes (RFC 9113 §7). */
export const errorCodes = [
  "NO_ERROR",
  "PROTOCOL_ERROR",
  "INTERNAL_ERROR",
  "FLOW_CONTROL_ERROR",
  "SETTINGS_TIMEOUT",
  "STREAM_CLOSED",
  "FRAME_SIZE_ERROR",
  "REFUSED_STREAM",
  "CANCEL",
  "COMPRESSION_ERROR",
  "CONNECT_ERROR",
  "ENHANCE_YOUR_CALM",
] as const;

export const PREFACE = Buffer.from("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "latin1");

export type Fields = readonly (readonly [name: string, value: string])[];

/** One frame; `length` is what its head claims, where that is not the truth. */
export function frame(type: number, flags: number, stream: number, payload: Buffer = NOTHING, length?: number): Buffer {
  const head = Buffer.alloc(9);
  head.writeUIntBE(length ?? payload.length, 0, 3);
  head.writeUInt8(type, 3);
  head.writeUInt8(flags, 4);
  head.writeUInt32BE(stream, 5);
  return Buffer.concat([head, payload]);
}

const NOTHING = Buffer.alloc(0);

/** 32 bits each. */
export const words = (...values: number[]): Buffer =>
  Buffer.concat(
    values.map((value) => {
      const word = Buffer.alloc(4);
      word.writeUInt32BE(value);
      return word;
    }),
  );

/** SETTINGS with these parameters, by number (RFC 9113 §6.5.1). */
export function settings(parameters: readonly (readonly [number, number])[] = [], flags = 0, stream = 0): Buffer {
  const payload = parameters.map(([identifier, value]) => Buffer.concat([Buffer.of(0, identifier), words(value)]));
  return frame(Frame.SETTINGS, flags, stream, Buffer.concat(payload));
}

/** What a client sends first: the server's field blocks may not use a dynamic table, so that they can be read here. */
export const hello = (): Buffer => Buffer.concat([PREFACE, settings([[1, 0]])]);

/** A field block of literals that are not indexed (RFC 7541 §6.2.2); one character an octet. */
export function fieldBlock(fields: Fields): Buffer {
  return Buffer.concat(fields.flatMap(([name, value]) => [Buffer.of(0), text(name), text(value)]));
}

/** A string literal (RFC 7541 §5.2). */
export function text(value: string): Buffer {
  return Buffer.concat([integer(value.length), Buffer.from(value, "latin1")]);
}

/** An integer with a prefix of seven bits (RFC 7541 §5.1). */
function integer(value: number): Buffer {
  if (value < 127) return Buffer.of(value);
  const octets = [127];
  let rest = value - 127;
  for (; rest >= 128; rest >>= 7) octets.push((rest & 127) | 128);
  return Buffer.from([...octets, rest]);
}

/** HEADERS, complete; larger blocks continue in CONTINUATION. */
export function headers(stream: number, fields: Fields, flags: number = 0): Buffer {
  const block = fieldBlock(fields);
  const most = 16_384;
  const frames = [
    frame(Frame.HEADERS, flags | (block.length <= most ? Flag.END_HEADERS : 0), stream, block.subarray(0, most)),
  ];
  for (let at = most; at < block.length; at += most) {
    const last = at + most >= block.length;
    frames.push(frame(Frame.CONTINUATION, last ? Flag.END_HEADERS : 0, stream, block.subarray(at, at + most)));
  }
  return Buffer.concat(frames);
}

export interface ReadFrame {
  readonly type: number;
  readonly flags: number;
  readonly stream: number;
  readonly payload: Buffer;
}

/** The complete frames at the beginning of octets. */
export function readFrames(octets: Buffer): ReadFrame[] {
  const frames: ReadFrame[] = [];
  for (let at = 0; at + 9 <= octets.length; ) {
    const end = at + 9 + octets.readUIntBE(at, 3);
    if (end > octets.length) break;
    const [type, flags] = [octets.readUInt8(at + 3), octets.readUInt8(at + 4)];
    frames.push({
      type,
      flags,
      stream: octets.readUInt32BE(at + 5) & 0x7fff_ffff,
      payload: octets.subarray(at + 9, end),
    });
    at = end;
  }
  return frames;
}

/** `:status` of entries 8 to 14 of the static table (RFC 7541 Appendix A). */
const STATUS = [200, 204, 206, 304, 400, 404, 500];
/** Digits by their codes (RFC 7541 Appendix B): 0 to 2 have five bits, the others six. */
const digits = new Map(
  ["00000", "00001", "00010", "011001", "011010", "011011", "011100", "011101", "011110", "011111"].map((code, i) => [
    code,
    `${i}`,
  ]),
);

/** The status code at the beginning of a response's field block; after a change of the table's size, if there is one. */
export function statusOf(block: Buffer): number {
  let at = 0;
  while ((block[at]! & 0xe0) === 0x20) at++;
  const first = block[at]!;
  if (first & 0x80) return STATUS[(first & 0x7f) - 8]!;
  // A literal whose name is that of entry 8: its value has three characters, or their Huffman codes.
  const length = block[at + 1]!;
  const value = block.subarray(at + 2, at + 2 + (length & 0x7f));
  if (!(length & 0x80)) return Number(value.toString("latin1"));
  const bits = [...value].map((octet) => octet.toString(2).padStart(8, "0")).join("");
  let found = "";
  for (let from = 0, to = 5; to <= bits.length && found.length < 3; to++) {
    const digit = digits.get(bits.slice(from, to));
    if (digit === undefined) continue;
    found += digit;
    from = to;
  }
  return Number(found);
}
