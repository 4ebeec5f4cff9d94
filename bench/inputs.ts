// In:    nothing; a seeded generator replaces chance, so every run times the same octets.
// Out:   the inputs A, B, C, D, E, M and G of the table, and the malformed heads, each with the right answers.
// Never: parses. An answer is what the octets were built from.

/** What a parser must say of one head; `uriHost` and `port` only where it reads them. */
export interface Answer {
  method: string;
  requestTarget: string;
  /** 10 or 11. */
  version: number;
  /** Name, value, name, value. */
  fieldLines: string[];
  uriHost: string;
  /** 0 where none was written. */
  port: number;
  keepAlive: boolean;
  upgrade: boolean;
}

/** A Buffer with a method that Node has and its types hide: text of one octet a character, without looking an encoding up. */
export interface Octets extends Buffer {
  latin1Slice(start: number, end: number): string;
}

export interface Input {
  readonly id: string;
  readonly title: string;
  /** Parsed in turn; their number is a power of two. */
  readonly buffers: readonly Octets[];
  /** Requests in each buffer. */
  readonly pipelined: number;
  /** The answers of all requests, in order. */
  readonly expected: readonly Answer[];
  /** What the limit on a head's octets must be raised to; undefined where every parser's default will do. */
  readonly headBytes: number | undefined;
}

export interface MalformedHead {
  readonly octets: Octets;
  /** What headgate calls it. */
  readonly code: string;
  /** Octets up to the end of the offending line: none after them is needed to refuse the head. */
  readonly fault: number;
}

interface Draft {
  requestTarget: string;
  fieldLines: [name: string, value: string][];
  method?: string;
}

const CHROME = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0.0.0 Safari/537.36";
const FIREFOX = "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:133.0) Gecko/20100101 Firefox/133.0";
const SAFARI =
  "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.2 Safari/605.1.15";
const BASE64 = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
const LETTERS = "abcdefghijklmnopqrstuvwxyz0123456789";

type Chance = () => number;

/** Mulberry32: 0 <= n < 1. */
function chance(seed: number): Chance {
  return () => {
    seed = (seed + 0x6d2b79f5) | 0;
    let n = Math.imul(seed ^ (seed >>> 15), seed | 1);
    n = (n + Math.imul(n ^ (n >>> 7), n | 61)) ^ n;
    return ((n ^ (n >>> 14)) >>> 0) / 0x1_0000_0000;
  };
}

function word(next: Chance, length: number, alphabet = LETTERS): string {
  let text = "";
  for (let i = 0; i < length; i++) text += alphabet[Math.floor(next() * alphabet.length)];
  return text;
}

function oneOf<T>(next: Chance, choices: readonly T[]): T {
  return choices[Math.floor(next() * choices.length)]!;
}

/** `name=value; name=value`, exactly `length` octets. */
function cookie(next: Chance, length: number): string {
  let text = "";
  while (text.length < length) {
    if (text !== "") text += "; ";
    text += `${word(next, 4 + Math.floor(next() * 8))}=${word(next, 8 + Math.floor(next() * 56), BASE64)}`;
  }
  return `${text.slice(0, length - 1)}x`;
}

function octetsOf({ method = "GET", requestTarget, fieldLines }: Draft): Octets {
  const lines = fieldLines.map(([name, value]) => `${name}: ${value}\r\n`);
  return Buffer.from(`${method} ${requestTarget} HTTP/1.1\r\n${lines.join("")}\r\n`, "latin1") as Octets;
}

function answerOf({ method = "GET", requestTarget, fieldLines }: Draft): Answer {
  const lineOf = (name: string) => fieldLines.find(([other]) => other.toLowerCase() === name)?.[1];
  const [uriHost, port] = lineOf("host")!.split(":");
  const upgrade = lineOf("upgrade") !== undefined;
  return {
    method,
    requestTarget,
    version: 11,
    fieldLines: fieldLines.flat(),
    uriHost: uriHost!,
    port: Number(port ?? 0),
    keepAlive: lineOf("connection") !== "close",
    upgrade,
  };
}

