// In:    octets of one connection, straight from the socket or by 'data'; callbacks of node:http.
// Out:   to node:http: each request head, its body and trailers, or a ParseError, as from Node's own parser.
// Never: lets another party run while octets that it still needs are in the kernel's input.

import { AsyncResource, executionAsyncResource } from "node:async_hooks";
import { IncomingMessage } from "node:http";
import type { HeadFault } from "../head/fault.js";
import { NOTHING } from "../head/kernel/latin1.js";
import { HeadReader } from "../head/reader.js";
import { BodyReader } from "../message/body.js";
import { BegunHead } from "./begun-head.js";
import { type Listed, listedOn } from "./connection-lists.js";
import type { Engine, EngineLimits } from "./engine.js";
import type { CallbackNumbers } from "./node-parts.js";
import {
  CALLBACK_FAILED,
  CLOSED,
  HEADER_OVERFLOW,
  INVALID_METHOD,
  type ParseError,
  parseError,
  type Reason,
  reasonOfBody,
  reasonOfHead,
  UNEXPECTED_END,
} from "./parse-error.js";

/** What the next octet belongs to. */
const enum State {
  HEAD,
  /** A body of known length. */
  LENGTH,
  CHUNKED,
  /** The last message was complete: no request follows. */
  CLOSED,
  /** A callback runs, or has thrown; or a fault was reported. */
  DEAD,
  /** What follows belongs to another protocol. */
  DETACHED,
}

const CR = 0x0d;
const LF = 0x0a;
/** So many octets are put into the kernel's input at first; a body may follow the head. */
const SHOWN = 16_384;
/** Octets that the extensions of one chunk may have, as in Node. */
const EXTENSION_BYTES = 16_384;
const CHUNKED = { kind: "chunked" } as const;
/** What `maxHeaderPairs` is in Node until the server sets it. */
const HEADER_PAIRS = 2000;
/** How many strings Node's parser hands over at once, before Node 22; later ones are dropped by as many. */
const FLUSHED = 64;
/** onIncoming's answer that the request's connection goes to another protocol, up to Node 24. */
const DETACH = 2;

type Callback = (this: SeatParser, ...values: unknown[]) => unknown;
type OnIncoming = (request: IncomingMessage, keepAlive: boolean) => unknown;
interface SocketLike {
  readonly _handle?: Handle | null;
  push(octets: Uint8Array): boolean;
  [member: symbol]: unknown;
}
/** A stream of libuv, or of TLS. */
interface Handle {
  useUserBuffer?(buffer: Uint8Array): void;
  [member: symbol]: unknown;
}

/** Gives `headers` to a request that was made from the head with those; Node's server then goes on. */
function deliver(this: SeatParser, request: IncomingMessage, keepAlive: boolean): unknown {
  return this.deliver(request, keepAlive);
}

/** Takes the place of Node's HTTPParser for one connection of a server. Its members without a comment are those of that class. */
export class SeatParser implements Listed {
  _headers: string[] = [];
  _url = "";
  _consumed = false;
  socket: SocketLike | null = null;
  incoming: { upgrade?: boolean } | null = null;
  outgoing: unknown = null;
  maxHeaderPairs = HEADER_PAIRS;
  joinDuplicateHeaders: unknown = null;
  [callback: number]: unknown;

  started = 0;
  headDone = false;
  expired = false;

  readonly #engine: Engine<SeatParser>;
  readonly #callbacks: CallbackNumbers;
  #limits: EngineLimits;
  #list: Set<Listed> | null = null;
  #resource: AsyncResource | null = null;
  #onIncoming: OnIncoming | null = null;
  #made: Record<string, string> | null = null;
  /** Counts the connections that it had: a callback may end this one, and begin another. */
  #life = 0;
  #isTaken = false;

  #state = State.HEAD;
  #reader: HeadReader | null = null;
  #begun: BegunHead | null = null;
  /** Octets of a body of known length that are still to come. */
  #left = 0;
  #body: BodyReader | null = null;
  #trailers: string[] = [];
  #keepAlive = true;
  /** The connection goes to another protocol when the message is complete. */
  #detaches = false;
  #failure: { reason: Reason; fault: HeadFault | null } | null = null;
  #error: ParseError | null = null;

