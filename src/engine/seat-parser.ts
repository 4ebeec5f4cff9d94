// In:    octets of one connection, straight from the socket or by 'data'; callbacks of node:http.
// Out:   to node:http: each request head, its body and trailers, or a ParseError, as from Node's own parser.
// Never: lets another party run while octets that it still needs are in the kernel's input.

import type { AsyncResource } from "node:async_hooks";
import type { IncomingMessage } from "node:http";
import type { HeadFault } from "../head/fault.js";
import { HeadReader } from "../head/reader.js";
import { CHUNKED, type RequestHead } from "../head/request-head.js";
import { BodyReader } from "../message/body.js";
import { lineEndsEnd } from "../message/line-ends.js";
import { contextOf, type Handle, type LentStores, lendStores } from "./async-context.js";
import { BegunHead } from "./begun-head.js";
import { type Listed, listedOn } from "./connection-lists.js";
import { CurrentRead, ownCopy } from "./current-read.js";
import { readCopies, readDirectly, type SocketLike } from "./direct-reads.js";
import type { Engine, EngineLimits } from "./engine.js";
import {
  BODY_THREW,
  CLOSED,
  COMPLETE_THREW,
  HEAD_THREW,
  HEADER_OVERFLOW,
  INVALID_METHOD,
  type ParseError,
  parseError,
  type Reason,
  reasonOfBody,
  reasonOfHead,
  UNEXPECTED_END,
} from "./parse-error.js";
import { ParserMembers } from "./parser-members.js";

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

/** Octets that the extensions of one chunk may have, as in Node. */
const EXTENSION_BYTES = 16_384;
/** How many strings Node's parser hands over at once, before Node 22; later ones are dropped by as many. */
const FLUSHED = 62;
/** onIncoming's answer that the request's connection goes to another protocol, up to Node 24. */
const DETACH = 2;

/** Takes the place of Node's HTTPParser for one connection of a server. Its members without a comment are those of that class. */
export class SeatParser extends ParserMembers implements Listed {
  started = 0;
  headDone = false;
  expired = false;

  readonly #engine: Engine<SeatParser>;
  #limits: EngineLimits;
  #list: Set<Listed> | null = null;
  /** No message has begun: the time of the first one is counted from here on, until it begins. */
  #isSilent = true;
  #resource: AsyncResource | null = null;
  #stores: LentStores | null = null;
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
  /** Of the request that is about to be made, for a guard. */
  #requestHead: RequestHead | null = null;
  /** The connection goes to another protocol when the message is complete. */
  #detaches = false;
  /** "DEAD": why, and where; all that comes later gets the same error. Set before a callback, for the case that it throws. */
  #failure: Reason = HEAD_THREW;
  #failedAt = 0;
  #fault: HeadFault | null = null;
  #error: ParseError | null = null;

  /** A read is being parsed. */
  #busy = false;
  /** Reads that came meanwhile; each is parsed when the one before has been reported to node:http. */
  #waiting: Buffer[] = [];
  readonly #current: CurrentRead;
  /** The socket that reads into the kernel's input. */
  #reads: SocketLike | null = null;

  constructor(engine: Engine<SeatParser>) {
    super(engine.parts);
    this.#engine = engine;
    this.#limits = engine.limits(0);
    this.#current = new CurrentRead(engine.kernel, engine.input, engine.spareMemory);
  }

  initialize(_type: number, resource: object, maxHeaderSize: number, _lenient: number, list?: object): void {
    this.#forget();
    this.#isTaken = true;
    this.#limits = this.#engine.limits(maxHeaderSize);
    this.started = performance.now();
    this.#isSilent = true;
    this.headDone = false;
    this.expired = false;
    if (list) {
      this.#list = listedOn(list);
      this.#list.add(this);
    }
    // Requests run in the context in which the connection was made, as those of Node's parser do.
    const { storesOnResources } = this.#engine.parts;
    if (storesOnResources) this.#stores = lendStores((resource as { socket?: SocketLike }).socket?._handle);
    else this.#resource = contextOf();
  }

