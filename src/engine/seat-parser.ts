// In:    one connection of a server: octets straight from the socket or by 'data', or heads that were read before.
// Out:   the same octets, read after read, to be parsed; what became of each to node:http.
// Never: parses a read before node:http has learned of the one before, or in another context than that of the connection.

import type { AsyncResource } from "node:async_hooks";
import { type Handle, hasStores, type LentStores, lendStores, newContext } from "./async-context.js";
import { type Listed, listedOn } from "./connection-lists.js";
import { ownCopy } from "./current-read.js";
import { readCopies, readDirectly, type SocketLike } from "./direct-reads.js";
import { MessageParser, type ReadHead } from "./message-parser.js";
import type { ParseError } from "./parse-error.js";

/** Takes the place of Node's HTTPParser for one connection of a server. Its members without a comment are those of that class. */
export class SeatParser extends MessageParser<SeatParser> {
  #list: Set<Listed> | null = null;
  #resource: AsyncResource | null = null;
  #stores: LentStores | null = null;
  #isTaken = false;

  /** Reads that came meanwhile; each is parsed when the one before has been reported to node:http. */
  #waiting: Buffer[] = [];
  /** The socket that reads into the kernel's input. */
  #reads: SocketLike | null = null;

  initialize(_type: number, resource: object, maxHeaderSize: number, _lenient: number, list?: object): void {
    this.#forget();
    this.#isTaken = true;
    this.beginMessages(maxHeaderSize);
    if (list) {
      this.#list = listedOn(list);
      this.#list.add(this);
    }
    // Requests run in the context in which the connection was made, as those of Node's parser do.
    const handle = (resource as { socket?: SocketLike }).socket?._handle;
    const { storesOnResources } = this.engine.parts;
    if (storesOnResources && handle) this.#stores = lendStores(handle);
    else if (!storesOnResources || hasStores()) this.#resource = newContext();
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
    this.place = null;
    this.#forget();
  }

  free(): void {
    this.engine.giveBack(this);
  }

  #forget(): void {
    this.forgetMessages();
    this.#list = null;
    this.#resource = null;
    this.#stores = null;
    this.#waiting = [];
    this.#reads = null;
  }

  consume(handle: Handle): void {
    const { socket } = this;
    // A socket that cannot be read directly comes by 'data'.
    if (socket !== null && readDirectly(this.engine, socket, handle, (count) => this.#onRead(count))) {
      this.#reads = socket;
    }
  }

  unconsume(): void {
    if (this.#reads !== null) readCopies(this.engine, this.#reads);
    this.#reads = null;
  }

  /** All octets of the newest read, while it is being parsed. */
  getCurrentBuffer(): Buffer {
    return this.current.whole();
  }

  /** The client has ended: an error if it did so within a message. Also called before another protocol gets the socket. */
  finish(): ParseError | undefined {
    if (this.isDetached) this.#returnWaiting();
    else if (!this.busy && this.#waiting.length > 0) this.#readWaiting();
    return this.breakOff();
  }

  /** Takes octets that the socket has read into the kernel's input. */
  #onRead(count: number): void {
    if (this.#isAhead()) this.#putOff(ownCopy(this.engine.input, 0, count));
    else if (this.#resource === null) this.#read(count);
    else this.#resource.runInAsyncScope(this.#read, this, count);
  }

  #read(count: number): void {
    this.current.beginInPlace(count);
    this.takeOut(count);
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
    this.current.begin(octets, false);
    try {
      return this.parse();
    } finally {
      this.current.end();
    }
  }

  /**
   * True if it takes a head that was read before, in the place of the next octets. They come by 'data' then, and so `execute` is
   * what gets the content.
   */
  get takesHeads(): boolean {
    return this.isBetween && this.#waiting.length === 0 && this.#reads === null;
  }

  /** Only where `takesHeads`; throws what a listener throws. */
  takeHead(read: ReadHead): void {
    if (this.#resource === null) this.#takeRead(read);
    else this.#resource.runInAsyncScope(this.#takeRead, this, read);
  }

  #takeRead(read: ReadHead): void {
    this.expectTimer();
    this.#parseAndReport(read);
  }

  /** Parses the current read, of which node:http has to learn. */
  #parseAndReport(read: ReadHead | null = null): void {
    const { life } = this;
    try {
      const result = this.parse(read);
      // A callback may have ended this connection, and begun another with this parser.
      if (this.life !== life) return;
      // What 'clientError' gets as rawPacket.
      if (read !== null && typeof result !== "number")
        this.current.begin(Buffer.from(String(read.head), "latin1"), true);
      this.onExecute(result);
    } finally {
      this.current.end();
    }
  }

  /** Octets that came earlier are not done with: those that come now have to wait. */
  #isAhead(): boolean {
    return this.busy || this.#waiting.length > 0;
  }

  #putOff(octets: Buffer): void {
    this.#waiting.push(octets);
    if (!this.busy) {
      this.#readWaiting();
      return;
    }
    const life = this.life;
    process.nextTick(() => {
      if (this.life === life) this.#readWaiting();
    });
  }

  /** Parses what has come while another read was being parsed. */
  #readWaiting(): void {
    const life = this.life;
    while (this.life === life && !this.busy && this.#waiting.length > 0) {
      if (this.socket!.destroyed) this.#waiting = [];
      else if (this.#resource === null) this.#readNext();
      else this.#resource.runInAsyncScope(this.#readNext, this);
    }
  }

  #readNext(): void {
    this.current.begin(this.#waiting.shift()!, true);
    this.expectTimer();
    this.#parseAndReport();
  }

  /** Gives the socket back what has come for another protocol. */
  #returnWaiting(): void {
    const rest = Buffer.concat(this.#waiting);
    this.#waiting = [];
    if (rest.length > 0) this.socket!.unshift?.(ownCopy(rest));
  }
}
