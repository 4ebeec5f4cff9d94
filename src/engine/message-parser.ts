// In:    the current read of one connection: octets of requests, or a head that was read before.
// Out:   to node:http: each request head, its body and trailers, or a ParseError, as from Node's own parser.
// Never: lets another party run while octets that it still needs are in the kernel's input.

import type { IncomingMessage } from "node:http";
import type { HeadFault } from "../head/fault.js";
import { HeadReader } from "../head/reader.js";
import { CHUNKED, type RequestHead } from "../head/request-head.js";
import { BodyReader } from "../message/body.js";
import { lineEndsEnd } from "../message/line-ends.js";
import { BegunHead } from "./begun-head.js";
import type { Listed } from "./connection-lists.js";
import { CurrentRead } from "./current-read.js";
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
  BODY,
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

/** A head that was read and accepted before; its content comes as octets. */
export interface ReadHead {
  readonly head: RequestHead;
  /** What node:http is to see of its field lines, which it may change: name, value, name, value. */
  readonly lines: string[];
  /** These are the lines of the head itself. */
  readonly isAsSent: boolean;
}

/** The place of a server's parsers. */
export interface Place {
  /** How many guards rule on what is read here. */
  guards: number;
}

/** The messages of one connection; how its octets come is the concern of `SeatParser`. */
export abstract class MessageParser<Own extends object> extends ParserMembers implements Listed {
  started = 0;
  headDone = false;
  expired = false;
  /** Where the connection came in; null for one without a server. */
  place: Place | null = null;

  protected readonly engine: Engine<Own>;
  protected readonly current: CurrentRead;
  /** Counts the connections that it had: a callback may end this one, and begin another. */
  protected life = 0;
  /** A read is being parsed. */
  protected busy = false;
  #limits: EngineLimits;
  /** No message has begun: the time of the first one is counted from here on, until it begins. */
  #isSilent = true;

  #state = State.HEAD;
  #reader: HeadReader | null = null;
  #begun: BegunHead | null = null;
  #body: BodyReader | null = null;
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

  constructor(engine: Engine<Own>) {
    super(engine.parts);
    this.engine = engine;
    this.#limits = engine.limits(0);
    this.current = new CurrentRead(engine.kernel, engine.input, engine.spareMemory);
  }

  /** A connection begins. `maxHeaderSize`: of its server; 0 for that of the process. */
  protected beginMessages(maxHeaderSize: number): void {
    this.#limits = this.engine.limits(maxHeaderSize);
    this.started = performance.now();
    this.#isSilent = true;
    this.headDone = false;
    this.expired = false;
  }

  /** The connection is gone. */
  protected forgetMessages(): void {
    this.life++;
    this.made = null;
    this.#state = State.HEAD;
    this.#reader = null;
    this.#begun = null;
    this.#body = null;
    this.#keepAlive = true;
    this.#requestHead = null;
    this.#detaches = false;
    this.#fault = null;
    this.#error = null;
    this.busy = false;
    this.current.end();
  }

