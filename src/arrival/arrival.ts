// In:    the facts that a socket exposes, the hints of adopt's caller, the configuration.
// Out:   Arrival: where a connection came in.
// Never: uses a socket for anything but its facts.

import type { Authority, Scheme } from "../head/authority.js";
import type { ProxyHeader } from "./proxy/header.js";
import { serverNameOf } from "./server-name.js";

/** The source of an arrival's scheme. */
export type SchemeSource = "forwarded" | "proxy" | "given" | "tls" | "declared" | "default";

/** What a trusted hop states about a request. */
export interface Forwarding {
  readonly field: "Forwarded" | "X-Forwarded";
  /** The hop that wrote it: its address, or `unix`. */
  readonly hop: string;
  /** Counted from the right: 1 is the element that the peer wrote, about the client it got the request from. */
  readonly element: number;
  /** The host that the client asked for; null if the hop does not state it. */
  readonly authority: Authority | null;
  /** The public port from X-Forwarded-Port; null if the hop does not state it. */
  readonly port: number | null;
}

/** What a trusted peer states about a connection in its PROXY header. */
export interface Proxying extends ProxyHeader {
  /** The peer: its address, or `unix`. */
  readonly hop: string;
  /** Octets of the header. */
  readonly size: number;
}

/**
 * Where a connection came in; in a decision, where its request came in: the client's facts from a trusted hop then appear as if
 * the client had connected directly. Ports are 1..65535.
 *
 * For a connection with a PROXY header, addresses and ports are those of the header, if it has any: the client's, and
 * those that the client connected to.
 *
 * The arrival of a socket reads addresses and ports from the socket on first access, since each
 * pair costs a system call. As with `net.Socket` itself, they are missing if the socket closed before that. If a
 * policy trusts hops, they are read at adoption. An arrival that is kept keeps its socket on the heap; `JSON.stringify` copies it.
 */
export interface Arrival {
  readonly scheme: Scheme;
  /**
   * `forwarded` by a trusted hop, stated by a `proxy` in its PROXY header, `given` by adopt's caller, `tls` on the socket,
   * `declared` for the gate, or http by `default`.
   */
  readonly schemeSource?: SchemeSource;
  /** The client's address. Absent if a trusted hop forwarded the request and does not know or does not state it. */
  readonly remoteAddress?: string | undefined;
  readonly remotePort?: number | undefined;
  readonly localAddress?: string | undefined;
  /** The port that the socket, or the client in the PROXY header, was accepted on: not the public port, and not the Host port. */
  readonly localPort?: number | undefined;
  /** True for a UNIX-domain socket, which has no addresses. Node's handle shows this; a missing address does not. */
  readonly unix?: boolean | undefined;
  /**
   * The server name that the client asked for over TLS (SNI, RFC 6066 §3): from the TLS on the socket, or from a trusted peer's
   * PROXY header; in lower case, without one trailing dot. Null if the client named none, or what is not a plain host name, such as an
   * address or a name with a port; absent if nothing is known about the client's TLS.
   */
  readonly serverName?: string | null | undefined;
  /** The protocol that client and server agreed on in TLS (ALPN, RFC 7301), one character per octet. Null or absent as `serverName`. */
  readonly alpnProtocol?: string | null | undefined;
  /** The client presented a certificate, and it was verified. Absent as `serverName`. */
  readonly clientVerified?: boolean | undefined;
  /** For a connection that began with a PROXY header. */
  readonly proxy?: Proxying;
  /** For a request that a trusted hop forwarded. */
  readonly forwarding?: Forwarding;
}

/**
 * What the caller may state about a socket at adoption; anything left out is read from the socket. An address is that of an IPv4
 * or IPv6 peer as sockets show it, without a port. A null address is unknown: the socket's own address and port belong to another party.
 */
export type ArrivalHints = {
  readonly [Name in Exclude<
    keyof Arrival,
    "schemeSource" | "proxy" | "forwarding" | "remoteAddress" | "localAddress"
  >]?: Arrival[Name] | undefined;
} & {
  readonly remoteAddress?: string | null | undefined;
  readonly localAddress?: string | null | undefined;
};

