// In:    the configuration of a gate as a caller wrote it.
// Out:   the types of it; TypeErrors with path, value and fix for what cannot be served.
// Never: makes a gate.

import { type RequestListener, Server } from "node:http";
import { Server as NetServer } from "node:net";
import type { Duplex } from "node:stream";
import type { ArrivalHints } from "./arrival/arrival.js";
import { arrivalSettings } from "./arrival/check.js";
import type { TlsRules } from "./connection/tls/routes.js";
import type { GuardMode } from "./guard/mode.js";
import { type FramerLike, isSender, type Sender } from "./handover/framer.js";
import { isPassthrough, type PassthroughLike } from "./handover/passthrough.js";
import { checkSettings, describe, withinLimits } from "./head/options.js";
import type { Authorize } from "./outcome/authorization.js";
import type { Http2Rules } from "./outcome/context.js";
import type { ConnectionEnd } from "./outcome/end.js";
import { type GateLimits, gateBounds } from "./outcome/limits.js";
import { definePolicy, type Policy, type PolicyRules, policyElsewhere, withSecured } from "./policy/policy-rules.js";

export interface GateOptions extends PolicyRules<FramerLike | string> {
  /** Framers by name, for `upgrades` that refer to them: then the rest of the policy can be JSON. */
  framers?: Readonly<Record<string, FramerLike>> | undefined;
  /**
   * Serves requests that are not upgrades; without it they are refused with 426. The server need not listen. `toProcess(child)` of
   * `headgate/intake` gets the connection at its first request; the child then has to rule on later ones.
   */
  requests?: Server | RequestListener | Sender | undefined;
  /**
   * How to handle TLS on adopted sockets, by server name: options to terminate it here, or a passthrough that gets the untouched
   * connection. Without `tls`, a ClientHello is a malformed head. Not allowed together with `scheme: "https"`, which would make
   * plaintext count as https.
   */
  tls?: TlsRules | undefined;
  /** Takes adopted connections that begin neither with TLS nor with an HTTP/1.1 request; without it, they are malformed heads. */
  fallback?: PassthroughLike | undefined;
  /** Has the last word on upgrades that the policy accepts; by default all of them may proceed. */
  authorize?: Authorize | undefined;
  limits?: { [Name in keyof GateLimits]?: number | undefined } | undefined;
  /** Whether adopted connections may speak HTTP/2, and how. Default true: if a TLS socket has agreed on it (ALPN). */
  http2?: boolean | Http2Options | undefined;
  /**
   * True: the response to a refused request contains the reason, in the line that `explain` makes for the log. It shows clients
   * parts of the configuration. Default false.
   */
  expose?: boolean | undefined;
}

export interface Http2Options {
  /**
   * True: also on connections without TLS, if the client begins with HTTP/2 (prior knowledge, RFC 9113 §3.3). Default
   * false.
   */
  cleartext?: boolean | undefined;
  /**
   * False: clients open WebSockets over HTTP/1.1, on separate connections. Default true: on streams, by extended CONNECT (RFC
   * 8441).
   */
  enableConnectProtocol?: boolean | undefined;
}

/** A connection that the gate has taken. */
export interface Adoption {
  /** How it ends: handed over, refused, malformed, served, passed on, or abandoned. Never rejects. Made when it is first read. */
  readonly ended: Promise<ConnectionEnd>;
}

/** What adopts: a gate, or part of its vhosts. */
export interface Adopting {
  adopt(socket: Duplex, options?: AdoptOptions): Adoption;
}

export interface AdoptOptions {
  /** Octets that were already read from the socket. */
  rest?: Uint8Array | undefined;
  /** What is known about the connection and cannot be read from the socket. */
  arrival?: ArrivalHints | undefined;
}

export interface GuardOptions {
  /** Restricts this guard to the vhosts of these names. */
  vhosts?: readonly string[] | undefined;
  /**
   * What reads the HTTP/1.1 requests of the server. `guard.mode` is what it has become.
   * - `"auto"` (default): headgate's parser in the place of Node's (docs/drop-in.md). Where that is impossible, in report mode, and on a
   *   server with `insecureHTTPParser`: as `"events"`.
   * - `"strict"`: headgate reads every octet: its parser in the place of Node's, else as `"filter"`.
   * - `"filter"`: the gate reads each connection as an adopted one, with its own deadlines and limits, and passes accepted requests on
   *   to Node's parser; docs/policy.md has the cost.
   * - `"events"`: Node's parser, which accepts some malformed heads and hides others; its events are ruled on.
   */
  mode?: GuardMode | undefined;
}

