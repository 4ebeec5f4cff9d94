// In:    a gate whose process is about to go, the deadline.
// Out:   each of its connections closed in its own protocol, or cut when the time is up; how many of each.
// Never: closes a listening socket, which is its owner's.

import { checkSettings, describe } from "../head/options.js";
import type { Context } from "./context.js";
import { type Drainable, HandedOver } from "./open-connections.js";
import { throwLater } from "./throw-later.js";

/** Of `gate.drain`. */
export interface DrainOptions {
  /** When it is aborted, what is left is cut; without it, after `limits.drainTimeout`. */
  signal?: AbortSignal | undefined;
  /** The close code of WebSockets (RFC 6455 §7.4): 1000, 1001, 1012, 1013, or 3000 to 4999. Default 1001, going away. */
  closeCode?: number | undefined;
  /**
   * Milliseconds over which the closes of WebSockets are spread evenly, so that their clients do not all come back at once; idle
   * connections are closed at its end. Default 0; at most 3600000.
   */
  spread?: number | undefined;
}

/** What a drain has done. A WebSocket over HTTP/2 counts by itself, besides its connection. */
export interface DrainCounts {
  /** Connections that came to their end in time. */
  readonly closed: number;
  /** Connections that were destroyed when the time was up. */
  readonly cut: number;
  /** Upgrades that were refused because the gate was draining. */
  readonly refused: number;
}

const settings = ["signal", "closeCode", "spread"];
const MAX_SPREAD = 3_600_000;

/** Throws `TypeError` for an unknown name and for a value of the wrong type, `RangeError` for a number out of range. */
export function readDrainOptions(
  given: DrainOptions,
): Required<Omit<DrainOptions, "signal">> & { signal: AbortSignal | null } {
  checkSettings(given, settings, "a drain", "write { signal: AbortSignal.timeout(10_000) }");
  const { signal, closeCode = 1001, spread = 0 } = given;
  if (signal !== undefined && !(signal instanceof AbortSignal)) {
    throw new TypeError(`signal is ${describe(signal)}; it must be an AbortSignal, as AbortSignal.timeout(10_000)`);
  }
  if (typeof closeCode !== "number") throw new TypeError(`closeCode is ${describe(closeCode)}; it must be a number`);
  if (!isCloseCode(closeCode)) {
    throw new RangeError(`closeCode is ${closeCode}; it must be 1000, 1001, 1012, 1013, or from 3000 to 4999`);
  }
  if (typeof spread !== "number")
    throw new TypeError(`spread is ${describe(spread)}; it must be a number of milliseconds`);
  if (!Number.isInteger(spread) || spread < 0 || spread > MAX_SPREAD) {
    throw new RangeError(`spread is ${spread}; it must be an integer from 0 to ${MAX_SPREAD} milliseconds`);
  }
  return { signal: signal ?? null, closeCode, spread };
}

/** Those that a server may send when it goes (RFC 6455 §7.4.1, §7.4.2, and IANA's registry). */
function isCloseCode(code: number): boolean {
  return [1000, 1001, 1012, 1013].includes(code) || (Number.isInteger(code) && code >= 3000 && code <= 4999);
}

/** One drain, from its call to its end. */
export class Drain {
  /** How many connections were closed, and how many cut. */
  readonly ended: Promise<Omit<DrainCounts, "refused">>;
  readonly #context: Context;
  readonly #resolve: (counts: Omit<DrainCounts, "refused">) => void;
  #deadline: ReturnType<typeof setTimeout> | undefined;
  #pace: ReturnType<typeof setTimeout> | undefined;
  /** Aborted at its end: signals that outlive it then keep no listener. */
  readonly #over = new AbortController();

  constructor(context: Context, closeCode: number, spread: number) {
    this.#context = context;
    let resolve: (counts: Omit<DrainCounts, "refused">) => void = () => {};
    this.ended = new Promise((settle) => {
      resolve = settle;
    });
    this.#resolve = resolve;
    const { open } = context;
    open.state = "draining";
    open.closeCode = closeCode;
    open.whenClosed = context.lingering.whenEmpty = () => this.#endIfEmpty();
    open.sweep();
    forEach(this.#adopted(), (one) => one.drain());
    const handed: Drainable[] = [];
    forEach(open.watched, (one) => {
      if (one instanceof HandedOver) handed.push(one);
      else one.drain();
    });
    this.#spread(handed, spread);
    // A gate without connections has none to wait for.
    setImmediate(() => this.#endIfEmpty());
  }

  /** Cuts when the signal is aborted; without one, after `limits.drainTimeout`. */
  endBy(signal: AbortSignal | null): void {
    if (this.#context.open.state === "drained") return;
    const cut = (): void => this.#cut();
    if (signal === null) this.#deadline ??= setTimeout(cut, this.#context.limits.drainTimeout);
    else if (signal.aborted) cut();
    else signal.addEventListener("abort", cut, { signal: this.#over.signal });
  }

  /** Those that are in a list of deadlines, or are served, each once: a waiting connection is known nowhere else. */
  #adopted(): Set<Drainable> {
    const { authorizing, heads, sessions, open } = this.#context;
    return new Set<Drainable>([...authorizing, ...heads, ...sessions, ...open.served]);
  }

  /** Closes evenly: after `spread` milliseconds the last one. */
  #spread(handed: readonly Drainable[], spread: number): void {
    const began = performance.now();
    let next = 0;
    const go = (): void => {
      const isOver = performance.now() - began >= spread;
      const due = isOver ? handed.length : Math.ceil((handed.length * (performance.now() - began)) / spread);
      for (; next < due; next++) handed[next]!.drain();
      if (!isOver) {
        this.#pace = setTimeout(go, Math.max(1, spread / Math.max(1, handed.length)));
        return;
      }
      this.#closeIdle();
    };
    go();
  }

  /** In a later turn: a request that has come by now is read first, and its connection is not idle. */
  #closeIdle(): void {
    setImmediate(() => this.#closeIdleNow());
  }

  #closeIdleNow(): void {
    const { heads, open, sessions } = this.#context;
    if (open.state === "drained") return;
    open.sweep();
    forEach([...heads, ...sessions, ...open.served, ...open.watched], (one) => one.closeIdle?.());
    // In a later turn, in which sockets report their close; those that were sent away never do.
    setImmediate(() => this.#endIfEmpty());
  }

  #endIfEmpty(): void {
    const { open, lingering } = this.#context;
    // A gate that has nothing left does not wait for the rest of the time over which it would spread.
    if (open.isEmpty && lingering.size === 0) this.#end(0);
  }

  #cut(): void {
    const { open, lingering } = this.#context;
    if (open.state === "drained") return;
    open.sweep();
    const left = new Set<Drainable>([...this.#adopted(), ...open.watched]);
    this.#end(left.size);
    forEach(left, (one) => one.cut());
    for (const one of [...lingering]) {
      lingering.remove(one);
      one.expire();
    }
  }

  #end(cut: number): void {
    const { open, lingering } = this.#context;
    if (open.whenClosed === null) return;
    open.state = "drained";
    open.whenClosed = lingering.whenEmpty = null;
    clearTimeout(this.#deadline);
    clearTimeout(this.#pace);
    this.#over.abort();
    // Sockets that were destroyed have closed by then.
    setImmediate(() => this.#resolve({ closed: open.closed, cut }));
  }
}

/** What a stream of the application's throws is thrown again in a microtask: the others are still to be closed. */
function forEach(all: Iterable<Drainable>, act: (one: Drainable) => void): void {
  for (const one of all) {
    try {
      act(one);
    } catch (error) {
      throwLater(error);
    }
  }
}
