// In:    a gate or an http.Server, octets and how they are cut.
// Out:   what came back, split into HTTP responses by a strict reader of its own.
// Never: looks into the gate, or forgives a response anything.

import { once } from "node:events";
import net from "node:net";
import { Duplex } from "node:stream";
import { seeded } from "./mutations.js";

/** Octets of a text, one a character. */
export const octetsOf = (text: string): Buffer => Buffer.from(text, "latin1");

/** How octets are cut: in one piece, one by one, or in pieces that a seed chooses. */
export type Cut = "whole" | "octets" | number;

export function cutUp(octets: Buffer, cut: Cut): Buffer[] {
  if (cut === "whole") return [octets];
  if (cut === "octets") return Array.from(octets, (octet) => Buffer.of(octet));
  const random = seeded(cut);
  const pieces: Buffer[] = [];
  for (let at = 0; at < octets.length; ) {
    // Mostly small pieces, now and then a large one.
    const length = 1 + (random() % (random() % 4 === 0 ? 400 : 12));
    pieces.push(octets.subarray(at, at + length));
    at += length;
  }
  return pieces;
}

/** Milliseconds without news, far more than any test takes. */
const PATIENCE = 10_000;

/** One end of a connection, from the client's side. */
export class Client {
  readonly stream: Duplex;
  readonly #received: Buffer[] = [];
  #isClosed = false;
  #wake = (): void => {};

  constructor(stream: Duplex) {
    this.stream = stream;
    stream.on("error", () => {});
    stream.on("data", (octets: Buffer) => {
      this.#received.push(octets);
      this.#wake();
    });
    stream.once("close", () => {
      this.#isClosed = true;
      this.#wake();
    });
  }

  get isClosed(): boolean {
    return this.#isClosed;
  }

  /** Waits for octets or the close; fails where neither comes, or a test that waits in vain would hang. */
  async news(): Promise<void> {
    let timer: NodeJS.Timeout | undefined;
    const news = new Promise<void>((resolve, reject) => {
      this.#wake = resolve;
      timer = setTimeout(() => reject(new Error(`nothing more came after ${this.received}`)), PATIENCE);
    });
    await news.finally(() => clearTimeout(timer));
  }