/** Lengthens the draft's Cookie until its head has exactly `size` octets. */
function sized(draft: Draft, size: number, next: Chance): Draft {
  const line = draft.fieldLines.find(([name]) => name === "Cookie")!;
  line[1] = "";
  line[1] = cookie(next, size - octetsOf(draft).length);
  return draft;
}

function single(id: string, title: string, draft: Draft, headBytes?: number): Input {
  const octets = octetsOf(draft);
  return {
    id,
    title: `${octets.length} octets: ${title}`,
    buffers: [octets],
    pipelined: 1,
    expected: [answerOf(draft)],
    headBytes,
  };
}

const small: Draft = { requestTarget: "/", fieldLines: [["Host", "localhost:3000"]] };

/** The lines that Chrome sends, in its order. */
function chromeHandshake(): Draft {
  return {
    requestTarget: "/chat/rooms/lobby?since=1732",
    fieldLines: [
      ["Host", "chat.example.com:8443"],
      ["Connection", "Upgrade"],
      ["Pragma", "no-cache"],
      ["Cache-Control", "no-cache"],
      ["User-Agent", CHROME],
      ["Upgrade", "websocket"],
      ["Origin", "https://chat.example.com:8443"],
      ["Sec-WebSocket-Version", "13"],
      ["Accept-Encoding", "gzip, deflate, br, zstd"],
      ["Accept-Language", "en-GB,en;q=0.9,de;q=0.8"],
      ["Cookie", ""],
      ["Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ=="],
      ["Sec-WebSocket-Extensions", "permessage-deflate; client_max_window_bits"],
    ],
  };
}

/** As large and as long as B: what follows an upgrade is not a head, so B itself cannot be pipelined. */
function chromeRequest(): Draft {
  return {
    requestTarget: "/chat/rooms/lobby?since=1732",
    fieldLines: [
      ["Host", "chat.example.com:8443"],
      ["Connection", "keep-alive"],
      ["Pragma", "no-cache"],
      ["Cache-Control", "no-cache"],
      ["User-Agent", CHROME],
      ["Accept", "application/json"],
      ["Origin", "https://chat.example.com:8443"],
      ["Sec-Fetch-Site", "same-origin"],
      ["Sec-Fetch-Mode", "cors"],
      ["Sec-Fetch-Dest", "empty"],
      ["Accept-Encoding", "gzip, deflate, br, zstd"],
      ["Accept-Language", "en-GB,en;q=0.9,de;q=0.8"],
      ["Cookie", ""],
    ],
  };
}

/** The shape of picohttpparser's bench: an image, asked for by an old Firefox with tracking cookies. */
const image: Draft = {
  requestTarget: "/wp-content/uploads/2010/03/a-cat-that-sleeps-on-a-keyboard.jpg",
  fieldLines: [
    ["Host", "www.example.com"],
    [
      "User-Agent",
      "Mozilla/5.0 (Macintosh; U; Intel Mac OS X 10.6; ja-JP-mac; rv:1.9.2.3) Gecko/20100401 Firefox/3.6.3",
    ],
    ["Accept", "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"],
    ["Accept-Language", "ja,en-us;q=0.7,en;q=0.3"],
    ["Accept-Encoding", "gzip,deflate"],
    ["Accept-Charset", "Shift_JIS,utf-8;q=0.7,*;q=0.7"],
    ["Keep-Alive", "115"],
    ["Connection", "keep-alive"],
    ["Cookie", ""],
  ],
};

const page: Draft = {
  requestTarget: "/account/orders?page=2&sort=date",
  fieldLines: [
    ["Host", "shop.example.com"],
    ["Connection", "keep-alive"],
    ["Cache-Control", "max-age=0"],
    ["sec-ch-ua", '"Chromium";v="131", "Not_A Brand";v="24"'],
    ["sec-ch-ua-mobile", "?0"],
    ["sec-ch-ua-platform", '"Linux"'],
    ["Upgrade-Insecure-Requests", "1"],
    ["User-Agent", CHROME],
    ["Accept", "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8"],
    ["Sec-Fetch-Site", "same-origin"],
    ["Sec-Fetch-Mode", "navigate"],
    ["Sec-Fetch-User", "?1"],
    ["Sec-Fetch-Dest", "document"],
    ["Referer", "https://shop.example.com/account"],
    ["Accept-Encoding", "gzip, deflate, br, zstd"],
    ["Accept-Language", "en-GB,en;q=0.9"],
    ["Cookie", ""],
  ],
};