  /** A read is being parsed: what comes meanwhile has to wait. */
  #busy = false;
  #waiting: Buffer[] = [];
  /** Octets of the read came into the kernel's input, and are nowhere else yet. */
  #inPlace = false;
  /** The octets of the read from `#cut` on, in memory of their own. */
  #chunk: Buffer = NO_OCTETS;
  #cut = 0;
  /** The octets before `#cut`, which were parsed in place. */
  #before = "";
  /** After this parse, the kernel's input has the octets `#shownStart`..`#shownEnd` of the read. */
  #shown = -1;
  #shownStart = 0;
  #shownEnd = 0;
  /** The socket that reads into the kernel's input. */
  #reads: SocketLike | null = null;

  constructor(engine: Engine<SeatParser>) {
    this.#engine = engine;
    this.#limits = engine.limits(0);
    const { callbacks, ...parts } = engine.parts;
    this.#callbacks = callbacks;
    this[callbacks.messageBegin] = null;
    this[callbacks.headers] = parts.onHeaders;
    this[callbacks.headersComplete] = parts.onHeadersComplete;
    this[callbacks.body] = parts.onBody;
    this[callbacks.messageComplete] = parts.onMessageComplete;
    this[callbacks.execute] = null;
    this[callbacks.timeout] = null;
  }

  get onIncoming(): OnIncoming | null {
    return this.#onIncoming === null ? null : deliver;
  }

  set onIncoming(listener: OnIncoming | null) {
    this.#onIncoming = listener;
  }

  /** @internal */
  deliver(request: IncomingMessage, keepAlive: boolean): unknown {
    const made = this.#made;
    if (made !== null) {
      this.#made = null;
      // A class of the application's may have its own idea of headers.
      if (Object.getPrototypeOf(request) === IncomingMessage.prototype) request.headers = made;
    }
    return this.#onIncoming!(request, keepAlive);
  }

  initialize(_type: number, resource: object, maxHeaderSize: number, _lenient: number, list?: object): void {
    this.#forget();
    this.#isTaken = true;
    this.#limits = this.#engine.limits(maxHeaderSize);
    this.started = performance.now();
    this.headDone = false;
    this.expired = false;
    if (list) {
      this.#list = listedOn(list);
      this.#list.add(this);
    }
    // Requests run in the context in which the connection was made, as those of Node's parser do.
    if (this.#engine.parts.storesOnResources) inheritStores((resource as { socket?: SocketLike }).socket);
    else this.#resource = new AsyncResource("HTTPINCOMINGMESSAGE", { requireManualDestroy: true });
  }

  /** A connection has it. */
  get isTaken(): boolean {
    return this.#isTaken;
  }

  /** The connection is gone. Node cleans up before this or after it, depending on its version. */
  remove(): void {
    this.#list?.delete(this);
    this.#resource?.emitDestroy();
    this.#isTaken = false;
    this.#forget();
  }

  free(): void {
    this.#engine.giveBack(this);
  }

  close(): void {}

  #forget(): void {
    this.#life++;
    this.#list = null;
    this.#resource = null;
    this.#made = null;
    this.#state = State.HEAD;
    this.#reader = null;
    this.#begun = null;
    this.#body = null;
    this.#trailers = [];
    this.#keepAlive = true;
    this.#detaches = false;
    this.#failure = null;
    this.#error = null;
    this.#busy = false;
    this.#waiting = [];
    this.#reads = null;
    this.#letGo();
  }

  consume(handle: Handle): void {
    const { onRead } = this.#engine.parts;
    const socket = this.socket;
    // A socket with an `onread` of its own comes by 'data', or not at all, as it does with Node's parser.
    if (onRead === null || socket === null || typeof handle.useUserBuffer !== "function" || socket[onRead.buffer]) return;
    const { input } = this.#engine;
    this.#reads = socket;
    socket[onRead.buffer] = input;
    socket[onRead.callback] = (count: number) => this.#onRead(count);
    handle.useUserBuffer(input);
  }

  /** No way leads back to the memory that the socket would allocate: from now on each read is copied for the stream. */
  unconsume(): void {
    const socket = this.#reads;
    if (socket === null) return;
    this.#reads = null;
    const { parts, input, kernel } = this.#engine;
    socket[parts.onRead!.callback] = (count: number) => {
      kernel.generation++;
      return socket.push(Buffer.from(input.subarray(0, count)));
    };
  }

  /** What is in the same read as a request that pauses the connection is read all the same, as by Node's parser. */
  pause(): void {}

  resume(): void {}

