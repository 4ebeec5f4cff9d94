// In:    the options of gates, and heads.
// Out:   a refused request for each code of `decide`, and those of test/cases/origin-cases.json and forwarded-cases.json.
// Never: suggests a remedy.

import { readFileSync } from "node:fs";
import { type SocketFacts, socketArrival } from "#src/arrival/arrival.js";
import type { GateOptions } from "#src/gate-options.js";
import { readHttp2Head } from "#src/head/http2.js";
import { headLimits } from "#src/head/limits.js";
import { parseRequestHead } from "#src/head/parse.js";
import type { RequestHead } from "#src/head/request-head.js";
import { decide } from "#src/policy/decide.js";
import type { Decision, RefusalCode } from "#src/policy/decision.js";
import { localhost } from "#src/policy/localhost.js";
import { definePolicy, type PolicyRules } from "#src/policy/policy-rules.js";
import { NO_LISTEN, NO_LISTEN_SERVER } from "#src/policy/vhost.js";
import { handshakeFields } from "./world.js";

/** One refused request. */
export interface Row {
  readonly options: GateOptions;
  readonly head: RequestHead;
  readonly socket?: SocketFacts;
  /** Why there is no remedy, where others of the code have one. */
  readonly without?: string;
}

export function headOf(text: string): RequestHead {
  const result = parseRequestHead(Buffer.from(`${text}\r\n`, "latin1"), { host: "optional" });
  if (result.kind !== "complete") throw new Error(`no head: ${JSON.stringify(result)}`);
  return result.head;
}
export const get = (fields: string, target = "/"): RequestHead => headOf(`GET ${target} HTTP/1.1\r\n${fields}\r\n`);
export const upgrade = (fields: string, target = "/live"): RequestHead =>
  headOf(`GET ${target} HTTP/1.1\r\n${fields}\r\n${handshakeFields}`);
const overHttp2 = (...fields: string[]): RequestHead => {
  const result = readHttp2Head(fields, false, headLimits({}));
  if (result.kind !== "complete") throw new Error(`no head: ${JSON.stringify(result)}`);
  return result.head;
};

const take: NonNullable<GateOptions["framers"]>[string] = ({ socket }) =>
  void socket.end("HTTP/1.1 101 Switching Protocols\r\n\r\n");
export const a = { name: "a", port: 80 } as const;
export const plain: GateOptions = { vhosts: [a] };
export const claiming: GateOptions = { vhosts: [{ ...a, upgrades: { "/live": take } }] };
export const app: GateOptions = { vhosts: [{ name: "app.test", port: 443 }] };
export const hop: SocketFacts = { remoteAddress: "10.0.0.1" };
export const behindHop: GateOptions = {
  ...app,
  trust: { from: ["10.0.0.0/8"], forwarded: ["X-Forwarded-For", "X-Forwarded-Host"] },
};
const local: GateOptions = { vhosts: localhost() };
const tool = "Host: localhost:3000\r\n";
const post = (fields: string, target = "/"): RequestHead =>
  headOf(`POST ${target} HTTP/1.1\r\nHost: a\r\n${fields}\r\n`);
const twelve = Array.from({ length: 12 }, (_, i) => 8000 + i);
export const tls = (remoteAddress: string): SocketFacts => ({ encrypted: true, servername: "b", remoteAddress });
const unix: SocketFacts = { encrypted: true, servername: "b", _handle: new (class Pipe {})() };

