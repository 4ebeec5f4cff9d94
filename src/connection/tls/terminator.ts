// In:    TLS options of one server name; connections whose ClientHello asks for it.
// Out:   each connection as a TLSSocket after its handshake, or why there is none.
// Never: chooses by the ClientHello, or keeps time; one deadline covers everything that precedes a head.

import type { Duplex } from "node:stream";
import type { SecureContextOptions, Server, TLSSocket, TlsOptions } from "node:tls";
import { tls } from "../../handover/node-modules.js";
import { describe, isRecord } from "../../head/options.js";
import type { HandshakeOwner, Secures } from "../../outcome/context.js";

const own = [
  "ALPNProtocols",
  "ALPNCallback",
  "SNICallback",
  "handshakeTimeout",
  "allowHalfOpen",
  "pauseOnConnect",
  "noDelay",
  "keepAlive",
  "keepAliveInitialDelay",
  "highWaterMark",
  "secureContext",
] as const;

/** Options of `tls.createServer` that the gate sets itself, or derives from the ClientHello. @useDeclaredType */
export type OwnTlsOption = (typeof own)[number];

/** As for `tls.createServer`: key, cert, ca, minVersion, requestCert, rejectUnauthorized and the like. */
export type TlsTerms = Omit<TlsOptions, OwnTlsOption>;

/** Speaks TLS for one server name. */
export class Terminator implements Secures {
  readonly #server: Server;
  #terms: TlsTerms;

  /**
   * `protocols`: offered by ALPN, the preferred one first. Throws `TypeError` for options that the gate sets itself, or that cannot
   * be used for TLS. `where`: their place in the configuration.
   */
  constructor(terms: TlsTerms, protocols: readonly string[], where: string) {
    checkTerms(terms, where);
    this.#terms = { ...terms };
    // Not 0, which means Node's 120 s: the gate has one timer for all connections.
    this.#server = tls().createServer({ ...this.#terms, ALPNProtocols: [...protocols], handshakeTimeout: -1 });
  }

  /** Uses this certificate for subsequent handshakes; other options stay as they were. */
  renew(given: SecureContextOptions, where: string): void {
    if (!isRecord(given)) throw new TypeError(`${where} needs a certificate and its key: { cert, key }`);
    const terms: TlsTerms = { ...this.#terms, ...given };
    // The new key replaces the old one, in whichever form either is given.
    if (given.pfx !== undefined && given.cert === undefined) Object.assign(terms, { key: undefined, cert: undefined });
    if (given.cert !== undefined && given.pfx === undefined) Object.assign(terms, { pfx: undefined });
    checkTerms(terms, where);
    this.#server.setSecureContext(terms);
    this.#terms = terms;
  }

  /**
   * Makes the handshake on a paused socket whose buffer has its octets, from the ClientHello on.
   *
   * A tls.Server that does not listen makes it, after getting the socket by 'connection'. It reports the outcome, with a TLSSocket that
   * does not show which socket it was made from, on the object on which 'connection' was emitted. Here that is a separate object for
   * this connection, which inherits from the server.
   */
  secure(socket: Duplex, owner: HandshakeOwner): void {
    const server: Server = Object.create(this.#server);
    server.emit = (event: string | symbol, ...values: unknown[]) => {
      if (event === "secureConnection") owner.secured(values[0] as TLSSocket);
      else if (event === "tlsClientError") owner.notSecured(causeOf(values[0] as Error, values[1] as TLSSocket));
      else return false;
      return true;
    };
    Reflect.apply(this.#server.emit, server, ["connection", socket]);
  }
}

/** When Node rejects a client's certificate, it destroys the socket without a specific error. */
function causeOf(error: NodeJS.ErrnoException, { authorizationError }: TLSSocket): Error | undefined {
  if (authorizationError) return new Error(`the client's certificate was rejected: ${authorizationError}`);
  return error.code === "ECONNRESET" ? undefined : error;
}

function checkTerms(terms: TlsTerms, where: string): void {
  if (!isRecord(terms)) {
    throw new TypeError(
      `${where} is ${typeof terms === "string" ? "text" : describe(terms)}; it must be TLS options such as { key, cert }, or a function that takes the socket`,
    );
  }
  const [owned] = own.filter((name) => name in terms);
  if (owned !== undefined) throw new TypeError(`${where}.${owned} is set by the gate; leave it out`);
  if (terms.cert === undefined && terms.pfx === undefined && terms.pskCallback === undefined) {
    throw new TypeError(`${where} has no certificate; write { key, cert }, or { pfx }`);
  }
  try {
    tls().createSecureContext(terms);
  } catch (cause) {
    throw new TypeError(`${where} cannot be used for TLS: ${(cause as Error).message}`, { cause });
  }
}