  protected override requestMade(request: IncomingMessage): void {
    if (this.#requestHead === null) return;
    this.#engine.heads!.set(request, this.#requestHead);
    this.#requestHead = null;
  }

  /** A connection has it. */
  get isTaken(): boolean {
    return this.#isTaken;
  }

  /** The connection is gone. Node cleans up before this or after it, depending on its version. */
  remove(): void {
    this.#list?.delete(this);
    this.#resource?.emitDestroy();
    this.#stores?.takeBack();
    this.#isTaken = false;
    this.#forget();
  }

  free(): void {
    this.#engine.giveBack(this);
  }

  #forget(): void {
    this.#life++;
    this.#list = null;
    this.#resource = null;
    this.#stores = null;
    this.made = null;
    this.#state = State.HEAD;
    this.#reader = null;
    this.#begun = null;
    this.#body = null;
    this.#trailers = [];
    this.#keepAlive = true;
    this.#requestHead = null;
    this.#detaches = false;
    this.#fault = null;
    this.#error = null;
    this.#busy = false;
    this.#waiting = [];
    this.#reads = null;
    this.#current.end();
  }

  consume(handle: Handle): void {
    const { socket } = this;
    // A socket that cannot be read directly comes by 'data'.
    if (socket !== null && readDirectly(this.#engine, socket, handle, (count) => this.#onRead(count))) {
      this.#reads = socket;
    }
  }

  unconsume(): void {
    if (this.#reads !== null) readCopies(this.#engine, this.#reads);
    this.#reads = null;
  }

  /** All octets of the newest read, while it is being parsed. */
  getCurrentBuffer(): Buffer {
    return this.#current.whole();
  }

  /** The client has ended: an error if it did so within a message. Also called before another protocol gets the socket. */
  finish(): ParseError | undefined {
    if (this.#state === State.DETACHED) this.#returnWaiting();
    else if (!this.#busy && this.#waiting.length > 0) this.#readWaiting();
    const isWithin = this.#state === State.LENGTH || this.#state === State.CHUNKED || this.#reader !== null;
    if (!isWithin) return undefined;
    this.#fail(UNEXPECTED_END, 0);
    return this.#error!;
  }

  /** Takes octets that the socket has read into the kernel's input. */
  #onRead(count: number): void {
    if (this.#isAhead()) this.#putOff(ownCopy(this.#engine.input, 0, count));
    else if (this.#resource === null) this.#read(count);
    else this.#resource.runInAsyncScope(this.#read, this, count);
  }

  #read(count: number): void {
    const current = this.#current;
    current.beginInPlace(count);
    if (this.#state === State.LENGTH) current.moveOut(0, count <= this.#left);
    else if (this.#state !== State.HEAD || this.#reader !== null) current.moveOut(0, false);
    this.#parseAndReport();
    if (this.#waiting.length > 0) this.#readWaiting();
  }

  /** Takes octets of a 'data' event. Returns how many were taken, or a `ParseError`. */
  execute(octets: Buffer): number | ParseError {
    if (this.#isAhead()) {
      this.#putOff(ownCopy(octets));
      return octets.length;
    }
    if (this.#resource === null) return this.#take(octets);
    return this.#resource.runInAsyncScope(this.#take, this, octets);
  }

  #take(octets: Buffer): number | ParseError {
    this.#current.begin(octets, false);
    try {
      return this.#parse();
    } finally {
      this.#current.end();
    }
  }

  /** Parses the current read, of which node:http has to learn. */
  #parseAndReport(): void {
    const life = this.#life;
    try {
      const result = this.#parse();
      // A callback may have ended this connection, and begun another with this parser.
      if (this.#life === life) this.onExecute(result);
    } finally {
      this.#current.end();
    }
  }

  /** Octets that came earlier are not done with: those that come now have to wait. */
  #isAhead(): boolean {
    return this.#busy || this.#waiting.length > 0;
  }

  #putOff(octets: Buffer): void {
    this.#waiting.push(octets);
    if (!this.#busy) {
      this.#readWaiting();
      return;
    }
    const life = this.#life;
    process.nextTick(() => {
      if (this.#life === life) this.#readWaiting();
    });
  }

  /** Parses what has come while another read was being parsed. */
  #readWaiting(): void {
    const life = this.#life;
    while (this.#life === life && !this.#busy && this.#waiting.length > 0) {
      if (this.socket!.destroyed) this.#waiting = [];
      else if (this.#resource === null) this.#readNext();
      else this.#resource.runInAsyncScope(this.#readNext, this);
    }
  }

  #readNext(): void {
    this.#current.begin(this.#waiting.shift()!, true);
    this.expectTimer();
    this.#parseAndReport();
  }

  /** Gives the socket back what has come for another protocol. */
  #returnWaiting(): void {
    const rest = Buffer.concat(this.#waiting);
    this.#waiting = [];
    if (rest.length > 0) this.socket!.unshift?.(ownCopy(rest));
  }

  #parse(): number | ParseError {
    const life = this.#life;
    this.#busy = true;
    try {
      return this.#parseOnce();
    } catch (thrown) {
      // The message never ends, so that its time does.
      if (this.#life === life && this.started === 0) this.started = performance.now();
      throw thrown;
    } finally {
      if (this.#life === life) this.#busy = false;
    }
  }

  #parseOnce(): number | ParseError {
    const life = this.#life;
    const { length } = this.#current;
    let at = 0;
    while (at < length) {
      at = this.#step(at, length);
      if (this.#life !== life) return length;
      if (at < 0) return this.#error!;
      if (this.#state === State.DETACHED) return at;
    }
    const isWithin = this.#state !== State.HEAD ? this.#state !== State.CLOSED : this.#reader !== null;
    if (isWithin && (this.started === 0 || this.#isSilent)) {
      this.started = performance.now();
      this.#isSilent = false;
      this.expired = false;
    }
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
      default:
        return this.#fail(this.#failure, this.#failedAt, this.#fault);
    }
  }

  #readHead(start: number, length: number): number {
    const { kernel, head } = this.#engine;
    const current = this.#current;
    current.show(start);
    const { shift } = current;
    const end = current.shownEnd - shift;
    // Empty lines before a request are not the beginning of one.
    const from = lineEndsEnd(kernel.input, start - shift, end);
    const at = from + shift;
    if (from === end) return at;
    const found = head.read(kernel, from, end, this.#limits);
    current.stillShown();
    if (found === "complete") return this.#begin(head.end + shift);
    const { fault } = head;
    current.moveOut(start, false);
    this.#begun = new BegunHead();
    if (found === "malformed") return this.#refuse(fault!, at, at, length);
    const { headBytes, fieldLines } = this.#limits;
    this.#reader = new HeadReader({ host: "optional", limits: { headBytes, fieldLines } });
    return this.#readPiece(this.#reader, at, length);
  }

  /** A head in several pieces; or in one that is longer than what was shown. */
  #readPiece(reader: HeadReader, at: number, length: number): number {
    const piece = this.#current.octets(at, length);
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
    head.read(kernel, 0, text.length, this.#limits);
    return this.#begin(at + result.consumed);
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
    const end = Math.min(length, Math.max(at, start + fault.offset + 1));
    if (!this.#follow(this.#current.octets(at, end), end)) return -1;
    const reason = reasonOfHead(fault, this.#begun!.isRequestLine(fault.offset));
    return this.#fail(reason, Math.max(0, start + fault.offset), fault);
  }

  /** The engine's `head` was read; it ends before octet `end` of the read. */
  #begin(end: number): number {
    const { parts, head, heads, kernel } = this.#engine;
    const { method, url, minor, keepAlive, rawHeaders } = head;
    const number = parts.methods.get(method);
    this.#current.moveOut(end, head.contentLength >= this.#current.length - end, head.text);
    if (number === undefined) return this.#fail(INVALID_METHOD, end);
    if (head.hasAtLeast(this.#limits.counted)) return this.#fail(HEADER_OVERFLOW, end);
    const pairs = this.maxHeaderPairs;
    const isOver = pairs > 0 && rawHeaders.length > pairs;
    if (isOver && parts.refusesManyLines) return this.#fail(HEADER_OVERFLOW, end);
    if (isOver) rawHeaders.length = Math.min(rawHeaders.length, FLUSHED * Math.ceil(pairs / FLUSHED));
    this.made = isOver ? null : head.headers;
    const isConnect = method === "CONNECT";
    const upgrade = isConnect || head.upgrade;
    let next = State.HEAD;
    if (head.chunked) {
      next = State.CHUNKED;
      this.#trailers = [];
      this.#body = new BodyReader(CHUNKED, this.#limits.counted, { extensionBytes: EXTENSION_BYTES });
    } else if (head.contentLength > 0) {
      next = State.LENGTH;
      this.#left = head.contentLength;
    }
    this.#keepAlive = keepAlive;
    this.headDone = true;

    // Now, since a class of the application's makes the request, and may have others read meanwhile.
    this.#requestHead = heads === null ? null : head.toRequestHead(kernel);
    const life = this.#life;
    this.#leave(HEAD_THREW, end);
    const answer = this.onHead(minor, rawHeaders, number, url, upgrade, keepAlive);
    if (this.#life !== life) return end;
    this.#detaches = answer === DETACH || (upgrade && this.incoming?.upgrade === true);
    if (answer === DETACH || (this.#detaches && isConnect)) next = State.HEAD;
    this.#state = next;
    if (next === State.HEAD) this.#complete(end);
    return end;
  }

  #readContent(at: number, length: number): number {
    const end = Math.min(length, at + this.#left);
    this.#left -= end - at;
    const isLast = this.#left === 0;
    if (this.#passOn(at, end, State.LENGTH) && isLast) this.#complete(end);
    return end;
  }

  #readChunks(body: BodyReader, at: number, length: number): number {
    const chunk = this.#current.octets(at, length);
    const end = body.next(chunk, 0);
    if (end < 0) return this.#fail(reasonOfBody(body.fault!), at + body.contentStart);
    if (body.contentStart < end) this.#passOn(at + body.contentStart, at + end, State.CHUNKED);
    else if (body.done) {
      this.#trailers = [...body.trailers];
      this.#complete(at + end);
    }
    return at + end;
  }

  /** False if the connection is gone afterwards. */
  #passOn(start: number, end: number, next: State): boolean {
    const life = this.#life;
    this.#leave(BODY_THREW, end);
    this.onBody(this.#current.piece(start, end));
    if (this.#life !== life) return false;
    this.#state = next;
    return true;
  }

  /** `end`: where the message ends in this read. */
  #complete(end: number): void {
    const life = this.#life;
    this.started = 0;
    this.#isSilent = false;
    this.headDone = false;
    this.expired = false;
    this.#body = null;
    const trailers = this.#trailers;
    this.#leave(COMPLETE_THREW, end);
    if (trailers.length > 0) {
      this.#trailers = [];
      this.onTrailers(trailers);
    }
    this.onMessageComplete();
    if (this.#life !== life) return;
    this.#state = this.#detaches ? State.DETACHED : this.#keepAlive ? State.HEAD : State.CLOSED;
  }

  /** After a message that was the last one only line ends may come. */
  #readAfterLast(start: number, length: number): number {
    const octets = this.#current.octets(start, length);
    const at = start + lineEndsEnd(octets, 0, octets.length);
    return at === length ? length : this.#fail(CLOSED, at);
  }

  /** Before a callback: whatever comes within it has to wait, and if it throws, this is the error of all that comes later. */
  #leave(reason: Reason, at: number): void {
    this.#state = State.DEAD;
    this.#failure = reason;
    this.#failedAt = at;
  }

  #fail(reason: Reason, at: number, fault: HeadFault | null = null): number {
    this.#leave(reason, at);
    this.#reader = null;
    this.#fault = fault;
    this.#error = parseError(reason, at, fault);
    return -1;
  }
}
