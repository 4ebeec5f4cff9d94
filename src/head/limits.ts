// In:    limits as a caller wrote them.
// Out:   all limits, checked, with defaults filled in.
// Never: enforces one; the files that do import them from here.

import { Capacity, Memory } from "../../assembly/abi.js";

/** What bounds one request head. */
export interface HeadLimits {
  /**
   * Octets of a request head, including skipped empty lines. Default 16384; at most 131072.
   * Precedents: Node's --max-http-header-size 16384; Apache's LimitRequestLine 8190 and 8190 a field.
   */
  headBytes: number;
  /**
   * Field lines of a request head. Default 100; at most 4096.
   * Precedents: Apache's LimitRequestFields 100; HAProxy's tune.http.maxhdr 101.
   */
  fieldLines: number;
}

/** What bounds a gate. */
export interface GateLimits extends HeadLimits {
  /**
   * Milliseconds from adoption, or from a later head's first octet, to the head's end; a PROXY header and a TLS handshake count towards their head. Default 10000; at most 600000.
   * Precedents: nginx's client_header_timeout 60 s; HAProxy's recommended timeout http-request 10 s.
   */
  headTimeout: number;
  /**
   * Octets of a PROXY header of version 2; one of version 1 has at most 107. Default 4096; at most 65551.
   * Precedents: nginx's NGX_PROXY_PROTOCOL_MAX_HEADER 4096; HAProxy's tune.bufsize 16384.
   */
  proxyBytes: number;
  /**
   * Octets of a TLS ClientHello, including the headers of its records. Default 16384; at most 131072.
   * Precedents: nginx's preread_buffer_size 16k; HAProxy's tune.bufsize 16384.
   */
  helloBytes: number;
  /**
   * Connections of a gate whose head, the first or a later one, is incomplete; as many upgrades may wait for `authorize`. Default 10000; at most 1000000. One more is answered 503.
   * Precedents: nginx's worker_connections 512; HAProxy's maxconn, from the descriptor limit.
   */
  pendingHeads: number;
  /**
   * Of those, the connections of one client address, and as many upgrades, in a crowd: while 1000 wait, or half of `pendingHeads` if
   * that is fewer, counting no other address for more than this limit. IPv6 counts by subnets of 64 bits. Default 100; at most 1000000.
   * One more is answered 503.
   * Precedents: nginx's limit_conn, off unless it is set; Postfix's smtpd_client_connection_count_limit 50.
   */
  pendingPerAddress: number;
  /**
   * Milliseconds for which a refused connection is still read after its response, so that the response arrives even if the
   * client is still sending; and for which a client that has ended its half may wait for a response that is not ready.
   * Default 2000; at most 60000.
   * Precedents: nginx's lingering_timeout 5 s; Apache's SECONDS_TO_LINGER 30 s, or 2 s under load.
   */
  lingerTimeout: number;
  /**
   * Milliseconds that `authorize` may take for an upgrade; after that it is refused with 503. Default 3000; at most 600000.
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
   * Milliseconds for which an HTTP/2 connection may have no open stream; with an open one, the interval of PINGs. Default 60000; at most 3600000.
   * Precedents: nginx's keepalive_timeout 75 s; Apache's KeepAliveTimeout 5 s.
   */
  idleTimeout: number;
}

interface Bounds {
  readonly default: number;
  readonly least: number;
  readonly most: number;
  readonly unit: string;
}

const headBounds: Record<keyof HeadLimits, Bounds> = {
  headBytes: { default: 16_384, least: 16, most: Memory.INPUT_SIZE, unit: "octets" },
  fieldLines: { default: 100, least: 1, most: Capacity.FIELD_LINES, unit: "field lines" },
};

const gateBounds: Record<keyof GateLimits, Bounds> = {
  ...headBounds,
  headTimeout: { default: 10_000, least: 1, most: 600_000, unit: "milliseconds" },
  // The least has room for the addresses of each family.
  proxyBytes: { default: 4096, least: 232, most: 65_551, unit: "octets" },
  helloBytes: { default: 16_384, least: 512, most: 131_072, unit: "octets" },
  pendingHeads: { default: 10_000, least: 1, most: 1_000_000, unit: "connections" },
  pendingPerAddress: { default: 100, least: 1, most: 1_000_000, unit: "connections" },
  lingerTimeout: { default: 2000, least: 1, most: 60_000, unit: "milliseconds" },
  authorizeTimeout: { default: 3000, least: 1, most: 600_000, unit: "milliseconds" },
  earlyBytes: { default: 65_536, least: 0, most: 16_777_216, unit: "octets" },
  streams: { default: 100, least: 1, most: 65_536, unit: "streams" },
  idleTimeout: { default: 60_000, least: 1, most: 3_600_000, unit: "milliseconds" },
};

/** Throws `TypeError` for an unknown name, `RangeError` for a value out of range. */
export function gateLimits(given: Partial<GateLimits> | undefined): GateLimits {
  return resolve(gateBounds, given ?? {});
}

/** Throws `TypeError` for an unknown name, `RangeError` for a value out of range. */
export function headLimits(given: Partial<HeadLimits> | undefined): HeadLimits {
  return given === undefined ? defaultHeadLimits : resolve(headBounds, given);
}

const defaultHeadLimits: HeadLimits = Object.freeze(resolve(headBounds, {}));

function resolve<Name extends string>(
  bounds: Record<Name, Bounds>,
  given: Partial<Record<Name, number>>,
): Record<Name, number> {
  for (const name of Object.keys(given)) {
    if (!Object.hasOwn(bounds, name)) {
      throw new TypeError(`limits.${name} is not a limit; the limits are ${Object.keys(bounds).join(", ")}`);
    }
  }
  const limits = {} as Record<Name, number>;
  for (const name of Object.keys(bounds) as Name[]) {
    const { default: byDefault, least, most, unit } = bounds[name];
    const value = given[name] ?? byDefault;
    if (!Number.isInteger(value) || value < least || value > most) {
      throw new RangeError(
        `limits.${name} is ${String(value)}; it must be an integer from ${least} to ${most} ${unit}`,
      );
    }
    limits[name] = value;
  }
  return limits;
}