/** The caller states nothing. */
export const NO_HINTS: ArrivalHints = Object.freeze({});

/** The facts that a socket exposes: members of net.Socket and tls.TLSSocket, if it has them. */
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
  /** Node's own object for the socket; null once it is closed. Undocumented. @internal */
  readonly _handle?: unknown;
  /** @internal */
  readonly [ARRIVAL]?: Arrival;
}

/** Where a stream that one gate has made shows what that gate knows of the connection. */
export const ARRIVAL = Symbol("headgate.arrival");

/**
 * The scheme that the caller states, else https where the socket is TLS, else the declared one, else http. True TLS is never
 * downgraded: a TLS socket is https whatever is stated about it.
 */
export function socketArrival(facts: SocketFacts, given: ArrivalHints, declared: Scheme | undefined): Arrival {
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
  const stated = Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined));
  return socketArrival(facts, { ...hintsFrom(arrival), ...stated }, declared);
}

/** Where a socket came in, for a policy. It is read now where a ruling depends on addresses, which a reset takes away. */
export function arrivalAt(policy: ArrivalRules, facts: SocketFacts, given: ArrivalHints): Arrival {
  const arrival = socketArrival(facts, given, policy.scheme);
  return policy.readsAddresses ? readArrival(arrival) : arrival;
}

/** What a policy states about arrivals. */
export interface ArrivalRules {
  /** Declared for connections without TLS. */
  readonly scheme: Scheme | undefined;
  readonly readsAddresses: boolean;
}

class SocketArrival implements Arrival {
  readonly scheme: Scheme;
  readonly schemeSource: SchemeSource;
  /** Read at once: a closed socket no longer proves anything. */
  readonly unix: boolean;
  /** Read at once: each request of the connection is compared with it. */
  readonly serverName: string | null | undefined;
  readonly #given: ArrivalHints;
  readonly #facts: SocketFacts;

  constructor(scheme: Scheme, schemeSource: SchemeSource, given: ArrivalHints, facts: SocketFacts) {
    this.scheme = scheme;
    this.schemeSource = schemeSource;
    this.#given = given;
    this.#facts = facts;
    this.unix = given.unix ?? (given.remoteAddress === undefined && isUnix(facts));
    const stated = facts.encrypted === true ? facts.servername || null : given.serverName;
    this.serverName = typeof stated === "string" ? serverNameOf(stated) : stated;
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

  /** The addresses that the socket exposes: none for a UNIX-domain socket, or if the caller states that it is one. */
  get #shown(): SocketFacts {
    return this.unix ? NOTHING_SHOWN : this.#facts;
  }

  get alpnProtocol(): string | null | undefined {
    const { encrypted, alpnProtocol } = this.#facts;
    return encrypted === true ? alpnProtocol || null : this.#given.alpnProtocol;
  }

  get clientVerified(): boolean | undefined {
    const { encrypted, authorized } = this.#facts;
    return encrypted === true ? authorized === true : this.#given.clientVerified;
  }

  /** For `JSON.stringify`. */
  toJSON(): Arrival {
    return readArrival(this);
  }
}

const NOTHING_SHOWN: SocketFacts = Object.freeze({});

/** The same arrival, read now: its values outlast the socket. */
export function readArrival(arrival: Arrival): Arrival {
  const { scheme, schemeSource, remoteAddress, remotePort, localAddress, localPort, unix, proxy } = arrival;
  const read = { scheme, schemeSource, remoteAddress, remotePort, localAddress, localPort, unix };
  return { ...read, ...tlsOf(arrival), ...(proxy !== undefined && { proxy }) };
}

/** What is known about the client's TLS. */
function tlsOf({ serverName, alpnProtocol, clientVerified }: Partial<Arrival>): Partial<Arrival> {
  return {
    ...(serverName !== undefined && { serverName }),
    ...(alpnProtocol !== undefined && { alpnProtocol }),
    ...(clientVerified !== undefined && { clientVerified }),
  };
}

