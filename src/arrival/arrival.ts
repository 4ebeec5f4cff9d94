// In:    what a socket shows of itself, what its giver says, what the configuration declares.
// Out:   Arrival: where a connection came in.
// Never: uses a socket for more than its facts.

import type { Authority, Scheme } from "../head/authority.js";
import type { ProxyHeader } from "./proxy/header.js";

/** What made the scheme of an arrival, first that applies. */
export type SchemeSource = "forwarded" | "proxy" | "given" | "tls" | "declared" | "default";

/** What a trusted hop says of a request. */
export interface Forwarding {
  readonly field: "Forwarded" | "X-Forwarded";
  /** The hop that wrote it: its address, or `unix`. */
  readonly hop: string;
  /** Counted from the right: 1 is what the peer wrote, of whom it got the request. */
  readonly element: number;
  /** The host that the client asked for; null where the hop does not say. */
  readonly authority: Authority | null;
  /** The public port of X-Forwarded-Port; null where the hop does not say. */
  readonly port: number | null;
}

/** What a trusted peer says of a connection, in its PROXY header. */
export interface Proxying extends ProxyHeader {
  /** The peer: its address, or `unix`. */
  readonly hop: string;
  /** Octets of the header. */
  readonly size: number;
}

/**
 * Where a connection came in; in a decision, where its request came in: what a trusted hop says of the client is then
 * told as if the client had come by itself. Ports are 1..65535.
 *
 * Of a connection with a PROXY header, addresses and ports are those that it says, where it says any: the client's, and
 * where the client connected to.
 *
 * In the arrival of a socket, addresses and ports are read from the socket when they are first asked for, since each
 * pair costs a system call. As with `net.Socket` itself, a socket that has closed before it was asked has none. Where a
 * policy trusts hops they are read at adoption.
 */
export interface Arrival {
  readonly scheme: Scheme;
  /**
   * `forwarded` by a trusted hop, said by a `proxy` in its PROXY header, `given` by adopt's caller, `tls` on the socket,
   * `declared` for the gate, or http by `default`.
   */
  readonly schemeSource?: SchemeSource;
  /** The client's. Absent where a trusted hop has forwarded the request and does not know or does not tell it. */
  readonly remoteAddress?: string | undefined;
  readonly remotePort?: number | undefined;
  readonly localAddress?: string | undefined;
  /** The port that the socket, or the PROXY header's client, was accepted on: not the public port, and not the Host port. */
  readonly localPort?: number | undefined;
  /** True over a UNIX-domain socket, which has no addresses. That no address is known does not say so; Node's handle does. */
  readonly unix?: boolean | undefined;
  /**
   * The server name that the client asked for by TLS (SNI, RFC 6066 §3): of the TLS on the socket, or as a trusted peer tells it in its
   * PROXY header. Null where it named none; absent where nothing is known of the client's TLS.
   */
  readonly serverName?: string | null | undefined;
  /** The protocol that client and server agreed on by TLS (ALPN, RFC 7301), one character an octet. Otherwise as `serverName`. */
  readonly alpnProtocol?: string | null | undefined;
  /** The client has shown a certificate, and it was verified. Otherwise as `serverName`. */
  readonly clientVerified?: boolean | undefined;
  /** Of a connection that began with a PROXY header. */
  readonly proxy?: Proxying;
  /** Of a request that a trusted hop has forwarded. */
  readonly forwarding?: Forwarding;
}

/**
 * What may be said of a socket at adoption; what is left out is read from the socket. An address that is null is not known: that
 * of the socket, and its port, are another's.
 */
export type ArrivalHints = Partial<
  Omit<Arrival, "schemeSource" | "proxy" | "forwarding" | "remoteAddress" | "localAddress">
> & {
  readonly remoteAddress?: string | null | undefined;
  readonly localAddress?: string | null | undefined;
};

/** What a socket shows: the members of net.Socket and tls.TLSSocket, where it has them. */
export interface SocketFacts {
  readonly encrypted?: boolean | undefined;
  readonly servername?: string | false | null | undefined;
  readonly alpnProtocol?: string | false | null | undefined;
  readonly authorized?: boolean | undefined;
  readonly remoteAddress?: string | undefined;
  readonly remotePort?: number | undefined;
  readonly localAddress?: string | undefined;
  readonly localPort?: number | undefined;
  readonly destroyed?: boolean | undefined;
  /** Node's own object for what the socket is made of; null when it is closed. No documentation names it. */
  readonly _handle?: unknown;
  readonly [ARRIVAL]?: Arrival;
}

