// In:    a client's connection to a server, or a stream of HTTP/2.
// Out:   an opening handshake; frames of RFC 6455, written and read as they are.
// Never: answers a frame by itself.

import { createHash } from "node:crypto";
import type { ClientHttp2Session } from "node:http2";
import { Client } from "./client.js";
import { demand, inTime } from "./contract.js";

/** RFC 6455 §5.2. */
export const Opcode = { CONTINUATION: 0, TEXT: 1, BINARY: 2, CLOSE: 8, PING: 9, PONG: 10 } as const;

interface Frame {
  readonly opcode: number;
  readonly fin: boolean;
  readonly payload: Buffer;
}

const KEY = "dGhlIHNhbXBsZSBub25jZQ==";
const ACCEPT = createHash("sha1").update(`${KEY}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`).digest("base64");
/** Any will do: a server has to undo it (RFC 6455 §5.3). */
const MASK = Buffer.of(0x37, 0xfa, 0x21, 0x3d);

/** The octets of a frame from a client. */
export function frame(opcode: number, payload: string | Uint8Array, fin = true): Buffer {
  // A copy, which is then masked.
  const masked = typeof payload === "string" ? Buffer.from(payload) : Buffer.from(payload);
  for (let i = 0; i < masked.length; i++) masked[i]! ^= MASK[i % 4]!;
  const first = (fin ? 0x80 : 0) | opcode;
  let length = Buffer.of(0x80 | masked.length);
  if (masked.length > 65_535) {
    length = Buffer.alloc(9, 0x80 | 127);
    length.writeBigUInt64BE(BigInt(masked.length), 1);
  } else if (masked.length > 125) {
    length = Buffer.alloc(3, 0x80 | 126);
    length.writeUInt16BE(masked.length, 1);
  }
  return Buffer.concat([Buffer.of(first), length, MASK, masked]);
}

export const closeFrame = (code: number): Buffer => frame(Opcode.CLOSE, Buffer.of(code >> 8, code & 255));

export const handshake = (host: string, path: string): string =>
  `GET ${path} HTTP/1.1\r\nHost: ${host}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n` +
  `Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: ${KEY}\r\n\r\n`;

/** A client that has opened a WebSocket. */
export class WebSocketClient {
  readonly client: Client;

  constructor(client: Client) {
    this.client = client;
  }

  /** Over HTTP/1.1. `early`: goes out in one piece with the head. */
  static async over1(client: Client, path: string, early: Buffer): Promise<WebSocketClient> {
    client.stream.write(Buffer.concat([Buffer.from(handshake("localhost", path)), early]));
    const head = await client.takeThrough("\r\n\r\n", "the opening handshake has no answer");
    const answer = JSON.stringify(head.slice(0, 200));
    demand(head.startsWith("HTTP/1.1 101 "), `the opening handshake is answered with ${answer}, and not with 101`);
    const field = (name: string): string | undefined =>
      new RegExp(`^${name}:[ \\t]*(.*?)[ \\t]*\\r$`, "im").exec(head)?.[1];
    demand(field("upgrade")?.toLowerCase() === "websocket", `the 101 has no "Upgrade: websocket": ${answer}`);
    demand(/\bupgrade\b/i.test(field("connection") ?? ""), `the 101 has no "Connection: Upgrade": ${answer}`);
    demand(
      field("sec-websocket-accept") === ACCEPT,
      `Sec-WebSocket-Accept is ${field("sec-websocket-accept")}; for the key ${KEY} it is ${ACCEPT} (RFC 6455 §4.2.2)`,
    );
    return new WebSocketClient(client);
  }

  /** Over HTTP/2 (RFC 8441). `early`: goes out before the response has come. */
  static async over2(
    session: ClientHttp2Session,
    path: string,
    early: Buffer,
    patience: number,
  ): Promise<WebSocketClient> {
    const fields = {
      ":method": "CONNECT",
      ":protocol": "websocket",
      ":scheme": session.encrypted ? "https" : "http",
      ":authority": "localhost",
      ":path": path,
      "sec-websocket-version": "13",
    };
    const stream = session.request(fields, { endStream: false });
    const answered = new Promise<number | undefined>((resolve) => {
      stream.once("response", (headers) => resolve(headers[":status"]));
      stream.once("close", () => resolve(undefined));
    });
    const client = new Client(stream, patience);
    if (early.length > 0) stream.write(early);
    const status = await inTime(answered, patience, () => "the opening handshake over HTTP/2 has no answer");
    demand(status === 200, `the opening handshake over HTTP/2 is answered with ${status}, and not with 200`);
    return new WebSocketClient(client);
  }

  write(octets: Buffer): void {
    this.client.stream.write(octets);
  }

  /** The next frame; null if the connection has ended. */
  async next(breach: string): Promise<Frame | null> {
    const { client } = this;
    const begin = await client.take(2, breach);
    if (begin.length < 2) return null;
    const [first, second] = [begin[0]!, begin[1]!];
    demand((second & 0x80) === 0, "the server masks its frames, which a client has to refuse (RFC 6455 §5.1)");
    let length = second & 127;
    if (length === 126) length = (await client.take(2, breach)).readUInt16BE();
    else if (length === 127) length = Number((await client.take(8, breach)).readBigUInt64BE());
    const payload = await client.take(length, breach);
    if (payload.length < length) return null;
    return { opcode: first & 15, fin: (first & 0x80) !== 0, payload };
  }

  /** The next message, whatever its fragments; null if the connection has ended, or is being closed. */
  async message(breach: string): Promise<{ payload: Buffer; isBinary: boolean } | null> {
    const parts: Buffer[] = [];
    let kind: number | undefined;
    for (;;) {
      const next = await this.next(breach);
      if (next === null || next.opcode === Opcode.CLOSE) return null;
      if (next.opcode >= Opcode.CLOSE) continue;
      kind ??= next.opcode;
      parts.push(next.payload);
      if (next.fin) return { payload: Buffer.concat(parts), isBinary: kind === Opcode.BINARY };
    }
  }

  /** The code of the close frame that comes next, after whatever messages; null if the connection ends without one. */
  async closeCode(breach: string): Promise<number | null> {
    for (;;) {
      const next = await this.next(breach);
      if (next === null) return null;
      if (next.opcode === Opcode.CLOSE) return next.payload.length < 2 ? 1005 : next.payload.readUInt16BE();
    }
  }
}
