// In:    nothing.
// Out:   ProxyHeader: what a proxy says of a connection, whichever version it speaks.
// Never: reads one.

/** One end of a proxied connection. Text has one character an octet. */
export type ProxyEndpoint =
  /** The address in canonical text, without brackets (RFC 5952); the port 0..65535. */
  | { readonly address: string; readonly port: number }
  /** Of a UNIX-domain socket: its path, empty where it has none; an abstract name begins with NUL. */
  | { readonly path: string };

/** How a client spoke TLS to a proxy (PROXY protocol §2.2.6). Null is what the proxy does not say. */
export interface ProxyTls {
  /** As TLS libraries write it: `TLSv1.3`. */
  readonly version: string | null;
  readonly cipher: string | null;
  readonly signatureAlgorithm: string | null;
  readonly keyAlgorithm: string | null;
  /** The client has shown a certificate, on this connection or earlier in its TLS session. */
  readonly clientCertificate: boolean;
  /** It has, and the proxy has verified it. */
  readonly verified: boolean;
  /** Of the client's certificate. */
  readonly commonName: string | null;
}

/** A TLV that has no member of its own; its value has one character an octet. */
export interface ProxyTlv {
  /** 0..255 */
  readonly type: number;
  readonly value: string;
}

/** A PROXY header, as sent. */
export interface ProxyHeader {
  readonly version: 1 | 2;
  /** `LOCAL`: the proxy speaks for itself, as for a health check, and says nothing else. */
  readonly command: "LOCAL" | "PROXY";
  /** `datagram`: the client speaks UDP to the proxy. Null with LOCAL, and where the proxy cannot say (UNKNOWN, UNSPEC). */
  readonly transport: "stream" | "datagram" | null;
  /** The client's end; null where `transport` is. */
  readonly source: ProxyEndpoint | null;
  /** Where the client connected to; null where `transport` is. */
  readonly destination: ProxyEndpoint | null;
  /** The protocol that client and proxy agreed on: `http/1.1`. One character an octet. */
  readonly alpn: string | null;
  /** The host name that the client asked the proxy for, by SNI. Decoded from UTF-8. */
  readonly authority: string | null;
  /** The proxy's identifier of the connection, at most 128 octets. One character an octet. */
  readonly uniqueId: string | null;
  /** False where the proxy says that the client spoke no TLS; null where it says nothing of it. */
  readonly tls: ProxyTls | false | null;
  /** The name of the network namespace that the client came from. */
  readonly namespace: string | null;
  /** In order: what the specification leaves to applications, and what it did not know. */
  readonly tlvs: readonly ProxyTlv[];
}

/** What a header says of which nothing but the version is known. */
export const nothingSaid = Object.freeze({
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