  protected override requestMade(request: IncomingMessage): void {
    if (this.#requestHead === null) return;
    this.engine.heads!.set(request, this.#requestHead);
    this.#requestHead = null;
  }

  /** What follows belongs to another protocol. */
  protected get isDetached(): boolean {
    return this.#state === State.DETACHED;
  }

  /** A guard rules on it. Its rule about Host comes before that of its server (`requireHostHeader`), which has no code. */
  get #isGuarded(): boolean {
    return this.place !== null && this.place.guards > 0;
  }

  /** The next octet is the first one of a request. */
  protected get isBetween(): boolean {
    return this.#state === State.HEAD && this.#reader === null && !this.busy;
  }

  /** The client has ended: an error if it did so within a message. */
  protected breakOff(): ParseError | undefined {
    if (this.#state !== State.BODY && this.#reader === null) return undefined;
    this.#fail(UNEXPECTED_END, 0);
    return this.#error!;
  }

  /** A read of `count` octets is in the kernel's input: what does not begin with a head leaves it. */
  protected takeOut(count: number): void {
    if (this.#state === State.BODY) this.current.moveOut(0, count <= this.#body!.contentAhead);
    else if (this.#state !== State.HEAD || this.#reader !== null) this.current.moveOut(0, false);
  }

  /** Parses the current read; before it, a head that was read elsewhere. Returns how many octets it has taken, or why the rest is malformed. */
  protected parse(read: ReadHead | null = null): number | ParseError {
    const { life } = this;
    this.busy = true;
    try {
      return this.#parseOnce(read);
    } catch (thrown) {
      // The message never ends, so that its time does.
      if (this.life === life && this.started === 0) this.started = performance.now();
      throw thrown;
    } finally {
      if (this.life === life) this.busy = false;
    }
  }

  #parseOnce(read: ReadHead | null): number | ParseError {
    const { life } = this;
    const { length } = this.current;
    let at = read === null ? 0 : this.#take(read);
    while (this.life === life && at >= 0 && at < length) {
      at = this.#step(at, length);
      if (this.#state === State.DETACHED) break;
    }
    if (this.life !== life) return length;
    if (at < 0) return this.#error!;
    if (this.#state !== State.DETACHED) this.#keepTime();
    return at;
  }

  /** A message that a read leaves incomplete has a time. */
  #keepTime(): void {
    const isWithin = this.#state !== State.HEAD ? this.#state !== State.CLOSED : this.#reader !== null;
    if (!isWithin || (this.started !== 0 && !this.#isSilent)) return;
    this.started = performance.now();
    this.#isSilent = false;
    this.expired = false;
  }

  /** Goes on at octet `at` of a read of `length` octets; returns where it has come to, or -1 after a fault. */
  #step(at: number, length: number): number {
    switch (this.#state) {
      case State.HEAD:
        return this.#reader === null ? this.#readHead(at, length) : this.#readPiece(this.#reader, at, length);
      case State.BODY:
        return this.#readBody(this.#body!, at, length);
      case State.CLOSED:
        return this.#readAfterLast(at, length);
      case State.DETACHED:
        return at;
      default:
        return this.#fail(this.#failure, this.#failedAt, this.#fault);
    }
  }

  #take({ head, lines, isAsSent }: ReadHead): number {
    this.engine.head.take(head, lines);
    return this.#begin(head.size, isAsSent ? head : null);
  }

  #readHead(start: number, length: number): number {
    const { kernel, head } = this.engine;
    const current = this.current;
    current.show(start);
    const { shift } = current;
    const end = current.shownEnd - shift;
    // Empty lines before a request are not the beginning of one.
    const from = lineEndsEnd(kernel.input, start - shift, end);
    const at = from + shift;
    if (from === end) return at;
    const found = head.read(kernel, from, end, this.#limits, this.#isGuarded);
    current.stillShown();
    if (found === "complete") return this.#begin(head.end + shift);
    const { fault } = head;
    current.moveOut(start, false);
    this.#begun = new BegunHead();
    if (found === "malformed") return this.#refuse(fault!, at, at, length);
    const { headBytes, fieldLines } = this.#limits;
    this.#reader = new HeadReader({
      host: this.#isGuarded ? "required" : "optional",
      limits: { headBytes, fieldLines },
    });
    return this.#readPiece(this.#reader, at, length);
  }

  /** A head in several pieces; or in one that is longer than what was shown. */
  #readPiece(reader: HeadReader, at: number, length: number): number {
    const piece = this.current.octets(at, length);
    const before = reader.pending;
    const result = reader.read(piece);
    if (result.kind === "partial") {
      return this.#follow(piece, length) ? length : -1;
    }
    this.#reader = null;
    if (result.kind === "malformed") return this.#refuse(result.fault, at - before, at, length);
    const { kernel, head } = this.engine;
    this.#begun = null;
    const text = result.head.toString();
    kernel.text.write(text, 0);
    head.read(kernel, 0, text.length, this.#limits, false);
    return this.#begin(at + result.consumed);
  }

  /** Checks octets of an incomplete head for what Node refuses at once; false after a fault. `fault`: what the kernel has found in them. */
  #follow(piece: Uint8Array, end: number, fault: HeadFault | null = null): boolean {
    const begun = this.#begun!;
    begun.add(piece);
    const { methods } = this.engine.parts;
    const wrong = begun.wrongMethodAt(methods);
    // A fault after that octet would depend on how the octets are cut.
    const isFault = fault !== null && fault.offset <= wrong;
    if (wrong >= 0) this.#fail(INVALID_METHOD, Math.max(0, end - begun.size + wrong), isFault ? fault : null);
    else if (begun.countedAtLeast >= this.#limits.counted) this.#fail(HEADER_OVERFLOW, end);
    else return true;
    this.#reader = null;
    return false;
  }

  /** `start`: of the head, counted within this read, negative if it began in an earlier one. */
  #refuse(fault: HeadFault, start: number, at: number, length: number): number {
    const end = Math.min(length, Math.max(at, start + fault.offset + 1));
    if (!this.#follow(this.current.octets(at, end), end, fault)) return -1;
    const reason = reasonOfHead(fault, this.#begun!.isRequestLine(fault.offset));
    return this.#fail(reason, Math.max(0, start + fault.offset), fault);
  }

  /** The engine's `head` was read; it ends before octet `end` of the read. `ruled`: for a guard, if it was not read here. */
  #begin(end: number, ruled?: RequestHead | null): number {
    const { parts, head, kernel } = this.engine;
    const { method, url, minor, keepAlive, rawHeaders } = head;
    const number = parts.methods.get(method);
    this.current.moveOut(end, head.contentLength >= this.current.length - end, head.text);
    if (number === undefined) return this.#fail(INVALID_METHOD, end);
    if (head.hasAtLeast(this.#limits.counted)) return this.#fail(HEADER_OVERFLOW, end);
    const pairs = this.maxHeaderPairs;
    const isOver = pairs > 0 && rawHeaders.length > pairs;
    if (isOver && parts.refusesManyLines) return this.#fail(HEADER_OVERFLOW, end);
    if (isOver) rawHeaders.length = Math.min(rawHeaders.length, FLUSHED * Math.ceil(pairs / FLUSHED));
    this.made = isOver ? null : head.headers;
    const isConnect = method === "CONNECT";
    const upgrade = isConnect || head.upgrade;
    const { chunked, contentLength } = head;
    const framing = chunked ? CHUNKED : ({ kind: "content-length", length: contentLength } as const);
    const isEmpty = !chunked && contentLength === 0;
    this.#body = isEmpty ? null : new BodyReader(framing, this.#limits.counted, { extensionBytes: EXTENSION_BYTES });
    this.#keepAlive = keepAlive;
    this.headDone = true;

    // Now, since a class of the application's makes the request, and may have others read meanwhile.
    if (this.#isGuarded) this.#requestHead = ruled === undefined ? head.toRequestHead(kernel) : ruled;
    const life = this.life;
    this.#leave(HEAD_THREW, end);
    const answer = this.onHead(minor, rawHeaders, number, url, upgrade, keepAlive);
    if (this.life !== life) return end;
    this.#detaches = answer === DETACH || (upgrade && this.incoming?.upgrade === true);
    if (isEmpty || answer === DETACH || (this.#detaches && isConnect)) this.#complete(end);
    else this.#state = State.BODY;
    return end;
  }

  #readBody(body: BodyReader, at: number, length: number): number {
    const end = body.next(this.current.octets(at, length), 0);
    if (end < 0) return this.#fail(reasonOfBody(body.fault!), at + body.contentStart);
    const isOurs = body.contentStart === end || this.#passOn(at + body.contentStart, at + end);
    if (isOurs && body.done) this.#complete(at + end);
    return at + end;
  }

  /** False if the connection is gone afterwards. */
  #passOn(start: number, end: number): boolean {
    const life = this.life;
    this.#leave(BODY_THREW, end);
    this.onBody(this.current.piece(start, end));
    if (this.life !== life) return false;
    this.#state = State.BODY;
    return true;
  }

  /** `end`: where the message ends in this read. */
  #complete(end: number): void {
    const life = this.life;
    this.started = 0;
    this.#isSilent = false;
    this.headDone = false;
    this.expired = false;
    const trailers = this.#body?.trailers;
    this.#body = null;
    this.#leave(COMPLETE_THREW, end);
    if (trailers !== undefined && trailers.length > 0) this.onTrailers([...trailers]);
    this.onMessageComplete();
    if (this.life !== life) return;
    this.#state = this.#detaches ? State.DETACHED : this.#keepAlive ? State.HEAD : State.CLOSED;
  }

  /** After a message that was the last one only line ends may come. */
  #readAfterLast(start: number, length: number): number {
    const octets = this.current.octets(start, length);
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