/** Where a stream that one gate has made shows what that gate knows of the connection. */
export const ARRIVAL = Symbol("headgate.arrival");

/**
 * The scheme is the caller's word, else https where the socket is TLS, else the declared one, else http. True TLS is never
 * downgraded: a TLS socket is https whatever is said of it.
 */
export function arrivalOf(facts: SocketFacts, given: ArrivalHints, declared: Scheme | undefined): Arrival {
  const known = facts[ARRIVAL];
  if (known !== undefined) return arrivalFrom(known, given, declared);
  const [scheme, schemeSource] = schemeOf(facts.encrypted === true, given.scheme, declared);
  return new SocketArrival(scheme, schemeSource, given, facts);
}

/** For another gate that gets a stream of the first one's: the stream shows less than is known, and as TLS what was only declared. */
function arrivalFrom(arrival: Arrival, given: ArrivalHints, declared: Scheme | undefined): Arrival {
  const { schemeSource, serverName, alpnProtocol, clientVerified } = arrival;
  const isTls = schemeSource === "tls";
  const facts = isTls ? { encrypted: true, servername: serverName, alpnProtocol, authorized: clientVerified } : {};
  return arrivalOf(facts, { ...hintsFrom(arrival), ...given }, declared);
}

/** Where a socket came in, for a policy. It is read now where a ruling depends on addresses, which a reset takes away. */
export function arrivalAt(policy: ArrivalRules, facts: SocketFacts, given: ArrivalHints): Arrival {
  const arrival = arrivalOf(facts, given, policy.scheme);
  return policy.readsAddresses ? readArrival(arrival) : arrival;
}

/** What a policy says of arrivals. */
export interface ArrivalRules {
  /** Declared for connections without TLS. */
  readonly scheme: Scheme | undefined;
  readonly readsAddresses: boolean;
}

class SocketArrival implements Arrival {
  readonly scheme: Scheme;
  readonly schemeSource: SchemeSource;
  /** Read at once: a socket that has closed proves nothing any more. */
  readonly unix: boolean;
  readonly #given: ArrivalHints;
  readonly #facts: SocketFacts;

  constructor(scheme: Scheme, schemeSource: SchemeSource, given: ArrivalHints, facts: SocketFacts) {
    this.scheme = scheme;
    this.schemeSource = schemeSource;
    this.#given = given;
    this.#facts = facts;
    this.unix = given.unix ?? (given.remoteAddress === undefined && isUnix(facts));
  }

  get remoteAddress(): string | undefined {
    const { remoteAddress } = this.#given;
    return remoteAddress === undefined ? this.#shown.remoteAddress : (remoteAddress ?? undefined);
  }