  /** Milliseconds that the unfinished message has taken. */
  duration(): number {
    return this.started === 0 ? 0 : performance.now() - this.started;
  }

  headersCompleted(): boolean {
    return this.headDone;
  }

  /** All octets of the newest read, while it is being parsed. */
  getCurrentBuffer(): Buffer {
    return this.#before === "" ? this.#chunk : Buffer.concat([Buffer.from(this.#before, "latin1"), this.#chunk]);
  }

  /** The client has ended: an error if it did so within a message. */
  finish(): ParseError | undefined {
    const isWithin = this.#state === State.LENGTH || this.#state === State.CHUNKED || this.#reader !== null;
    if (!isWithin) return undefined;
    this.#fail(UNEXPECTED_END, 0);
    return this.#error!;
  }

  /** Takes octets that the socket has read into the kernel's input. */
  #onRead(count: number): boolean {
    this.#engine.kernel.generation++;
    if (this.#busy) {
      this.#waiting.push(Buffer.from(this.#engine.input.subarray(0, count)));
      return true;
    }
    if (this.#resource === null) this.#read(count);
    else this.#resource.runInAsyncScope(this.#read, this, count);
    return true;
  }

  #read(count: number): void {
    const { kernel } = this.#engine;
    this.#inPlace = true;
    this.#chunk = NO_OCTETS;
    this.#shown = kernel.generation;
    this.#shownStart = 0;
    this.#shownEnd = count;
    try {
      if (this.#state !== State.HEAD || this.#reader !== null) this.#moveOut(0, count);
      const result = this.#parse(count);
      (this[this.#callbacks.execute] as Callback | null)?.call(this, result);
    } finally {
      this.#letGo();
    }
  }

  /** Takes octets of a 'data' event. Returns how many were taken, or a `ParseError`. */
  execute(octets: Buffer): number | ParseError {
    if (this.#busy) {
      this.#waiting.push(Buffer.from(octets));
      return octets.length;
    }
    if (this.#resource === null) return this.#take(octets);
    return this.#resource.runInAsyncScope(this.#take, this, octets);
  }

  #take(octets: Buffer): number | ParseError {
    this.#inPlace = false;
    this.#chunk = octets;
    this.#cut = 0;
    try {
      return this.#parse(octets.length);
    } finally {
      this.#letGo();
    }
  }

  #letGo(): void {
    this.#inPlace = false;
    this.#chunk = NO_OCTETS;
    this.#cut = 0;
    this.#before = "";
    this.#shown = -1;
  }

  /** Parses a read of so many octets. */
  #parse(length: number): number | ParseError {
    const life = this.#life;
    this.#busy = true;
    try {
      let result = this.#parseOnce(length);
      while (this.#waiting.length > 0 && this.#life === life && typeof result === "number") {
        const octets = this.#waiting.shift()!;
        if (this.#state === State.DETACHED) {
          (this.socket as unknown as { unshift(octets: Buffer): void }).unshift(octets);
          continue;
        }
        this.#letGo();
        this.#chunk = octets;
        result = this.#parseOnce(octets.length);
      }
      return result;
    } finally {
      if (this.#life === life) this.#busy = false;
    }
  }

  #parseOnce(length: number): number | ParseError {
    const life = this.#life;
    let at = 0;
    while (at < length) {
      at = this.#step(at, length);
      if (this.#life !== life) return length;
      if (at < 0) return this.#error!;
      if (this.#state === State.DETACHED) return at;
    }
    const isWithin = this.#state !== State.HEAD ? this.#state !== State.CLOSED : this.#reader !== null;
    if (isWithin && this.started === 0) this.started = performance.now();
    return at;
  }

  /** Goes on at octet `at` of a read of `length` octets; returns where it has come to, or -1 after a fault. */
  #step(at: number, length: number): number {
    switch (this.#state) {
      case State.HEAD:
        return this.#reader === null ? this.#readHead(at, length) : this.#readPiece(this.#reader, at, length);
      case State.LENGTH:
        return this.#readContent(at, length);
      case State.CHUNKED:
        return this.#readChunks(this.#body!, at, length);
      case State.CLOSED:
        return this.#readAfterLast(at, length);
      case State.DETACHED:
        return at;
      default: {
        if (this.#inPlace) this.#moveOut(at, length);
        const { reason, fault } = this.#failure ?? { reason: CALLBACK_FAILED, fault: null };
        return this.#fail(reason, 0, fault);
      }
    }
  }

  #readHead(start: number, length: number): number {
    const { kernel, head } = this.#engine;
    if (kernel.generation !== this.#shown || start < this.#shownStart || start >= this.#shownEnd) this.#show(start, length);
    const end = this.#shownEnd - this.#shownStart;
    let from = start - this.#shownStart;
    const { input } = kernel;
    // Empty lines before a request are not the beginning of one.
    while (from < end && (input[from] === CR || input[from] === LF)) from++;
    const at = this.#shownStart + from;
    if (from === end) return at;
    const found = head.read(kernel, from, end, this.#limits);
    this.#shown = kernel.generation;
    if (found === "complete") return this.#begin(this.#shownStart + head.end, length);
    const { fault } = head;
    if (this.#inPlace) this.#moveOut(start, length);
    this.#begun = new BegunHead();
    if (found === "malformed") return this.#refuse(fault!, at, at, length);
    this.#reader = new HeadReader({
      host: "optional",
      limits: { headBytes: this.#limits.headBytes, fieldLines: this.#limits.fieldLines },
    });
    return this.#readPiece(this.#reader, at, length);
  }

  /** Puts octets of the read into the kernel's input. */
  #show(at: number, length: number): void {
    const { kernel } = this.#engine;
    const end = Math.min(length, at + SHOWN);
    kernel.input.set(this.#octets(at, end));
    this.#shownStart = at;
    this.#shownEnd = end;
    this.#shown = kernel.generation;
  }

  /** A head in several pieces; or in one that is longer than what was shown. */
  #readPiece(reader: HeadReader, at: number, length: number): number {
    const piece = this.#octets(at, length);
    const before = reader.pending;
    const result = reader.read(piece);
    if (result.kind === "partial") {
      return this.#follow(piece, length) ? length : -1;
    }
    this.#reader = null;
    if (result.kind === "malformed") return this.#refuse(result.fault, at - before, at, length);
    const { kernel, head } = this.#engine;
    this.#begun = null;
    const text = result.head.toString();
    kernel.text.write(text, 0);
    this.#shown = -1;
    head.read(kernel, 0, text.length, this.#limits);
    return this.#begin(at + result.consumed, length);
  }

  /** Looks at octets of an incomplete head for what Node refuses at once; false after a fault. */
  #follow(piece: Uint8Array, end: number): boolean {
    const begun = this.#begun!;
    begun.add(piece);
    const { methods } = this.#engine.parts;
    const wrong = begun.wrongMethodAt(methods);
    if (wrong >= 0) this.#fail(INVALID_METHOD, Math.max(0, end - begun.size + wrong));
    else if (begun.countedAtLeast >= this.#limits.counted) this.#fail(HEADER_OVERFLOW, end);
    else return true;
    this.#reader = null;
    return false;
  }

  /** `start`: of the head, counted within this read, negative if it began in an earlier one. */
  #refuse(fault: HeadFault, start: number, at: number, length: number): number {
    if (!this.#follow(this.#octets(at, length), length)) return -1;
    return this.#fail(reasonOfHead(fault), Math.max(0, start + fault.offset), fault);
  }

  /** The engine's `head` was read; it ends before octet `end` of the read. */
  #begin(end: number, length: number): number {
    const { parts, head } = this.#engine;
    const { method, url, minor, keepAlive, rawHeaders } = head;
    const number = parts.methods.get(method);
    if (this.#inPlace) this.#moveOut(end, length, head.text);
    if (number === undefined) return this.#fail(INVALID_METHOD, end);
    if (head.hasAtLeast(this.#limits.counted)) return this.#fail(HEADER_OVERFLOW, end);
    const pairs = this.maxHeaderPairs;
    const isOver = pairs > 0 && rawHeaders.length > pairs;
    if (isOver && parts.refusesManyLines) return this.#fail(HEADER_OVERFLOW, end);
    if (isOver) rawHeaders.length = Math.min(rawHeaders.length, FLUSHED * Math.ceil(pairs / FLUSHED));
    this.#made = isOver ? null : head.headers;
    const isConnect = method === "CONNECT";
    const upgrade = isConnect || head.upgrade;
    let next = State.HEAD;
    if (head.chunked) {
      next = State.CHUNKED;
      this.#trailers = [];
      this.#body = new BodyReader(CHUNKED, this.#limits.counted, {
        trailers: this.#trailers,
        extensionBytes: EXTENSION_BYTES,
      });
    } else if (head.contentLength > 0) {
      next = State.LENGTH;
      this.#left = head.contentLength;
    }
    this.#keepAlive = keepAlive;
    this.headDone = true;

    const life = this.#life;
    this.#state = State.DEAD;
    const onHead = this[this.#callbacks.headersComplete] as Callback;
    const answer = onHead.call(this, 1, minor, rawHeaders, number, url, undefined, undefined, upgrade, keepAlive);
    if (this.#life !== life) return end;
    this.#detaches = answer === DETACH || (upgrade && this.incoming?.upgrade === true);
    if (answer === DETACH || (this.#detaches && isConnect)) next = State.HEAD;
    this.#state = next;
    if (next === State.HEAD) this.#complete();
    return end;
  }

  #readContent(at: number, length: number): number {
    const end = Math.min(length, at + this.#left);
    this.#left -= end - at;
    const isLast = this.#left === 0;
    if (this.#passOn(at, end, State.LENGTH) && isLast) this.#complete();
    return end;
  }

  #readChunks(body: BodyReader, at: number, length: number): number {
    const chunk = this.#octets(at, length);
    const end = body.next(chunk, 0);
    if (end < 0) return this.#fail(reasonOfBody(body.fault!), at + body.contentStart);
    if (body.contentStart < end) this.#passOn(at + body.contentStart, at + end, State.CHUNKED);
    else if (body.done) this.#complete();
    return at + end;
  }

  /** False if the connection is gone afterwards. */
  #passOn(start: number, end: number, next: State): boolean {
    const { parts } = this.#engine;
    const life = this.#life;
    this.#state = State.DEAD;
    (this[this.#callbacks.body] as Callback).call(this, this.#octets(start, end));
    // From native code, a callback ends with the ticks that it has brought about.
    if (this.#reads !== null && parts.runTicks !== null) parts.runTicks();
    if (this.#life !== life) return false;
    this.#state = next;
    return true;
  }

  #complete(): void {
    const life = this.#life;
    this.started = 0;
    this.headDone = false;
    this.#body = null;
    const trailers = this.#trailers;
    this.#state = State.DEAD;
    if (trailers.length > 0) {
      this.#trailers = [];
      (this[this.#callbacks.headers] as Callback).call(this, trailers, "");
    }
    (this[this.#callbacks.messageComplete] as Callback).call(this);
    if (this.#life !== life) return;
    this.#state = this.#detaches ? State.DETACHED : this.#keepAlive ? State.HEAD : State.CLOSED;
  }

  /** After a message that was the last one only line ends may come. */
  #readAfterLast(start: number, length: number): number {
    const octets = this.#octets(start, length);
    const at = octets.findIndex((octet) => octet !== CR && octet !== LF);
    return at < 0 ? length : this.#fail(CLOSED, start + at);
  }

  #fail(reason: Reason, at: number, fault: HeadFault | null = null): number {
    this.#state = State.DEAD;
    this.#reader = null;
    this.#failure = { reason, fault };
    this.#error = parseError(reason, at, fault);
    return -1;
  }

  /** The octets from `start` on leave the kernel's input: from now on other code may run. `before`: those that end there, if known. */
  #moveOut(start: number, length: number, before = ""): void {
    const { input, kernel } = this.#engine;
    this.#before = before.length === start ? before : kernel.text.read(0, start);
    this.#chunk = start === length ? NO_OCTETS : Buffer.from(input.subarray(start, length));
    this.#cut = start;
    this.#inPlace = false;
  }

  #octets(start: number, end: number): Buffer {
    const chunk = this.#chunk;
    const [from, to] = [start - this.#cut, end - this.#cut];
    return from === 0 && to === chunk.length ? chunk : chunk.subarray(from, to);
  }
}

const NO_OCTETS: Buffer = Buffer.from(NOTHING.buffer);

/** Stores of AsyncLocalStorage that the running code has, for what the socket's handle will call. */
function inheritStores(socket: SocketLike | undefined): void {
  const handle = socket?._handle;
  const from = executionAsyncResource() as Record<symbol, unknown>;
  if (!handle || (from as unknown) === handle) return;
  for (const symbol of Object.getOwnPropertySymbols(from)) {
    if (symbol.description === "kResourceStore") handle[symbol] = from[symbol];
  }
}
