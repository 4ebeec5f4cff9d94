// In:    what a socket shows of itself, what its giver says, what the configuration declares.
// Out:   Arrival: where a connection came in.
// Never: uses a socket for more than its facts.

import type { Scheme } from "./authority.js";
import { checkSettings } from "./settings.js";

/** What made the scheme of an arrival, first that applies. */
export type SchemeSource = "given" | "tls" | "declared" | "default";

/**
 * Where a connection came in. Ports are 1..65535. Addresses of UNIX-domain sockets are absent.
 *
 * In the arrival of a socket, addresses and ports are read from the socket when they are first asked for, since each
 * pair costs a system call. As with `net.Socket` itself, a socket that has closed before it was asked has none.
 */
export interface Arrival {
  readonly scheme: Scheme;
  /** `given` by adopt's caller, `tls` on the socket, `declared` for the gate, or http by `default`. */
  readonly schemeSource?: SchemeSource;
  readonly remoteAddress?: string | undefined;
  readonly remotePort?: number | undefined;
  readonly localAddress?: string | undefined;
  /** The port that the socket was accepted on: not the public port, and not the Host port. */
  readonly localPort?: number | undefined;
}

/** What may be said of a socket at adoption; what is left out is read from the socket. */
export type GivenArrival = Partial<Omit<Arrival, "schemeSource">>;

/** What a socket shows: the members of net.Socket and tls.TLSSocket, where it has them. */
export interface SocketFacts {
  readonly encrypted?: boolean | undefined;
  readonly remoteAddress?: string | undefined;
  readonly remotePort?: number | undefined;
  readonly localAddress?: string | undefined;
  readonly localPort?: number | undefined;
}

/**
 * The scheme is the giver's word, else https where the socket is TLS, else the declared one, else http. True TLS is
 * never downgraded: a TLS socket is https whatever is said of it.
 */
export function arrivalOf(facts: SocketFacts, given: GivenArrival, declared: Scheme | undefined): Arrival {
  const [scheme, schemeSource] = schemeOf(facts.encrypted === true, given.scheme, declared);
  return new SocketArrival(scheme, schemeSource, given, facts);
}

class SocketArrival implements Arrival {
  readonly scheme: Scheme;
  readonly schemeSource: SchemeSource;
  readonly #given: GivenArrival;
  readonly #facts: SocketFacts;

  constructor(scheme: Scheme, schemeSource: SchemeSource, given: GivenArrival, facts: SocketFacts) {
    this.scheme = scheme;
    this.schemeSource = schemeSource;
    this.#given = given;
    this.#facts = facts;
  }

  get remoteAddress(): string | undefined {
    return this.#given.remoteAddress ?? this.#facts.remoteAddress;
  }

  get remotePort(): number | undefined {
    return this.#given.remotePort ?? this.#facts.remotePort;
  }

  get localAddress(): string | undefined {
    return this.#given.localAddress ?? this.#facts.localAddress;
  }

  get localPort(): number | undefined {
    return this.#given.localPort ?? this.#facts.localPort;
  }

  /** What `JSON.stringify` shows. */
  toJSON(): Arrival {
    const { scheme, schemeSource, remoteAddress, remotePort, localAddress, localPort } = this;
    return { scheme, schemeSource, remoteAddress, remotePort, localAddress, localPort };
  }
}

function schemeOf(tls: boolean, given: Scheme | undefined, declared: Scheme | undefined): [Scheme, SchemeSource] {
  if (tls) return ["https", given === "https" ? "given" : "tls"];
  if (given !== undefined) return [given, "given"];
  return declared === undefined ? ["http", "default"] : [declared, "declared"];
}

const settings = ["scheme", "remoteAddress", "remotePort", "localAddress", "localPort"] as const;

/** Throws `TypeError` for an unknown name, or a value that is no scheme, address or port. */
export function checkGivenArrival(given: GivenArrival, where: string): void {
  checkSettings(given, settings, where);
  checkScheme(`${where}.scheme`, given.scheme);
  for (const name of ["remoteAddress", "localAddress"] as const) {
    const address: unknown = given[name];
    if (address !== undefined && typeof address !== "string") {
      throw new TypeError(`${where}.${name} is ${String(address)}; it must be a string`);
    }
  }
  for (const name of ["remotePort", "localPort"] as const) {
    const port: unknown = given[name];
    if (port !== undefined && !(Number.isInteger(port) && (port as number) >= 1 && (port as number) <= 65_535)) {
      throw new TypeError(`${where}.${name} is ${JSON.stringify(port)}; it must be a number from 1 to 65535`);
    }
  }
}

/** Throws `TypeError` for what is neither http nor https. */
export function checkScheme(where: string, scheme: unknown): void {
  if (scheme !== undefined && scheme !== "http" && scheme !== "https") {
    throw new TypeError(`${where} is ${JSON.stringify(scheme)}; it must be "http" or "https"`);
  }
}
