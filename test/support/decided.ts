// In:    request lines, fields.
// Out:   heads for `decide`, an arrival, and a decision in two words.
// Never: decides what is right.

import type { Arrival } from "#src/arrival/arrival.js";
import { parseRequestHead } from "#src/head/parse.js";
import type { RequestHead } from "#src/head/request-head.js";
import type { Decision } from "#src/policy/decision.js";
import { NO_LISTEN, NO_LISTEN_SERVER, type Vhost } from "#src/policy/vhost.js";
import { handshakeFields } from "./world.js";

export const http: Arrival = { scheme: "http", schemeSource: "default" };

export function head(requestLine: string, fields: string, options: { host?: "optional" } = {}): RequestHead {
  const result = parseRequestHead(Buffer.from(`${requestLine}\r\n${fields}\r\n`, "latin1"), options);
  if (result.kind !== "complete") throw new Error(`no head: ${JSON.stringify(result)}`);
  return result.head;
}
export const upgradeless = (host: string): RequestHead => head("GET / HTTP/1.1", `Host: ${host}\r\n`);
export const upgradeTo = (host: string, target = "/", fields = handshakeFields): RequestHead =>
  head(`GET ${target} HTTP/1.1`, `Host: ${host}\r\n${fields}`);

export const words = (decision: Decision): string =>
  decision.kind === "accepted" ? `accepted ${decision.vhost.name}` : `${decision.statusCode} ${decision.code}`;

export const vhosts: Vhost<string>[] = [
  { name: "chat.example.com", port: 443, upgrades: { "/live": "live" } },
  { name: "off.example.com", port: NO_LISTEN },
  { name: "*.example.com", port: NO_LISTEN_SERVER, requires: "https" },
  { name: "open.test", port: [80, 8080], upgrades: { "*": "all" } },
];
