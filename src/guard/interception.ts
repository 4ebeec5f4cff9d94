// In:    a server, and the guard that is to have its events before any listener.
// Out:   to the guard: each event and each of Node's questions; to the server's listeners: the events that the guard passes on.
// Never: rules on anything.

import type { IncomingMessage, Server } from "node:http";

/** A listener without which Node would not emit an event; all guards share it, so they recognize each other's. */
const marker = (): void => {};
const marked = ["upgrade", "connect", "checkContinue", "checkExpectation"] as const;

/** A server that can be told which requests are upgrades (Node 24 and later). */
type Choosing = { shouldUpgradeCallback?: ((request: IncomingMessage) => boolean) | undefined };

/** What gets the events. */
interface Interceptor {
  /** Returns what `emit` is to return. */
  received(event: string | symbol, values: unknown[]): boolean;
  /** Node asks whether a request is an upgrade. */
  isUpgrade(request: IncomingMessage): boolean;
}

/** The functions of one guard in the place of the server's own. */
export class Interception {
  readonly #server: Server;
  readonly #emit: Server["emit"];
  readonly #hadOwnEmit: boolean;
  readonly #intercept: Server["emit"];
  readonly #shouldUpgrade: Choosing["shouldUpgradeCallback"];
  readonly #choose: (request: IncomingMessage) => boolean;
  #isReleased = false;

  constructor(server: Server, interceptor: Interceptor) {
    this.#server = server;
    for (const event of marked) server.on(event, marker);
    this.#emit = server.emit;
    this.#hadOwnEmit = Object.hasOwn(server, "emit");
    this.#intercept = (event: string | symbol, ...values: unknown[]) =>
      this.#isReleased ? this.pass(event, ...values) : interceptor.received(event, values);
    server.emit = this.#intercept;
    const choosing = server as Choosing;
    const before = choosing.shouldUpgradeCallback;
    this.#shouldUpgrade = before;
    this.#choose = (request) => (this.#isReleased ? before!.call(server, request) : interceptor.isUpgrade(request));
    if (before !== undefined) choosing.shouldUpgradeCallback = this.#choose;
  }

  get isReleased(): boolean {
    return this.#isReleased;
  }

  /** Node asks which requests are upgrades, before it emits them. */
  get isAsked(): boolean {
    return this.#shouldUpgrade !== undefined;
  }

  /** Gives an event to the server. */
  pass(event: string | symbol, ...values: unknown[]): boolean {
    return Reflect.apply(this.#emit, this.#server, [event, ...values]);
  }

  /** True if there is a listener that is not a guard's. */
  hasOthers(event: string): boolean {
    const others = this.#server.listeners(event).filter((listener) => listener !== marker).length;
    if (event !== "stream") return others > 0;
    // With a 'request' listener, node:http2 has a 'stream' listener that turns streams into requests, and CONNECT into 'connect'.
    const own = this.#server.listenerCount("request") > 0 ? 1 : 0;
    return others > own || this.hasOthers("connect");
  }

  /** From now on every event passes; the functions stay until `takeOff`. */
  release(): void {
    this.#isReleased = true;
    for (const event of marked) this.#server.removeListener(event, marker);
  }

  /** False if another function has replaced ours: that one keeps calling ours, which then lets everything pass. */
  takeOff(): boolean {
    const choosing = this.#server as Choosing;
    if (choosing.shouldUpgradeCallback === this.#choose) choosing.shouldUpgradeCallback = this.#shouldUpgrade;
    if (this.#server.emit !== this.#intercept) return false;
    if (this.#hadOwnEmit) this.#server.emit = this.#emit;
    else delete (this.#server as { emit?: unknown }).emit;
    return true;
  }
}