/** The arrival of a connection whose TLS ends here, with the facts of that `socket`; its server name is already known. */
export function securedArrival(arrival: Arrival, socket: SocketFacts): Arrival {
  const { scheme, schemeSource, alpnProtocol, clientVerified } = socketArrival(socket, {}, undefined);
  return { ...readArrival(arrival), scheme, schemeSource, ...tlsOf({ alpnProtocol, clientVerified }) };
}

/**
 * The arrival of a connection that began with a PROXY header: the client's, as far as `hop`, which is trusted, states it.
 * If the header does not name the client (UNKNOWN, UNSPEC), or the client connected to the hop over a UNIX-domain socket,
 * the client has no address: with the hop's address it would be trusted like the hop. It is not `unix` either, which is for direct peers.
 */
export function proxiedArrival(arrival: Arrival, header: ProxyHeader, hop: string, size: number): Arrival {
  const { command, source, destination, tls } = header;
  const proxy: Proxying = { ...header, hop, size };
  // Actual TLS is never downgraded.
  const isStated = tls !== null && arrival.schemeSource !== "tls";
  const scheme: Scheme = isStated ? (tls ? "https" : "http") : arrival.scheme;
  const schemeSource = isStated ? "proxy" : arrival.schemeSource;
  const spoken = arrival.schemeSource === "tls" ? tlsOf(arrival) : tlsOf(statedTls(header));
  // The hop speaks for itself.
  if (command === "LOCAL") return { ...readArrival(arrival), ...spoken, scheme, schemeSource, proxy };
  const [client, local] = [source, destination].map((end) => (end !== null && "address" in end ? end : null));
  return {
    scheme,
    schemeSource,
    remoteAddress: client?.address,
    // Port 0 means no port.
    remotePort: client?.port || undefined,
    localAddress: local?.address,
    localPort: local?.port || undefined,
    unix: false,
    ...spoken,
    proxy,
  };
}

/**
 * What one gate passes to another that gets the connection from it, as a stream or in another process. An address that is unknown
 * here must not be read from the socket there.
 */
export function hintsFrom(arrival: Arrival): ArrivalHints {
  const { scheme, schemeSource, remoteAddress, remotePort, localAddress, localPort, unix } = arrival;
  const ends = unix
    ? { unix }
    : { remoteAddress: remoteAddress ?? null, remotePort, localAddress: localAddress ?? null, localPort, unix: false };
  const { serverName, alpnProtocol, clientVerified } = arrival;
  const given = { ...ends, serverName, alpnProtocol, clientVerified };
  // A default is not a fact.
  return schemeSource === "default" ? given : { scheme, ...given };
}

/** What a proxy states about the TLS between it and its client; the rest is unknown. */
function statedTls({ tls, authority, alpn }: ProxyHeader): Partial<Arrival> {
  if (tls === false) return {};
  return {
    serverName: authority === null ? undefined : serverNameOf(authority),
    alpnProtocol: alpn ?? undefined,
    clientVerified: tls === null ? undefined : tls.verified,
  };
}

/**
 * Whether Node's handle of the socket, or of the socket under its TLS, is a pipe. A missing address proves nothing: TLS over
 * another stream has none either, nor on some systems does a TCP socket that was reset.
 */
function isUnix({ _handle, destroyed }: SocketFacts): boolean {
  if (destroyed === true) return false;
  let handle = _handle as Handle | null | undefined;
  while (handle?._parent != null) handle = handle._parent;
  return handle?.constructor?.name === "Pipe";
}

/** The handle of TLS has the handle of the stream below as its parent. */
interface Handle {
  readonly _parent?: Handle | null;
}

function schemeOf(tls: boolean, given: Scheme | undefined, declared: Scheme | undefined): [Scheme, SchemeSource] {
  if (tls) return ["https", "tls"];
  if (given !== undefined) return [given, "given"];
  return declared === undefined ? ["http", "default"] : [declared, "declared"];
}