export const gateSettings = [
  "$schema",
  "scheme",
  "vhosts",
  "trust",
  "mode",
  "framers",
  "requests",
  "tls",
  "fallback",
  "authorize",
  "limits",
  "http2",
  "expose",
];
export const adoptSettings = ["rest", "arrival"];
/** Where a setting belongs that a gate, an adoption or a guard does not have. */
export const gateElsewhere = (name: string): string => withinLimits(gateBounds)(name) || policyElsewhere(name);
export const adoptElsewhere = (name: string): string => {
  if (name === "vhosts") return "gate.narrow(vhosts).adopt(socket)";
  return (arrivalSettings as readonly string[]).includes(name) ? `arrival: { ${name} }` : "";
};
export const guardElsewhere = (name: string): string =>
  gateSettings.includes(name) || gateElsewhere(name) !== "" ? "it in createGate, to which the guard belongs" : "";
const http2Settings = ["cleartext", "enableConnectProtocol"] as const;
export const guardSettings = ["vhosts", "mode"];

/** @internal */
export function http2Rules(given: boolean | Http2Options = true): Http2Rules | undefined {
  if (given === false) return undefined;
  const options: Http2Options = given === true ? {} : given;
  checkSettings(options, http2Settings, "http2", "or write true or false");
  for (const name of http2Settings) {
    const value: unknown = options[name] === undefined ? false : options[name];
    if (typeof value !== "boolean") {
      throw new TypeError(`http2.${name} is ${describe(value)}; it must be true or false`);
    }
  }
  const { cleartext = false, enableConnectProtocol = true } = options;
  return { cleartext, enableConnectProtocol };
}

/** @internal */
export function narrow(policy: Policy<FramerLike>, names: readonly string[]): Policy<FramerLike> {
  const known = policy.vhosts.map(({ name }) => JSON.stringify(name)).join(", ");
  if (!Array.isArray(names) || names.length === 0) {
    throw new TypeError(
      `vhosts must be a list of names of vhosts, such as ['app.example.com']; it is ${describe(names)}, and the names are ${known}`,
    );
  }
  Array.from(names).forEach((name, i) => {
    const isKnown = policy.vhosts.some((vhost) => vhost.name === name);
    const shown = typeof name === "string" ? name : describe(name);
    if (!isKnown) {
      throw new TypeError(`vhosts[${i}] is ${describe(name)}, but no vhost is named ${shown}; the names are ${known}`);
    }
  });
  const vhosts = policy.vhosts.filter((vhost) => names.includes(vhost.name));
  return withSecured(definePolicy({ ...policy.rules, vhosts }), policy.secured);
}

/** Throws `TypeError` for a setting, besides the policy's, the limits and http2, that cannot be. @internal */
export function checkOwnSettings({ expose = false, requests, authorize, fallback, scheme, tls }: GateOptions): void {
  if (typeof expose !== "boolean") throw new TypeError(`expose is ${describe(expose)}; it must be true or false`);
  const isApplication = typeof requests === "function" || requests instanceof Server || isSender(requests);
  if (requests !== undefined && !isApplication) {
    throw new TypeError(
      `requests must be an http.Server, not an https.Server, a request listener, or toProcess(child); it is ${describe(requests)}${adviceOnRequests(requests)}`,
    );
  }
  if (authorize !== undefined && typeof authorize !== "function") {
    throw new TypeError(
      `authorize must be a function: (head, { signal, arrival, decision }) => true or false; it is ${describe(authorize)}`,
    );
  }
  if (fallback !== undefined && !isPassthrough(fallback)) {
    throw new TypeError(
      `fallback must be a function that takes the connection: ({ socket, rest, arrival }) => ...; it is ${describe(fallback)}`,
    );
  }
  checkUndeclared(scheme, tls);
}

/** An application that is neither a server nor a listener. */
function adviceOnRequests(requests: unknown): string {
  const it = requests as { callback?: unknown; server?: unknown } | null;
  if (typeof it?.callback === "function") return "; write requests: app.callback()";
  if (it?.server instanceof Server) return "; write requests: app.server";
  if (!(requests instanceof NetServer)) return "";
  return "; it accepts connections itself: write http.createServer(...), or its listener alone";
}

/** What is declared counts for every connection without TLS, also for those that could have had it. */
function checkUndeclared(scheme: unknown, tls: unknown): void {
  if (scheme !== "https" || tls === undefined) return;
  throw new TypeError(
    'scheme is "https" together with tls, so plaintext on the same port would count as https; leave scheme out: the scheme ' +
      "follows the socket; if a proxy ends TLS, let it state that (trust), or state it for the socket: " +
      'adopt(socket, { arrival: { scheme: "https" } })',
  );
}
