// In:    limits of a gate as a caller wrote them.
// Out:   all limits, checked, with defaults filled in.
// Never: enforces one; the file that does imports it from here.

import { type Bounds, type HeadLimits, headBounds, resolveLimits } from "../head/limits.js";

/** What bounds a gate. */
export interface GateLimits extends HeadLimits {
  /**
   * Milliseconds from adoption, or from a later head's first octet, to the head's end; a PROXY header and a TLS handshake count to their head. Default 10000; at most 600000.
   * Precedents: nginx's client_header_timeout 60 s; HAProxy's recommended timeout http-request 10 s.
   */
  headTimeout: number;
  /**
   * Octets of a PROXY header of version 2; one of version 1 has at most 107. Default 4096; at most 65551.
   * Precedents: nginx's NGX_PROXY_PROTOCOL_MAX_HEADER 4096; HAProxy's tune.bufsize 16384.
   */
  proxyBytes: number;
  /**
   * Octets of a TLS ClientHello, the headers of its records included. Default 16384; at most 131072.
   * Precedents: nginx's preread_buffer_size 16k; HAProxy's tune.bufsize 16384.
   */
  helloBytes: number;
  /**
   * Connections of a gate whose head, the first or a later one, is not complete yet; as many upgrades may wait for `authorize`. Default 10000; at most 1000000. One more is answered 503.
   * Precedents: nginx's worker_connections 512; HAProxy's maxconn, from the descriptor limit.
   */
  pendingHeads: number;
  /**
   * Of those, the connections of one client address, and as many upgrades, in a crowd: while 1000 wait, or half of `pendingHeads` if
   * that is fewer, counting no other address for more than this limit. IPv6 by its subnet of 64 bits. Default 100; at most 1000000. One
   * more is answered 503.
   * Precedents: nginx's limit_conn, off unless it is set; Postfix's smtpd_client_connection_count_limit 50.
   */
  pendingPerAddress: number;
  /**
   * Milliseconds that a refused connection is read on after its response, so that the response arrives though the
   * client is still sending; and that a client which has ended its half is waited for with each response that is not
   * ready. Default 2000; at most 60000.
   * Precedents: nginx's lingering_timeout 5 s; Apache's SECONDS_TO_LINGER 30 s, or 2 s under load.
   */
  lingerTimeout: number;
  /**
   * Milliseconds that `authorize` may take for an upgrade; then it is refused 503. Default 3000; at most 600000.
   * Precedents: nginx's auth_request 60 s, its proxy_read_timeout; Envoy's ext_authz 200 ms.
   */
  authorizeTimeout: number;
  /**
   * Octets after the head of an upgrade that are kept while it waits for `authorize`. Default 65536; at most 16777216.
   * Precedents: HAProxy's tune.bufsize 16384; Node's default highWaterMark of streams, 65536 since Node 22.
   */
  earlyBytes: number;
  /**
   * Streams that an HTTP/2 connection may have open at once. Default 100; at most 65536.
   * Precedents: nginx's http2_max_concurrent_streams 128; HAProxy's tune.h2.max-concurrent-streams 100.
   */
  streams: number;
  /**
   * Milliseconds that an HTTP/2 connection may be without an open stream; with one, those between two PINGs. Default 60000; at most 3600000.
   * Precedents: nginx's keepalive_timeout 75 s; Apache's KeepAliveTimeout 5 s.
   */
  idleTimeout: number;
  /**
   * Milliseconds from look to look at the body of a request on adopted connections; one of which less than `bodyRate` has come is answered 408. Default 60000; at most 3600000.
   * Precedents: nginx's client_body_timeout 60 s; Node's requestTimeout 300 s.
   */
  bodyTimeout: number;
  /**
   * Octets that a client has to send of a body, on average over each `bodyTimeout`; at 0, one in each. Default 240; at most 1000000.
   * Precedents: Kestrel's MinRequestBodyDataRate 240; Apache's MinRate 500.
   */
  bodyRate: number;
  /**
   * Milliseconds from look to look at a response that waits for its client, on adopted connections; one of which the client has read nothing is given up. Default 60000; at most 3600000.
   * Precedents: nginx's send_timeout 60 s; HAProxy's timeout client, 1 min in its examples.
   */
  sendTimeout: number;
  /**
   * Connections of a gate: adopted ones until they close, those with another owner included. Default 1000000; at most 1000000. One more is answered 503.
   * Precedents: HAProxy's maxconn, from the descriptor limit; Node's server.maxConnections, off unless it is set.
   */
  maxConnections: number;
  /**
   * Milliseconds that `gate.drain` takes where it is given no signal; then the connections that are left are cut. Default 10000; at most 3600000.
   * Precedents: Kubernetes' terminationGracePeriodSeconds 30 s; Docker's stop 10 s.
   */
  drainTimeout: number;
}

/** @internal */
export const gateBounds: Record<keyof GateLimits, Bounds> = {
  ...headBounds,
  headTimeout: { default: 10_000, min: 1, max: 600_000, unit: "milliseconds" },
  // The addresses of each family fit into the minimum.
  proxyBytes: { default: 4096, min: 232, max: 65_551, unit: "octets" },
  helloBytes: { default: 16_384, min: 512, max: 131_072, unit: "octets" },
  pendingHeads: { default: 10_000, min: 1, max: 1_000_000, unit: "connections" },
  pendingPerAddress: { default: 100, min: 1, max: 1_000_000, unit: "connections" },
  lingerTimeout: { default: 2000, min: 1, max: 60_000, unit: "milliseconds" },
  authorizeTimeout: { default: 3000, min: 1, max: 600_000, unit: "milliseconds" },
  earlyBytes: { default: 65_536, min: 0, max: 16_777_216, unit: "octets" },
  streams: { default: 100, min: 1, max: 65_536, unit: "streams" },
  idleTimeout: { default: 60_000, min: 1, max: 3_600_000, unit: "milliseconds" },
  bodyTimeout: { default: 60_000, min: 1, max: 3_600_000, unit: "milliseconds" },
  bodyRate: { default: 240, min: 0, max: 1_000_000, unit: "octets a second" },
  sendTimeout: { default: 60_000, min: 1, max: 3_600_000, unit: "milliseconds" },
  maxConnections: { default: 1_000_000, min: 1, max: 1_000_000, unit: "connections" },
  drainTimeout: { default: 10_000, min: 1, max: 3_600_000, unit: "milliseconds" },
};

/** Throws `TypeError` for an unknown name and for what is not a number, `RangeError` for a number out of range. */
export function gateLimits(given: Partial<GateLimits> | undefined): GateLimits {
  return resolveLimits(gateBounds, given === undefined ? {} : given);
}
