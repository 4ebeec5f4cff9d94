// In:    a session of node:http2's client; options of a WebSocket of npm ws.
// Out:   that WebSocket, opened on a stream of the session by extended CONNECT (RFC 8441).
// Never: touches a frame of the WebSocket protocol; ws does.

import { createHash } from "node:crypto";
import {
  type ClientHttp2Session,
  type ClientHttp2Stream,
  constants,
  type IncomingHttpHeaders,
  type IncomingHttpStatusHeader,
} from "node:http2";
import { Duplex } from "node:stream";
import { type ClientOptions, WebSocket } from "ws";

const GUID = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
/** Fields of an HTTP/1.1 handshake that HTTP/2 has no use for. */
const own = new Set(["host", "connection", "upgrade", "sec-websocket-key"]);

interface OpenOptions extends ClientOptions {
  readonly authority?: string;
  readonly protocols?: string[];
}

/** A WebSocket on a stream, and that stream once it is there. */
export function webSocketOver(
  session: ClientHttp2Session,
  path: string,
  { authority, protocols = [], ...options }: OpenOptions = {},
): { webSocket: WebSocket; stream(): ClientHttp2Stream } {
  const translator = new Translator(session, authority);
  const createConnection = () => translator as never;
  const webSocket = new WebSocket(`ws://localhost${path}`, protocols, { ...options, createConnection });
  return { webSocket, stream: () => translator.stream! };
}

/** Translates the octets of an opening handshake from HTTP/1.1 to HTTP/2, and back. */
class Translator extends Duplex {
  stream: ClientHttp2Stream | undefined;
  readonly #session: ClientHttp2Session;
  readonly #authority: string | undefined;

  constructor(session: ClientHttp2Session, authority: string | undefined) {
    super();
    this.#session = session;
    this.#authority = authority;
  }

  override _read(): void {
    this.stream?.resume();
  }

  override _write(octets: Buffer, _encoding: BufferEncoding, done: (error?: Error | null) => void): void {
    if (this.stream !== undefined) {
      if (this.stream.destroyed) done();
      else this.stream.write(octets, () => done());
      return;
    }
    const [requestLine, ...lines] = octets.toString("latin1").split("\r\n");
    const fields: Record<string, string> = {};
    let key = "";
    for (const line of lines) {
      const [name, value] = [line.slice(0, line.indexOf(":")).toLowerCase(), line.slice(line.indexOf(":") + 1).trim()];
      if (name === "sec-websocket-key") key = value;
      if (name !== "" && !own.has(name)) fields[name] = value;
    }
    const stream = this.#session.request(
      {
        ":method": "CONNECT",
        ":protocol": "websocket",
        ":scheme": this.#session.encrypted ? "https" : "http",
        ":path": requestLine!.split(" ")[1],
        ...(this.#authority !== undefined && { ":authority": this.#authority }),
        ...fields,
      },
      { endStream: false },
    );
    this.stream = stream;
    stream.on("error", () => {});
    stream.on("response", (headers) => this.#answered(headers, key));
    stream.on("data", (data: Buffer) => {
      if (!this.push(data)) stream.pause();
    });
    stream.on("end", () => this.push(null));
    stream.on("close", () => {
      if (stream.rstCode !== constants.NGHTTP2_NO_ERROR) this.destroy();
    });
    done();
  }

  #answered(headers: IncomingHttpHeaders & IncomingHttpStatusHeader, key: string): void {
    const isOpen = headers[":status"] === 200;
    const lines = isOpen
      ? [
          "HTTP/1.1 101 Switching Protocols",
          "Upgrade: websocket",
          "Connection: Upgrade",
          `Sec-WebSocket-Accept: ${createHash("sha1").update(`${key}${GUID}`).digest("base64")}`,
        ]
      : [`HTTP/1.1 ${headers[":status"]} -`, "Connection: close"];
    for (const [name, value] of Object.entries(headers)) {
      if (!name.startsWith(":")) lines.push(`${name}: ${value}`);
    }
    this.push(`${lines.join("\r\n")}\r\n\r\n`);
  }

  override _final(done: () => void): void {
    this.stream?.end();
    done();
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    if (this.stream !== undefined && !this.stream.closed) {
      this.stream.close(this.stream.writableFinished ? constants.NGHTTP2_NO_ERROR : constants.NGHTTP2_CANCEL);
    }
    done(error);
  }
}
