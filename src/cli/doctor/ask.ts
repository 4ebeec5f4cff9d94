// In:    octets, an address, a time.
// Out:   the answer of the server.
// Never: follows a redirect, reuses a connection, or reads more content than it compares.

import { createHash } from "node:crypto";
import net from "node:net";
import tls from "node:tls";
import { ResponseReader } from "../../message/responses.js";
import type { Answer } from "./judge.js";
import type { Target } from "./target.js";

export interface AskOptions {
  readonly target: Target;
  readonly address: string;
  /** Milliseconds for the head of a response. */
  readonly timeout: number;
  /** Aborted when the time for all requests is over. */
  readonly signal: AbortSignal;
}

/** Octets of content that are compared. */
const CONTENT = 65_536;
/** Milliseconds for the content after the head: an event stream never ends. */
const CONTENT_TIME = 1000;

/** A connection to the address, by TLS where the URL has it. */
export function connectTo({ target, address }: AskOptions, protocol: string): net.Socket {
  const { port, host, isTls } = target;
  if (!isTls) return net.connect({ host: address, port });
  const isName = net.isIP(host.replace(/^\[(.*)\]$/, "$1")) === 0;
  // The server is the user's own, and its certificate is often its own as well.
  const trust = { rejectUnauthorized: false, ALPNProtocols: [protocol] };
  return tls.connect({ host: address, port, ...trust, ...(isName && { servername: host }) });
}

/** Sends a request on a connection of its own. */
export function ask(octets: string, method: string, options: AskOptions): Promise<Answer> {
  return new Promise((resolve) => new Exchange(octets, method, options, resolve));
}

/** One connection: what comes back until it is enough. */
class Exchange {
  readonly #reader = new ResponseReader();
  readonly #hash = createHash("sha256");
  readonly #socket: net.Socket;
  readonly #signal: AbortSignal;
  readonly #resolve: (answer: Answer) => void;
  readonly #expire = (): void => this.#end({ kind: "silent" });
  #timer: NodeJS.Timeout;
  #statusCode: number | null = null;
  #size = 0;
  #isConnected = false;
  #isOver = false;

  constructor(octets: string, method: string, options: AskOptions, resolve: (answer: Answer) => void) {
    this.#resolve = resolve;
    this.#signal = options.signal;
    this.#timer = setTimeout(this.#expire, options.timeout);
    options.signal.addEventListener("abort", this.#expire, { once: true });
    this.#reader.requested(method);
    this.#socket = connectTo(options, "http/1.1");
    this.#socket.on(options.target.isTls ? "secureConnect" : "connect", () => {
      this.#isConnected = true;
      this.#socket.write(octets, "latin1");
    });
    this.#socket.on("data", (piece) => {
      this.#reader.receive(piece);
      this.#read();
    });
    this.#socket.on("end", () => {
      this.#reader.receiveEnd();
      this.#read();
    });
    this.#socket.on("error", (error: NodeJS.ErrnoException) => {
      const reason = error.code ?? error.message;
      this.#end(this.#isConnected ? { kind: "closed" } : { kind: "unreachable", reason });
    });
    this.#socket.on("close", () => this.#end({ kind: "closed" }));
  }

  #read(): void {
    while (!this.#socket.destroyed) {
      const event = this.#reader.next();
      switch (event.kind) {
        case "head":
          this.#statusCode = event.head.statusCode;
          clearTimeout(this.#timer);
          this.#timer = setTimeout(this.#expire, CONTENT_TIME);
          if (this.#statusCode === 101) this.#end({ kind: "closed" });
          break;
        case "data":
          this.#hash.update(event.octets);
          this.#size += event.octets.length;
          if (this.#size >= CONTENT) this.#end({ kind: "closed" });
          break;
        case "interim":
          break;
        case "malformed":
          this.#end({ kind: "malformed" });
          break;
        case "need-data":
          return;
        default:
          this.#end({ kind: "closed" });
      }
    }
  }

  /** The response as far as it has come; `otherwise` if none has. */
  #end(otherwise: Answer): void {
    if (this.#isOver) return;
    this.#isOver = true;
    clearTimeout(this.#timer);
    this.#signal.removeEventListener("abort", this.#expire);
    this.#socket.destroy();
    const statusCode = this.#statusCode;
    const isResponse = statusCode !== null && otherwise.kind !== "malformed";
    this.#resolve(isResponse ? { kind: "response", statusCode, digest: this.#hash.digest("hex") } : otherwise);
  }
}
