// In:    the arrival of a connection.
// Out:   a stream with the facts and the methods of a client's socket.
// Never: reads or writes an octet; its subclasses do.

import { Duplex, type DuplexOptions } from "node:stream";
import { ARRIVAL, type Arrival } from "../arrival/arrival.js";

/** Takes the place of a client's net.Socket for an application. */
export abstract class SocketFacade extends Duplex {
  readonly #arrival: Arrival;
  /** As on tls.TLSSocket; frameworks derive `req.protocol` from it. */
  readonly encrypted: boolean;

  constructor(arrival: Arrival, options: DuplexOptions) {
    super(options);
    this.#arrival = arrival;
    this.encrypted = arrival.scheme === "https";
  }

  get [ARRIVAL](): Arrival {
    return this.#arrival;
  }

  get remoteAddress(): string | undefined {
    return this.#arrival.remoteAddress;
  }

  get remotePort(): number | undefined {
    return this.#arrival.remotePort;
  }

  get remoteFamily(): string | undefined {
    return familyOf(this.#arrival.remoteAddress);
  }

  get localAddress(): string | undefined {
    return this.#arrival.localAddress;
  }

  get localPort(): number | undefined {
    return this.#arrival.localPort;
  }

  get localFamily(): string | undefined {
    return familyOf(this.#arrival.localAddress);
  }

  address(): object {
    if (this.localAddress === undefined) return {};
    return { address: this.localAddress, port: this.localPort, family: this.localFamily };
  }

  /** As on net.Socket: 'timeout' after so many idle milliseconds; 0 for never. */
  setTimeout(milliseconds: number, listener?: () => void): this {
    if (listener !== undefined && milliseconds === 0) this.removeListener("timeout", listener);
    else if (listener !== undefined) this.once("timeout", listener);
    this.idleAfter(milliseconds);
    return this;
  }

  /** Emits 'timeout' after so many idle milliseconds; 0 for never. */
  protected abstract idleAfter(milliseconds: number): void;

  setNoDelay(): this {
    return this;
  }

  setKeepAlive(): this {
    return this;
  }

  ref(): this {
    return this;
  }

  unref(): this {
    return this;
  }

  destroySoon(): void {
    if (this.writableFinished) this.destroy();
    else this.end(() => this.destroy());
  }
}

function familyOf(address: string | undefined): string | undefined {
  if (address === undefined) return undefined;
  return address.includes(":") ? "IPv6" : "IPv4";
}
