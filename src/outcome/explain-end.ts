// In:    a decision, a fault, or how a connection ended.
// Out:   the same as a sentence for a person.
// Never: shows octets that do not belong in a log line.

import type { Arrival } from "../arrival/arrival.js";
import type { ProxyFault } from "../arrival/proxy/fault.js";
import type { HelloFault } from "../arrival/tls/fault.js";
import type { Fault } from "../head/fault.js";
import { countedNetwork } from "../head/ip-address.js";
import type { Decision } from "../policy/decision.js";
import { checkExplicable, explain as explainDecision } from "../policy/explain.js";
import { printable } from "../policy/shown.js";
import type { Abandoned, ConnectionEnd, Malformed } from "./end.js";

/**
 * One line for the log, about anything that a gate decides or reports. For an abandoned connection: why it ended, the stage, the
 * client, and the limit that was exceeded.
 *
 *     at least 100 connections of 192.0.2.7 were waiting for a complete head, and the gate was crowded (ADDRESS_OVERLOADED, silent; client 192.0.2.7; limits.pendingPerAddress is 100)
 */
export function explain(what: Decision | Fault | ConnectionEnd | Malformed): string {
  checkExplicable(what, kinds);
  if ("decision" in what) return explainDecision(what.decision);
  if ("fault" in what)
    return `${explainDecision(what.fault)}${"reported" in what ? "; report mode let it through" : ""}`;
  if (!("kind" in what) || what.kind === "accepted" || what.kind === "refused") return explainDecision(what);
  const { arrival } = what;
  const parts = what.kind === "abandoned" ? [`${what.code}, ${what.stage}`] : [];
  parts.push(`client ${printable(arrival.remoteAddress ?? (arrival.unix ? "unix" : "unknown"))}`);
  if (arrival.proxy !== undefined) parts.push(`PROXY from trusted hop ${arrival.proxy.hop}`);
  if (what.kind === "abandoned" && what.limit !== undefined) {
    parts.push(`limits.${what.limit.name} is ${what.limit.value}`);
  }
  return `${verdictOn(what)} (${parts.join("; ")})`;
}

const kinds = [
  "accepted",
  "refused",
  "malformed",
  "served",
  "passed",
  "handed-over",
  "abandoned",
] satisfies ReadonlyArray<(Decision | ConnectionEnd | Malformed)["kind"]>;

function verdictOn(end: Extract<ConnectionEnd, { kind: "served" | "passed" | "abandoned" }>): string {
  switch (end.kind) {
    case "served":
      return "the connection was served to its end";
    case "passed":
      return `the connection was passed on unread${end.hello?.serverName ? `, for server name ${printable(end.hello.serverName)}` : ""}`;
    default:
      return verdict(end);
  }
}

function verdict({ code, stage, arrival, limit, cause }: Abandoned): string {
  switch (code) {
    case "PROXY_UNTRUSTED":
      return "the peer is not in trust.from";
    case "PROXY_MISSING":
    case "PROXY_MALFORMED":
    case "TLS_MALFORMED":
      return explainDecision(cause as ProxyFault | HelloFault);
    case "SERVER_NAME_UNKNOWN": {
      const { serverName } = arrival;
      return serverName
        ? `no entry in "tls" matches server name ${printable(serverName)}`
        : 'no entry in "tls" matches a client that sends no server name';
    }
    case "TLS_FAILED":
      return `the TLS handshake failed: ${thrown(cause)}`;
    case "HEAD_TIMEOUT":
      return `the head was not complete within ${limit?.value} ms`;
    case "OVERLOADED":
      return `${limit?.value} ${waiting(stage, "")}`;
    case "ADDRESS_OVERLOADED":
      // An address may have more than its limit until the gate is crowded.
      return `at least ${limit?.value} ${waiting(stage, ` of ${whose(arrival)}`)}, and the gate was crowded`;
    case "CONNECTIONS_TOO_MANY":
      return `the gate already had ${limit?.value} connections`;
    case "DRAINED":
      return "the gate has drained";
    case "PEER_ENDED":
      return "the client ended the connection";
    case "SOCKET_ERROR":
      return `the socket failed: ${thrown(cause)}`;
    case "SOCKET_DESTROYED":
      return "the socket was already destroyed when the gate got it";
    case "HTTP2_FAULT":
      return `the client violated HTTP/2: ${thrown(cause)}`;
    case "BODY_MALFORMED":
      return "the chunked body of a request is malformed";
    case "BODY_TIMEOUT":
      return `too little of the body of a request came within ${limit?.value} ms`;
    case "SEND_TIMEOUT":
      return `the client read nothing of a response for ${limit?.value} ms`;
    case "AUTHORIZE_FAILED":
      return `authorize failed: ${thrown(cause)}`;
    case "EARLY_OCTETS":
      return `more than ${limit?.value} octets came before authorize answered`;
    case "FRAMER_FAILED":
      return `the framer failed: ${thrown(cause)}`;
    case "FRAMER_REFUSED":
      return `the framer refused the upgrade: ${thrown(cause)}`;
    case "FRAMER_UNAVAILABLE":
      return `the framer was unavailable: ${thrown(cause)}`;
    case "PASSTHROUGH_FAILED":
      return `the passthrough failed: ${thrown(cause)}`;
  }
}

/** The address or subnet that the client counts for. */
function whose({ remoteAddress }: Arrival): string {
  return remoteAddress === undefined ? "unknown clients" : `${countedNetwork(remoteAddress)}`;
}

/** What as many as the limit allows were waiting for; `whose`: " of" and an address, or nothing. */
function waiting(stage: Abandoned["stage"], whose: string): string {
  return stage === "authorize"
    ? `upgrades${whose} were waiting for authorize`
    : `connections${whose} were waiting for a complete head`;
}

function thrown(cause: unknown): string {
  // Messages of OpenSSL end with a line end.
  if (cause instanceof Error) return printable(cause.message.trim());
  return typeof cause === "string" ? printable(cause) : "the value that was thrown is not an Error";
}
