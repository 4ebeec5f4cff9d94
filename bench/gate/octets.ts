// In:    nothing.
// Out:   the octets that clients send in these benches, and the one answer to their opening handshake.
// Never: opens a connection.

/** The sample of RFC 6455 §1.3: a key, and the answer to it. */
export const KEY = "dGhlIHNhbXBsZSBub25jZQ==";
export const ACCEPT = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=";

const fields = (host: string): string =>
  [
    `Host: ${host}`,
    "Connection: Upgrade",
    "Pragma: no-cache",
    "Cache-Control: no-cache",
    "User-Agent: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0.0.0 Safari/537.36",
    "Upgrade: websocket",
    "Origin: https://live.example.com",
    "Sec-WebSocket-Version: 13",
    "Accept-Encoding: gzip, deflate, br, zstd",
    "Accept-Language: en-US,en;q=0.9",
    `Sec-WebSocket-Key: ${KEY}`,
    "",
    "",
  ].join("\r\n");

/** The vhost that serves; the other name is not a vhost. */
export const SERVED_HOST = "live.example.com";
const OTHER_HOST = "rebound.example.net";

/** A browser's opening handshake without an offer to compress. */
export const HANDSHAKE = `GET /live HTTP/1.1\r\n${fields(SERVED_HOST)}`;
/** The same for a host that no vhost serves. */
export const MISDIRECTED = `GET /live HTTP/1.1\r\n${fields(OTHER_HOST)}`;
/** No request head, from the first field line on. */
export const MALFORMED = `GET /live HTTP/1.1\r\n Host : ${SERVED_HOST}\r\n${fields(SERVED_HOST)}`;
/** More than half of a head, which ends within a field value. */
export const HALF_A_HEAD = HANDSHAKE.slice(0, HANDSHAKE.indexOf("Safari"));

const BROWSER = [
  'sec-ch-ua: "Chromium";v="131", "Not_A Brand";v="24"',
  "sec-ch-ua-mobile: ?0",
  "User-Agent: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0.0.0 Safari/537.36",
  'sec-ch-ua-platform: "Linux"',
  "Accept: application/json",
  "Sec-Fetch-Site: same-origin",
  "Sec-Fetch-Mode: cors",
  "Sec-Fetch-Dest: empty",
  `Referer: http://${SERVED_HOST}/items`,
  "Accept-Encoding: gzip, deflate, br, zstd",
  "Accept-Language: en-US,en;q=0.9",
  "Cookie: session=4f8c1d2e9b7a6053; theme=dark; _ga=GA1.2.1234567890.1700000000",
];

/** What a page asks its server for. */
export const REQUEST = [
  "GET /api/items?page=2 HTTP/1.1",
  `Host: ${SERVED_HOST}`,
  "Connection: keep-alive",
  ...BROWSER,
  "",
  "",
].join("\r\n");

/** What a page sends its server: JSON of 1 KiB. */
export const ITEM = JSON.stringify({ name: "item 21", price: 210, text: "x".repeat(984) });
export const POST = [
  "POST /api/items HTTP/1.1",
  `Host: ${SERVED_HOST}`,
  "Connection: keep-alive",
  `Content-Length: ${ITEM.length}`,
  "Content-Type: application/json",
  `Origin: http://${SERVED_HOST}`,
  ...BROWSER,
  "",
  ITEM,
].join("\r\n");

/** The least that a client sends. */
export const TINY_REQUEST = `GET / HTTP/1.1\r\nHost: ${SERVED_HOST}\r\n\r\n`;
/** On a connection of its own. */
export const CLOSING_REQUEST = REQUEST.replace("keep-alive", "close");

/** Text of 16 KiB, in four chunks. */
const PIECE = "x".repeat(4096);
export const LARGE_ITEM = PIECE.repeat(4);
export const CHUNKED_POST = [
  "POST /api/items HTTP/1.1",
  `Host: ${SERVED_HOST}`,
  "Transfer-Encoding: chunked",
  "Content-Type: text/plain",
  `Origin: http://${SERVED_HOST}`,
  "",
  `${`1000\r\n${PIECE}\r\n`.repeat(4)}0\r\n\r\n`,
].join("\r\n");

/** For a server that answers without reading. */
export const CANNED_101 = [
  "HTTP/1.1 101 Switching Protocols",
  "Upgrade: websocket",
  "Connection: Upgrade",
  `Sec-WebSocket-Accept: ${ACCEPT}`,
  "",
  "",
].join("\r\n");

/** The response of a server that ends what it refuses. */
export const FORBIDDEN = "HTTP/1.1 403 Forbidden\r\nConnection: close\r\nContent-Length: 10\r\n\r\nForbidden\n";

/** A masked text frame of 32 octets, and its echo (RFC 6455 §5.2). */
const TEXT = Buffer.from("what one says to another, 32 oct");
export const ECHO = Buffer.concat([Uint8Array.of(0x81, TEXT.length), TEXT]);
const MASK = [0x37, 0xfa, 0x21, 0x3d];
export const FRAME = Buffer.concat([
  Uint8Array.of(0x81, 0x80 | TEXT.length, ...MASK),
  TEXT.map((octet, i) => octet ^ MASK[i % 4]!),
]);