  get remotePort(): number | undefined {
    const { remoteAddress, remotePort } = this.#given;
    return remoteAddress === null ? remotePort : (remotePort ?? this.#shown.remotePort);
  }

  get localAddress(): string | undefined {
    const { localAddress } = this.#given;
    return localAddress === undefined ? this.#shown.localAddress : (localAddress ?? undefined);
  }

  get localPort(): number | undefined {
    const { localAddress, localPort } = this.#given;
    return localAddress === null ? localPort : (localPort ?? this.#shown.localPort);
  }

  /** What the socket shows of its ends: nothing, where it is a UNIX-domain socket or its giver says so. */
  get #shown(): SocketFacts {
    return this.unix ? NOTHING_SHOWN : this.#facts;
  }

  get serverName(): string | null | undefined {
    const { encrypted, servername } = this.#facts;
    return encrypted === true ? servername || null : this.#given.serverName;
  }

  get alpnProtocol(): string | null | undefined {
    const { encrypted, alpnProtocol } = this.#facts;
    return encrypted === true ? alpnProtocol || null : this.#given.alpnProtocol;
  }

  get clientVerified(): boolean | undefined {
    const { encrypted, authorized } = this.#facts;
    return encrypted === true ? authorized === true : this.#given.clientVerified;
  }

  /** What `JSON.stringify` shows. */
  toJSON(): Arrival {
    return readArrival(this);
  }
}

const NOTHING_SHOWN: SocketFacts = Object.freeze({});

/** The same arrival, read now: what it holds outlasts its socket. */
export function readArrival(arrival: Arrival): Arrival {
  const { scheme, schemeSource, remoteAddress, remotePort, localAddress, localPort, unix, proxy } = arrival;
  const read = { scheme, schemeSource, remoteAddress, remotePort, localAddress, localPort, unix };
  return { ...read, ...tlsOf(arrival), ...(proxy !== undefined && { proxy }) };
}

/** What is known of the client's TLS. */
function tlsOf({ serverName, alpnProtocol, clientVerified }: Partial<Arrival>): Partial<Arrival> {
  return {
    ...(serverName !== undefined && { serverName }),
    ...(alpnProtocol !== undefined && { alpnProtocol }),
    ...(clientVerified !== undefined && { clientVerified }),
  };
}

/** The arrival of a connection whose TLS was spoken here, as that `socket` shows it; its server name is known already. */
export function securedArrival(arrival: Arrival, socket: SocketFacts): Arrival {
  const { scheme, schemeSource, alpnProtocol, clientVerified } = arrivalOf(socket, {}, undefined);
  return { ...readArrival(arrival), scheme, schemeSource, ...tlsOf({ alpnProtocol, clientVerified }) };
}

/**
 * The arrival of a connection that began with a PROXY header: the client's, as far as `hop`, which is trusted, says it.
 * Where it speaks for a client and cannot say for which (UNKNOWN, UNSPEC), or for one that came to it by a UNIX-domain socket,
 * the client has no address: the hop's own would lend it the hop's voice. Nor is it `unix`, which is for peers here.
 */
export function proxiedArrival(arrival: Arrival, header: ProxyHeader, hop: string, size: number): Arrival {
  const { command, source, destination, tls } = header;
  const proxy: Proxying = { ...header, hop, size };
  // True TLS is never downgraded.
  const isSaid = tls !== null && arrival.schemeSource !== "tls";
  const scheme: Scheme = isSaid ? (tls ? "https" : "http") : arrival.scheme;
  const schemeSource = isSaid ? "proxy" : arrival.schemeSource;
  const spoken = arrival.schemeSource === "tls" ? tlsOf(arrival) : tlsOf(saidOfTls(header));
  // The hop speaks for itself.
  if (command === "LOCAL") return { ...readArrival(arrival), ...spoken, scheme, schemeSource, proxy };
  const [client, local] = [source, destination].map((end) => (end !== null && "address" in end ? end : null));
  return {
    scheme,
    schemeSource,
    remoteAddress: client?.address,
    // Port 0 is none.
    remotePort: client?.port || undefined,
    localAddress: local?.address,
    localPort: local?.port || undefined,
    unix: false,
    ...spoken,
    proxy,
  };
}

/**
 * What one gate tells another that gets the connection from it, as a stream or in another process. An address that is not known
 * here must not be read from the socket there.
 */
export function hintsFrom(arrival: Arrival): ArrivalHints {
  const { scheme, schemeSource, remoteAddress, remotePort, localAddress, localPort, unix } = arrival;
  const ends = unix
    ? { unix }
    : { remoteAddress: remoteAddress ?? null, remotePort, localAddress: localAddress ?? null, localPort, unix: false };
  const { serverName, alpnProtocol, clientVerified } = arrival;
  const given = { ...ends, serverName, alpnProtocol, clientVerified };
  // A default is no knowledge.
  return schemeSource === "default" ? given : { scheme, ...given };
}

/** What a proxy says of the TLS that it spoke with its client; what it does not say is not known. */
function saidOfTls({ tls, authority, alpn }: ProxyHeader): Partial<Arrival> {
  if (tls === false) return {};
  return {
    serverName: authority ?? undefined,
    alpnProtocol: alpn ?? undefined,
    clientVerified: tls === null ? undefined : tls.verified,
  };
}

/**
 * Node's handle of the socket, or with TLS of the socket below, is a pipe. That a socket shows no address proves nothing: TLS over
 * another stream shows none either, nor does on some systems a TCP socket that was reset.
 */
function isUnix({ _handle, destroyed }: SocketFacts): boolean {
  if (destroyed === true) return false;
  let handle = _handle as Handle | null | undefined;
  while (handle?._parent != null) handle = handle._parent;
  return handle?.constructor?.name === "Pipe";
}

/** Of TLS, with that of what it is spoken on. */
interface Handle {
  readonly _parent?: Handle | null;
}

function schemeOf(tls: boolean, given: Scheme | undefined, declared: Scheme | undefined): [Scheme, SchemeSource] {
  if (tls) return ["https", "tls"];
  if (given !== undefined) return [given, "given"];
  return declared === undefined ? ["http", "default"] : [declared, "declared"];
}