/** 95 lines, since headgate's limit is 100 and only the octets' limit is raised. */
function large(next: Chance): Draft {
  const fieldLines: Draft["fieldLines"] = [
    ["Host", "api.example.com"],
    ["User-Agent", CHROME],
    ["Accept", "*/*"],
    ["Cookie", ""],
  ];
  while (fieldLines.length < 95) {
    const name = `X-${word(next, 3 + Math.floor(next() * 9))}-${word(next, 4 + Math.floor(next() * 8))}`;
    fieldLines.push([name, word(next, 200 + Math.floor(next() * 900), `${BASE64}  ;,=`).trim()]);
  }
  return sized({ requestTarget: "/v1/traces", fieldLines }, 65_536, next);
}

/** An opening handshake of some client: browsers differ in lines and order, libraries in the case of names too. */
function someHandshake(next: Chance): Draft {
  const host = `${word(next, 2 + Math.floor(next() * 9))}.${oneOf(next, ["example.com", "example.org", "corp.example.net"])}`;
  const port = oneOf(next, ["", "", ":8443", ":8080", ":3000"]);
  const browser = next() < 0.8;
  const optional = (probability: number, name: string, value: string): [string, string][] =>
    next() < probability ? [[name, value]] : [];
  const fieldLines: [string, string][] = [
    ["Host", `${host}${port}`],
    ...optional(browser ? 1 : 0, "User-Agent", oneOf(next, [CHROME, CHROME, CHROME, FIREFOX, SAFARI])),
    ["Connection", oneOf(next, ["Upgrade", "Upgrade", "keep-alive, Upgrade"])],
    ["Upgrade", "websocket"],
    ["Sec-WebSocket-Version", "13"],
    ["Sec-WebSocket-Key", `${word(next, 22, BASE64)}==`],
    ...optional(
      0.8,
      "Sec-WebSocket-Extensions",
      oneOf(next, ["permessage-deflate", "permessage-deflate; client_max_window_bits"]),
    ),
    ...optional(0.3, "Sec-WebSocket-Protocol", oneOf(next, ["graphql-transport-ws", "mqtt", "v1.chat.example.com"])),
    ...optional(browser ? 1 : 0, "Origin", `https://${host}${port}`),
    ...optional(0.7, "Pragma", "no-cache"),
    ...optional(0.7, "Cache-Control", "no-cache"),
    ...optional(browser ? 1 : 0, "Accept-Encoding", "gzip, deflate, br, zstd"),
    ...optional(browser ? 1 : 0, "Accept-Language", oneOf(next, ["en-US,en;q=0.9", "de-DE,de;q=0.9,en;q=0.6", "fr"])),
    ...optional(0.2, "Sec-Fetch-Mode", "websocket"),
    ...optional(0.2, "X-Forwarded-For", `203.0.113.${Math.floor(next() * 256)}`),
    ...optional(0.85, "Cookie", cookie(next, 20 + Math.floor(next() * 270))),
    ...optional(0.1, "Authorization", `Bearer ${word(next, 120, BASE64)}`),
  ];
  const tail = fieldLines.splice(1);
  for (let i = tail.length - 1; i > 0; i--) {
    const other = Math.floor(next() * (i + 1));
    [tail[i], tail[other]] = [tail[other]!, tail[i]!];
  }
  fieldLines.push(...tail);
  if (!browser) for (const line of fieldLines) line[0] = line[0].toLowerCase();
  const query = next() < 0.6 ? `?token=${word(next, 8 + Math.floor(next() * 30))}` : "";
  return { requestTarget: `/${word(next, 2 + Math.floor(next() * 8))}/${word(next, 4)}${query}`, fieldLines };
}