  /** All that came back so far. */
  get received(): Buffer {
    return Buffer.concat(this.#received);
  }

  /** Sends pieces, each in a turn of its own of the event loop, so that each arrives alone. */
  async send(octets: string | Buffer, cut: Cut = "whole"): Promise<void> {
    for (const piece of cutUp(typeof octets === "string" ? octetsOf(octets) : octets, cut)) {
      if (this.stream.destroyed || this.stream.writableEnded) return;
      this.stream.write(piece);
      await new Promise(setImmediate);
    }
  }

  /** Waits for so many final responses; fails where the connection closes before. `methods`: of the requests. */
  async responses(count: number, methods: readonly string[] = []): Promise<Response[]> {
    for (;;) {
      const { responses } = readResponses(this.received, methods, this.#isClosed);
      if (responses.length >= count) return responses;
      if (this.#isClosed) throw new Error(`closed after ${responses.length} of ${count} responses`);
      await this.news();
    }
  }

  /** Waits for so many octets. */
  async octets(count: number): Promise<Buffer> {
    while (this.received.length < count) {
      if (this.#isClosed) throw new Error(`closed after ${this.received.length} of ${count} octets`);
      await this.news();
    }
    return this.received;
  }

  async closed(): Promise<void> {
    while (!this.#isClosed) await this.news();
  }

  /** Waits for the close; returns all responses, after which nothing may follow. */
  async all(methods: readonly string[] = []): Promise<Response[]> {
    await this.closed();
    const { responses, rest } = readResponses(this.received, methods, true);
    if (rest.length > 0) throw new Error(`after ${responses.length} responses there is ${JSON.stringify(`${rest}`)}`);
    return responses;
  }
}

/** A plain server on a loopback port that gives each socket away. */
export interface Door {
  readonly port: number;
  /** Every socket that was accepted. */
  readonly sockets: Duplex[];
  connect(): Promise<Client>;
  /** A connection in memory, in which each piece that is written arrives alone. */
  connectInMemory(): Client;
  close(): Promise<void>;
}

/** Open doors: none after a test that has passed. */
const doors = new Set<Door>();

/** Ends whatever tests that have failed left open, or it would hold the process. */
export async function closeDoors(): Promise<void> {
  for (const door of doors) {
    for (const socket of door.sockets) socket.destroy();
    await door.close();
  }
}

/** `adopt` gets each accepted socket, as a program that accepts for another one would give it. */
export async function openDoor(adopt: (socket: Duplex) => void): Promise<Door> {
  const sockets: Duplex[] = [];
  const take = (socket: Duplex): void => {
    sockets.push(socket);
    adopt(socket);
  };
  const server = net.createServer({ noDelay: true }, take).listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as net.AddressInfo;
  const door: Door = {
    port,
    sockets,
    async connect() {
      const socket = net.connect({ port, host: "127.0.0.1", noDelay: true });
      await once(socket, "connect");
      return new Client(socket);
    },
    connectInMemory() {
      const [near, far] = streamPair();
      take(far);
      return new Client(near);
    },
    async close() {
      server.close();
      await once(server, "close");
      doors.delete(door);
    },
  };
  doors.add(door);
  return door;
}

/** Two streams, each the other's peer. Where one is destroyed, the other is as well. */
export function streamPair(): [Duplex, Duplex] {
  const make = (peer: () => Duplex): Duplex =>
    new Duplex({
      allowHalfOpen: false,
      read() {},
      write(octets, _encoding, done) {
        // A copy: the reader may overwrite what it read, as ws does.
        if (!peer().destroyed) peer().push(Buffer.from(octets));
        done();
      },
      final(done) {
        if (!peer().destroyed) peer().push(null);
        done();
      },
      destroy(error, done) {
        // What was written before arrives before.
        setImmediate(() => {
          if (peer().readableEnded || peer().destroyed) peer().destroy();
          else
            peer()
              .once("end", () => peer().destroy())
              .push(null);
        });
        done(error);
      },
    });
  const one: Duplex = make(() => other);
  const other: Duplex = make(() => one);
  return [one, other];
}

export interface Response {
  readonly statusCode: number;
  /** Field values by lower-case name; repeated ones are a fault. */
  readonly fields: ReadonlyMap<string, string>;
  readonly body: Buffer;
  /** Status codes of the interim responses before it. */
  readonly interim: readonly number[];
}

/**
 * Splits octets into responses to requests with these methods (GET if none is given). `rest`: an incomplete
 * response, or the octets after a 101. `closed`: no octet follows, so that a body without length ends here. Throws for
 * anything that is not HTTP/1.1 (RFC 9112 §4, §6.3, §7.1).
 */
function readResponses(
  octets: Buffer,
  methods: readonly string[],
  closed: boolean,
): { responses: Response[]; rest: Buffer } {
  const responses: Response[] = [];
  let rest = octets;
  let at = 0;
  let interim: number[] = [];
  while (at < octets.length) {
    const headEnd = octets.indexOf("\r\n\r\n", at);
    if (headEnd < 0) break;
    const { statusCode, fields } = readHead(octets.toString("latin1", at, headEnd));
    const afterHead = headEnd + 4;
    if (statusCode < 200 && statusCode !== 101) {
      interim.push(statusCode);
      at = afterHead;
      rest = octets.subarray(at);
      continue;
    }
    const hasBody = methods[responses.length] !== "HEAD" && statusCode !== 204 && statusCode !== 304;
    const body = hasBody && statusCode !== 101 ? readBody(octets, afterHead, fields, closed) : NO_BODY;
    if (body === null) break;
    responses.push({ statusCode, fields, body: body.octets, interim });
    interim = [];
    at = afterHead + body.length;
    rest = octets.subarray(at);
    if (statusCode === 101) break;
  }
  return { responses, rest };
}

const NO_BODY = { octets: Buffer.alloc(0), length: 0 };

function readHead(text: string): { statusCode: number; fields: Map<string, string> } {
  const [statusLine, ...lines] = text.split("\r\n");
  const status = /^HTTP\/1\.1 ([1-5]\d\d) [\t\x20-\x7e]*$/.exec(statusLine!);
  if (status === null) throw new Error(`no status line: ${JSON.stringify(statusLine)}`);
  const fields = new Map<string, string>();
  for (const line of lines) {
    const field = /^([!#$%&'*+.^_`|~0-9A-Za-z-]+):[ \t]*([\t\x20-\x7e\x80-\xff]*?)[ \t]*$/.exec(line);
    if (field === null) throw new Error(`no field line: ${JSON.stringify(line)}`);
    const name = field[1]!.toLowerCase();
    if (fields.has(name)) throw new Error(`repeated: ${name}`);
    fields.set(name, field[2]!);
  }
  return { statusCode: Number(status[1]), fields };
}

/** A body and the octets that it took; null if it is incomplete. */
function readBody(
  octets: Buffer,
  start: number,
  fields: Map<string, string>,
  closed: boolean,
): { octets: Buffer; length: number } | null {
  const coding = fields.get("transfer-encoding");
  const declared = fields.get("content-length");
  if (coding !== undefined) {
    if (coding !== "chunked" || declared !== undefined) throw new Error(`framing: ${coding}, ${declared}`);
    return readChunks(octets, start);
  }
  if (declared === undefined) return closed ? { octets: octets.subarray(start), length: octets.length - start } : null;
  if (!/^\d+$/.test(declared)) throw new Error(`Content-Length: ${declared}`);
  const length = Number(declared);
  return start + length > octets.length ? null : { octets: octets.subarray(start, start + length), length };
}

function readChunks(octets: Buffer, start: number): { octets: Buffer; length: number } | null {
  const chunks: Buffer[] = [];
  for (let at = start; ; ) {
    const lineEnd = octets.indexOf("\r\n", at);
    if (lineEnd < 0) return null;
    const line = octets.toString("latin1", at, lineEnd);
    if (!/^[0-9a-fA-F]+$/.test(line)) throw new Error(`chunk size: ${JSON.stringify(line)}`);
    const size = Number.parseInt(line, 16);
    const end = lineEnd + 2 + size;
    if (end + 2 > octets.length) return null;
    if (octets.toString("latin1", end, end + 2) !== "\r\n") throw new Error("no CRLF after a chunk");
    if (size === 0) return { octets: Buffer.concat(chunks), length: end + 2 - start };
    chunks.push(octets.subarray(lineEnd + 2, end));
    at = end + 2;
  }
}
