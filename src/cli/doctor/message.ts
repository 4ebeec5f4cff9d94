// In:    a probe, or none for its baseline; the target.
// Out:   what is sent: the octets of HTTP/1.1, the fields of HTTP/2.
// Never: sends anything.

import type { Kind, Probe } from "./probes.js";
import type { Target } from "./target.js";

/** What is asked: a probe, or the baseline of a kind; `method` of an unsafe one. */
export interface Question {
  readonly kind: Kind;
  readonly method: string;
  /** Null for a baseline. */
  readonly probe: Probe | null;
}

export function questionOf(probe: Probe): Question {
  return { kind: probe.kind, method: probe.method ?? "GET", probe };
}

/** The same request under a good Host, which nothing hostile is beside. */
export function baselineOf({ kind, method }: Question): Question {
  return { kind, method, probe: null };
}

const HANDSHAKE = [
  "Connection: Upgrade",
  "Upgrade: websocket",
  "Sec-WebSocket-Version: 13",
  "Sec-WebSocket-Key: aGVhZGdhdGUtZG9jdG9yIQ==",
];

function handshakeOf({ webSocketProtocol }: Target): readonly string[] {
  return webSocketProtocol === undefined ? HANDSHAKE : [...HANDSHAKE, `Sec-WebSocket-Protocol: ${webSocketProtocol}`];
}

function pathOf(kind: Kind, target: Target): string {
  if (kind === "upgrade") return target.webSocketPath;
  return kind === "unsafe" ? target.randomPath : target.path;
}

/** Octets, one character each. */
export function octetsOf({ kind, method, probe }: Question, target: Target): string {
  const { hosts = ["{authority}"], absolute, lines = [], body = "", newline = "\r\n" } = probe ?? {};
  const path = pathOf(kind, target);
  const head = [
    `${method} ${absolute === undefined ? path : `http://${absolute}${path}`} HTTP/1.1`,
    ...hosts.map((host) => `Host: ${host}`),
    `User-Agent: ${userAgentOf(probe)}`,
    ...(kind === "upgrade" ? handshakeOf(target) : ["Connection: close"]),
    ...(kind === "upgrade" && probe === null ? ["Origin: {origin}"] : []),
    ...(kind === "unsafe" ? ["Content-Length: 0"] : []),
    ...lines,
  ];
  return `${filled(head.join(newline), target)}${newline}${newline}${body}`;
}

/** Fields of HTTP/2, pseudo-header fields first. */
export function fieldsOf({ method, probe }: Question, target: Target): Record<string, string> {
  const { authority = "{authority}", fields = {} } = probe ?? {};
  const all = {
    ":method": method,
    ":scheme": target.isTls ? "https" : "http",
    ":authority": authority,
    ":path": target.path,
    "user-agent": userAgentOf(probe),
    ...fields,
  };
  return Object.fromEntries(Object.entries(all).map(([name, value]) => [name, filled(value, target)]));
}

function userAgentOf(probe: Probe | null): string {
  return `headgate-doctor (${probe === null ? "baseline" : probe.id})`;
}

function filled(text: string, { host, port, authority, origin }: Target): string {
  const other = port === 65_535 ? port - 1 : port + 1;
  const values: Readonly<Record<string, string>> = { host, port: `${port}`, authority, origin, other: `${other}` };
  return text.replace(/\{(\w+)\}/g, (whole, name: string) => values[name] ?? whole);
}