/** Refusals by `decide`. Those without a remedy: why there is none, and requests that get none. */
export const byPolicy: Partial<Record<RefusalCode, Row[] | [why: string, ...Row[]]>> = {
  ORIGIN_REPEATED: [
    "a client sends one Origin",
    { options: plain, head: get("Host: a\r\nOrigin: http://a\r\nOrigin: http://a") },
  ],
  FORWARDED_UNREADABLE: [
    "the hop has to write what can be read",
    { options: behindHop, head: get("Host: app.test\r\nX-Forwarded-For: x y"), socket: hop },
  ],
  SERVER_NAME_MISMATCH: [
    {
      options: { vhosts: [{ name: "a", port: 443 }] },
      head: get("Host: a\r\nForwarded: for=192.0.2.1"),
      socket: tls("10.0.0.1"),
    },
    {
      options: { vhosts: [{ name: "a", port: 443 }] },
      head: get("Host: a\r\nX-Forwarded-Host: a"),
      socket: tls("::ffff:10.0.0.1"),
    },
    {
      options: { vhosts: [{ name: "a", port: 443 }] },
      head: get("Host: a\r\nX-Forwarded-For: ::1\r\nX-Forwarded-Proto: https"),
      socket: unix,
    },
  ],
  AUTHORITY_ABSENT: [
    { options: plain, head: headOf("GET / HTTP/1.0\r\n") },
    { options: { vhosts: [{ name: "a" }] }, head: headOf("GET / HTTP/1.0\r\n") },
    { options: { vhosts: [{ name: "a" }] }, head: headOf("OPTIONS / HTTP/1.0\r\n") },
    { options: { vhosts: [{ name: "a", absentHost: ["/health"] }] }, head: headOf("HEAD /live?x HTTP/1.0\r\n") },
    {
      options: { vhosts: [{ name: "off", port: NO_LISTEN }, { name: "s", requires: "https" }, a] },
      head: headOf("GET /healthz HTTP/1.0\r\n"),
    },
  ],
  NAME_UNSPECIFIED: [
    { options: { vhosts: localhost() }, head: get("Host: 0.0.0.0:3000") },
    { options: plain, head: get("Host: [::]") },
  ],
  NAME_UNKNOWN: [
    { options: plain, head: get("Host: b.test") },
    { options: plain, head: get("Host: b.test:8080") },
    { options: plain, head: get("Host: 192.0.2.7") },
    { options: plain, head: get("Host: [::ffff:192.0.2.7]") },
    { options: plain, head: get("Host: 127.0.0.1.") },
    { options: app, head: get("Host: b.test") },
    { options: { vhosts: [{ name: "a" }] }, head: get("Host: b.test:8080") },
    { options: { vhosts: [{ name: "a", port: NO_LISTEN_SERVER }] }, head: get("Host: b.test:8080") },
    { options: { vhosts: [{ name: "off", port: NO_LISTEN }, a] }, head: get("Host: b.test") },
    { options: { vhosts: localhost() }, head: get("Host: rebound.example:3000") },
    { options: { vhosts: localhost({ port: [3000, 3001] }) }, head: get("Host: rebound.example:3000") },
  ],
  NAME_NOT_SERVED: [
    { options: { vhosts: [{ name: "off", port: NO_LISTEN }, a] }, head: get("Host: off:8080") },
    {
      options: { vhosts: [a, { name: "rest", port: NO_LISTEN, default: true, origins: [] }] },
      head: get("Host: b.test"),
    },
    {
      options: { vhosts: [a, { name: "rest", port: NO_LISTEN, default: true, origins: [] }] },
      head: headOf("GET / HTTP/1.0\r\n"),
    },
  ],
  SCHEME_MISMATCH: [
    { options: app, head: get("Host: app.test", "https://app.test/") },
    { options: app, head: get("Host: app.test", "wss://app.test/") },
    { options: app, head: overHttp2(":method", "GET", ":scheme", "https", ":authority", "app.test", ":path", "/") },
    { options: plain, head: get("Host: a", "https://a/") },
  ],
  SCHEME_REQUIRED: [
    { options: { vhosts: [{ name: "app.test", requires: "https" }] }, head: get("Host: app.test") },
    { options: { vhosts: [{ name: "app.test", port: [80, 443], requires: "https" }] }, head: get("Host: app.test") },
    { options: { vhosts: [{ name: "app.test", port: 443, requires: "https" }] }, head: get("Host: app.test") },
    { options: { vhosts: [{ name: "app.test", port: 8080, requires: "https" }] }, head: get("Host: app.test") },
    {
      options: {
        scheme: "http",
        vhosts: [
          { name: "app.test", port: 443, requires: "https" },
          { name: "app.test", port: 80, requires: "https" },
        ],
      },
      head: get("Host: app.test"),
    },
    {
      options: {
        vhosts: [
          { name: "app.test", port: 8443, requires: "https" },
          { name: "app.test", port: [9443, 9444], requires: "https" },
        ],
      },
      head: get("Host: app.test"),
    },
  ],
  PORT_MISMATCH: [
    { options: app, head: get("Host: app.test") },
    { options: app, head: get("Host: app.test:8443") },
    { options: { ...app, scheme: "https" }, head: get("Host: app.test:8443") },
    {
      options: behindHop,
      head: get("Host: backend\r\nX-Forwarded-For: 192.0.2.7\r\nX-Forwarded-Host: app.test"),
      socket: hop,
    },
    {
      options: { vhosts: [{ name: "a", port: "local" }] },
      head: get("Host: a:8080"),
      socket: { ...hop, localPort: 3000 },
    },
    { options: { vhosts: [{ name: "a", port: "local" }] }, head: get("Host: a:8080") },
    { options: { vhosts: [{ name: "a", port: twelve }] }, head: get("Host: a:81") },
    {
      options: {
        vhosts: [
          { name: "a", port: 8080 },
          { name: "a", port: 8443 },
        ],
      },
      head: get("Host: a:81"),
    },
    {
      options: {
        vhosts: [
          { name: "a", port: 8443, requires: "https" },
          { name: "a", port: [8080, 8081] },
        ],
      },
      head: get("Host: a:81"),
    },
    {
      options: {
        scheme: "http",
        vhosts: [
          { name: "a", port: 80 },
          { name: "a", port: 443, requires: "https" },
        ],
      },
      head: get("Host: a:443"),
    },
    {
      options: {
        vhosts: [
          { name: "a", port: 80 },
          { name: "a", port: 443, requires: "https" },
        ],
      },
      head: get("Host: a:443"),
    },
  ],
  ORIGIN_ABSENT: [
    { options: { vhosts: [{ ...a, origins: { list: ["http://b.test"], absent: "refuse" } }] }, head: get("Host: a") },
    { options: { vhosts: [{ ...a, origins: { list: "any", absent: "refuse" } }] }, head: get("Host: a") },
  ],
  ORIGIN_NULL: [
    { options: plain, head: get("Host: a\r\nOrigin: null") },
    {
      options: { vhosts: [{ ...a, origins: { list: "same-authority", absent: "refuse" } }] },
      head: get("Host: a\r\nOrigin: null"),
    },
  ],
  ORIGIN_INVALID: [
    "what has no scheme, host and port can be in no list",
    { options: plain, head: get("Host: a\r\nOrigin: http://a/") },
  ],
  ORIGIN_FOREIGN: [
    { options: { ...plain, scheme: "http" }, head: get("Host: a\r\nOrigin: https://a") },
    { options: plain, head: get("Host: a\r\nOrigin: http://b.test:8080") },
    { options: plain, head: get("Host: a\r\nOrigin: http://[2001:db8::7]") },
    { options: plain, head: get("Host: a\r\nOrigin: chrome-extension://abcdef") },
    { options: plain, head: get("Host: a\r\nOrigin: file://") },
    {
      options: { vhosts: [{ ...a, origins: ["http://b.test", "http://*.c.test"] }] },
      head: get("Host: a\r\nOrigin: http://a"),
    },
    {
      options: { vhosts: [{ ...a, origins: { list: "same-authority", absent: "refuse" } }] },
      head: get("Host: a\r\nOrigin: http://b.test"),
    },
    {
      options: { vhosts: [{ ...a, origins: twelve.map((port) => `http://b.test:${port}`) }] },
      head: get("Host: a\r\nOrigin: http://b.test"),
    },
    {
      options: { vhosts: [{ ...a, default: true, origins: [] }] },
      head: get("Host: c.test\r\nOrigin: http://c.test"),
    },
  ],
  SITE_FOREIGN: [
    // embedding
    { options: local, head: get(`${tool}Sec-Fetch-Site: same-site\r\nReferer: http://localhost:5173/`) },
    { options: local, head: get(`${tool}Referer: https://evil.example/`) },
    { options: local, head: get(`${tool}Referer: http://[2001:db8::7]:8080/page?x`) },
    {
      options: { vhosts: [{ ...a, embedding: ["http://b.test", "http://*.c.test"] }] },
      head: get("Host: a\r\nReferer: http://d.test/"),
    },
    {
      options: { vhosts: [{ ...a, embedding: twelve.map((port) => `http://b.test:${port}`) }] },
      head: get("Host: a\r\nReferer: http://b.test/"),
    },
    {
      options: local,
      head: get(`${tool}Sec-Fetch-Site: cross-site`),
      without: "it is not known which page it is, and every page is too many",
    },
    {
      options: local,
      head: get(`${tool}Referer: http://b.test/\r\nReferer: http://c.test/`),
      without: "two pages are not known either",
    },
    {
      options: local,
      head: get(`${tool}Referer: http://${"b".repeat(300)}/`),
      without: "the name is not worth a place in a configuration",
    },
    {
      options: { vhosts: [{ ...a, embedding: "same-site" }] },
      head: get("Host: a\r\nReferer: http://b.test/"),
      without: "a list would refuse the pages of the same site",
    },
    // navigation
    {
      options: { vhosts: [{ ...a, navigation: "same-origin" }] },
      head: get("Host: a\r\nAccept: text/html\r\nReferer: http://b.test/"),
    },
    {
      options: { vhosts: [{ ...a, navigation: "same-site" }] },
      head: get("Host: a\r\nSec-Fetch-Site: cross-site\r\nSec-Fetch-Mode: navigate\r\nSec-Fetch-Dest: document"),
    },
    // unsafe-method
    { options: plain, head: post("Referer: http://b.test/", "/auth/callback") },
    { options: plain, head: post("Sec-Fetch-Site: cross-site", "/auth/callback?state=1") },
    {
      options: { vhosts: [{ ...a, callbacks: ["/auth/callback"] }] },
      head: post("Sec-Fetch-Site: same-site", "/auth"),
    },
    {
      options: { vhosts: [{ ...a, callbacks: twelve.map((n) => `/${n}`) }] },
      head: post("Sec-Fetch-Site: same-site", "/auth"),
    },
    {
      options: plain,
      head: headOf("PUT /auth HTTP/1.1\r\nHost: a\r\nSec-Fetch-Site: cross-site\r\n"),
      without: "no login ends with PUT",
    },
    {
      options: plain,
      head: post("Sec-Fetch-Site: cross-site", `/${"b".repeat(300)}`),
      without: "the path fills the line",
    },
    // The others.
    {
      options: local,
      head: get(`${tool}Sec-Purpose: prefetch;prerender\r\nSec-Fetch-Site: none`),
      without: "the browser asks again",
    },
    {
      options: plain,
      head: post("Origin: http://a\r\nSec-Fetch-Site: same-origin\r\nReferer: https://evil.example/"),
      without: "the form may be of another site",
    },
    {
      options: plain,
      head: post("Origin: null\r\nSec-Fetch-Site: same-origin\r\nSec-Fetch-Mode: same-origin"),
      without: "own pages have to send their Origin",
    },
  ],
  PATH_UNCLAIMED: [
    { options: plain, head: upgrade("Host: a") },
    { options: claiming, head: upgrade("Host: a", "/other/path?live") },
    { options: claiming, head: upgrade("Host: a", '/%22/"quoted"') },
    { options: claiming, head: upgrade("Host: a", "http://a") },
  ],
  PROTOCOL_UNKNOWN: [
    "WebSocket is the one protocol of extended CONNECT here",
    {
      options: plain,
      head: overHttp2(":method", "CONNECT", ":protocol", "x", ":scheme", "http", ":authority", "a", ":path", "/"),
    },
  ],
  METHOD_NOT_ALLOWED: [
    "no method is configured",
    { options: plain, head: headOf("CONNECT a:80 HTTP/1.1\r\nHost: a\r\n") },
    { options: claiming, head: headOf(`POST /live HTTP/1.1\r\nHost: a\r\n${handshakeFields}`) },
  ],
  WEBSOCKET_VERSION: [
    "the client's opening handshake is faulty",
    ...handshake("Sec-WebSocket-Version: 13", "Sec-WebSocket-Version: 8"),
  ],
  WEBSOCKET_KEY: ["the client's opening handshake is faulty", ...handshake("ZQ==", "ZQ=")],
  WEBSOCKET_PROTOCOL: [
    "the client's opening handshake is faulty",
    ...handshake("Upgrade: w", "Sec-WebSocket-Protocol: a, a\r\nUpgrade: w"),
  ],
  WEBSOCKET_BODY: [
    "the client's opening handshake is faulty",
    ...handshake("Upgrade: w", "Content-Length: 1\r\nUpgrade: w"),
  ],
};

