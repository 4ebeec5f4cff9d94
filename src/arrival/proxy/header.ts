// In:    nothing.
// Out:   ProxyHeader: what a proxy states about a connection, in either version.
// Never: reads one.

/** One end of a proxied connection. Text has one character per octet. */
export type ProxyEndpoint =
  /** The address in canonical text, without brackets (RFC 5952); the port 0..65535. */
  | { readonly address: string; readonly port: number }
  /** Of a UNIX-domain socket: its path, empty if it has none; an abstract name begins with NUL. */
  | { readonly path: string };

/** How a client spoke TLS to a proxy (PROXY protocol §2.2.6). Null for what the proxy does not state. */
export interface ProxyTls {
  /** As TLS libraries spell it: `TLSv1.3`. */
  readonly version: string | null;
  readonly cipher: string | null;
  readonly signatureAlgorithm: string | null;
  readonly keyAlgorithm: string | null;
  /** The client presented a certificate, on this connection or earlier in its TLS session. */
  readonly clientCertificate: boolean;
  /** It did, and the proxy verified the certificate. */
  readonly verified: boolean;
  /** Of the client's certificate. */
  readonly commonName: string | null;
}

/** A TLV that has no member of its own; its value has one character per octet. */
export interface ProxyTlv {
  /** 0..255 */
  readonly type: number;
  readonly value: string;
}

/** A PROXY header, as sent. */
export interface ProxyHeader {
  readonly version: 1 | 2;
  /** `LOCAL`: the proxy connects for itself, as for a health check, and states nothing else. */
  readonly command: "LOCAL" | "PROXY";
  /** `datagram`: the client speaks UDP to the proxy. Null with LOCAL, and if the proxy does not know (UNKNOWN, UNSPEC). */
  readonly transport: "stream" | "datagram" | null;
  /** The client's end; null if `transport` is. */
  readonly source: ProxyEndpoint | null;
  /** The address that the client connected to; null if `transport` is. */
  readonly destination: ProxyEndpoint | null;
  /** The protocol that client and proxy agreed on: `http/1.1`. One character per octet. */
  readonly alpn: string | null;
  /** The host name that the client asked the proxy for, by SNI. Decoded from UTF-8. Null if it is empty. */
  readonly authority: string | null;
  /** The proxy's identifier of the connection, at most 128 octets. One character per octet. */
  readonly uniqueId: string | null;
  /** False if the proxy states that the client did not use TLS; null if it states nothing about TLS. */
  readonly tls: ProxyTls | false | null;
  /** The name of the network namespace that the client came from. */
  readonly namespace: string | null;
  /** In order: types that the specification leaves to applications, and unknown types. */
  readonly tlvs: readonly ProxyTlv[];
}

/** The content of a header that states nothing but its version. */
export const nothingStated = Object.freeze({
  transport: null,
  source: null,
  destination: null,
  alpn: null,
  authority: null,
  uniqueId: null,
  tls: null,
  namespace: null,
  tlvs: Object.freeze([]),
} satisfies Omit<ProxyHeader, "version" | "command">);