function manyHandshakes(next: Chance): Input {
  const drafts = Array.from({ length: 64 }, () => someHandshake(next));
  const buffers = drafts.map(octetsOf);
  const mean = Math.round(buffers.reduce((sum, octets) => sum + octets.length, 0) / buffers.length);
  return {
    id: "M",
    title: `64 different opening handshakes in turn, ${mean} octets in the mean`,
    buffers,
    pipelined: 1,
    expected: drafts.map(answerOf),
    headBytes: undefined,
  };
}

function pipelinedRequests(next: Chance): Input {
  const draft = sized(chromeRequest(), 563, next);
  const octets = octetsOf(draft);
  const times = 16;
  return {
    id: "E",
    title: `${times} requests like B in one buffer of ${times * octets.length} octets`,
    buffers: [Buffer.concat(Array.from({ length: times }, () => octets)) as Octets],
    pipelined: times,
    expected: Array.from({ length: times }, () => answerOf(draft)),
    headBytes: undefined,
  };
}

export const handshake: Input = single(
  "B",
  "Chrome's opening handshake, 13 field lines",
  sized(chromeHandshake(), 563, chance(1)),
);

export const largeHead: Input = single("G", "95 field lines, long values", large(chance(2)), 131_072);

/** In the order of the table. */
export const inputs: readonly Input[] = [
  single("A", "GET with Host", small),
  handshake,
  single("C", "an image, 9 field lines", sized(image, 703, chance(3))),
  single("D", "a page, a 4 KB cookie among 17 field lines", sized(page, 4900, chance(4))),
  pipelinedRequests(chance(5)),
  manyHandshakes(chance(6)),
  largeHead,
];

/** The handshake with a fault in place of `from`. */
function spoiled(code: string, from: string, to: string): MalformedHead {
  const text = handshake.buffers[0]!.toString("latin1");
  const at = text.indexOf(from);
  if (at < 0) throw new Error(`the handshake has no ${JSON.stringify(from)}`);
  const altered = text.slice(0, at) + to + text.slice(at + from.length);
  const fault = altered.indexOf("\n", at + to.length) + 1;
  return { code, octets: Buffer.from(altered, "latin1") as Octets, fault };
}

/** What scanners and smugglers send. Every contender of that step must refuse each. */
export const malformedHeads: readonly MalformedHead[] = [
  {
    code: "TLS_RECORD",
    octets: Buffer.from("\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03abcdefgh", "latin1") as Octets,
    fault: 1,
  },
  spoiled("METHOD_INVALID", "GET ", "G@T "),
  spoiled("VERSION_UNSUPPORTED", "HTTP/1.1", "HTTP/3.1"),
  spoiled("REQUEST_LINE_SHORT", " HTTP/1.1", " "),
  spoiled("VERSION_INVALID", "HTTP/1.1", "HTTQ/1.1"),
  spoiled("CONTROL_OCTET", "Chrome/", "Chrome\0"),
  spoiled("BARE_CR", "no-cache\r\n", "no-cache\rX"),
  spoiled("FIELD_NAME_SPACE", "Pragma:", "Pragma :"),
  spoiled("FIELD_NAME_INVALID", "Cache-Control:", "Cache(Control:"),
  spoiled("FIELD_NAME_EMPTY", "Pragma:", ":"),
  spoiled("FIELD_LINE_NO_COLON", "Pragma: no-cache", "Pragma"),
  spoiled("CONTENT_LENGTH_INVALID", "Pragma: no-cache", "Content-Length: 1x"),
  spoiled("CONTENT_LENGTH_REPEATED", "Pragma: no-cache", "Content-Length: 1\r\nContent-Length: 2"),
  spoiled("FRAMING_CONFLICT", "Pragma: no-cache", "Content-Length: 1\r\nTransfer-Encoding: chunked"),
  spoiled("FIELD_NAME_INVALID", "Pragma:", "Pra\x80gma:"),
  spoiled("CONTROL_OCTET", "client_max", "client\x7fmax"),
];