function handshake(right: string, wrong: string): Row[] {
  return [
    { options: claiming, head: headOf(`GET /live HTTP/1.1\r\nHost: a\r\n${handshakeFields.replace(right, wrong)}`) },
  ];
}

export function ruled({ options, head, socket = {} }: Row): Decision {
  const { vhosts, scheme, trust } = options;
  const rules: PolicyRules = { vhosts, ...(scheme && { scheme }), ...(trust && { trust }) };
  return decide(definePolicy(rules), head, socketArrival(socket, {}, scheme));
}

interface CaseRow {
  policy: string;
  host: string;
  origin?: string | string[] | null;
  fields?: string[][];
  peer?: string | null;
}

/** The requests of the tables of Origin and Forwarded. */
export function tableRows(): Row[] {
  return ["origin-cases", "forwarded-cases"].flatMap((table) => {
    const { policies, rows } = JSON.parse(readFileSync(`test/cases/${table}.json`, "utf8")) as {
      policies: Record<string, GateOptions>;
      rows: CaseRow[];
    };
    return rows.map(({ policy, host, origin = null, fields = [], peer }) => {
      const origins = origin === null ? [] : [origin].flat().map((value) => ["Origin", value]);
      const lines = [...fields, ...origins].map(([name, value]) => `${name}: ${value}\r\n`);
      const socket = peer ? { remoteAddress: peer } : {};
      return { options: policies[policy]!, head: get(`Host: ${host}\r\n${lines.join("")}`.trimEnd()), socket };
    });
  });
}
