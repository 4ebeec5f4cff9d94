// In:    a refused request for each code, with the options of the gate that refused it; the requests of test/cases.
// Out:   whether the remedy, followed to the letter, lets the same request pass, and whether it says what it lets in.
// Never: judges which requests are refused; other tests do.

import { once } from "node:events";
import { readFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import net, { type AddressInfo } from "node:net";
import * as assert from "uvu/assert";
import { arrivalOf, type SocketFacts } from "#src/arrival/arrival.js";
import { createGate, type Gate, type GateOptions } from "#src/gate.js";
import { LEAVE } from "#src/handover/framer.js";
import { readHttp2Head } from "#src/head/http2.js";
import { headLimits } from "#src/head/limits.js";
import { parseRequestHead } from "#src/head/parse.js";
import type { RequestHead } from "#src/head/request-head.js";
import { decide } from "#src/policy/decide.js";
import { type Decision, type RefusalCode, refusalStatusCodes } from "#src/policy/decision.js";
import { explain, explanation } from "#src/policy/explain.js";
import { localhost } from "#src/policy/localhost.js";
import { definePolicy, type PolicyRules } from "#src/policy/policy-rules.js";
import { NO_LISTEN, NO_LISTEN_SERVER } from "#src/policy/vhost.js";
import { followed } from "./support/remedy.js";
import { suite } from "./support/suite.js";
import { Client, streamPair } from "./support/tcp.js";
import { handshakeFields, statusOf } from "./support/world.js";

/** One refused request. */
interface Row {
  readonly options: GateOptions;
  readonly head: RequestHead;
  readonly socket?: SocketFacts;
}

function headOf(text: string): RequestHead {
  const result = parseRequestHead(Buffer.from(`${text}\r\n`, "latin1"), { host: "optional" });
  if (result.kind !== "complete") throw new Error(`no head: ${JSON.stringify(result)}`);
  return result.head;
}
const get = (fields: string, target = "/"): RequestHead => headOf(`GET ${target} HTTP/1.1\r\n${fields}\r\n`);
const upgrade = (fields: string, target = "/live"): RequestHead =>
  headOf(`GET ${target} HTTP/1.1\r\n${fields}\r\n${handshakeFields}`);
const overHttp2 = (...fields: string[]): RequestHead => {
  const result = readHttp2Head(fields, false, headLimits({}));
  if (result.kind !== "complete") throw new Error(`no head: ${JSON.stringify(result)}`);
  return result.head;
};

const take: NonNullable<GateOptions["framers"]>[string] = ({ socket }) =>
  void socket.end("HTTP/1.1 101 Switching Protocols\r\n\r\n");
const a = { name: "a", port: 80 } as const;
const plain: GateOptions = { vhosts: [a] };
const claiming: GateOptions = { vhosts: [{ ...a, upgrades: { "/live": take } }] };
const app: GateOptions = { vhosts: [{ name: "app.test", port: 443 }] };
const hop: SocketFacts = { remoteAddress: "10.0.0.1" };
const behindHop: GateOptions = {
  ...app,
  trust: { from: ["10.0.0.0/8"], forwarded: ["X-Forwarded-For", "X-Forwarded-Host"] },
};
const twelve = Array.from({ length: 12 }, (_, i) => 8000 + i);
const tls = (remoteAddress: string): SocketFacts => ({ encrypted: true, servername: "b", remoteAddress });
const unix: SocketFacts = { encrypted: true, servername: "b", _handle: new (class Pipe {})() };

/** Refusals by `decide`. Those without a remedy: why there is none, and requests that get none. */
const byPolicy: Partial<Record<RefusalCode, Row[] | [why: string, ...Row[]]>> = {
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
    { options: plain, head: get("Host: a\r\nOrigin: https://a") },
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
  WEBSOCKET_EXTENSIONS: [
    "the client's opening handshake is faulty",
    ...handshake("Upgrade: w", "Sec-WebSocket-Extensions: ;\r\nUpgrade: w"),
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

function ruled({ options, head, socket = {} }: Row): Decision {
  const { vhosts, scheme, trust } = options;
  const rules: PolicyRules = { vhosts, ...(scheme && { scheme }), ...(trust && { trust }) };
  return decide(definePolicy(rules), head, arrivalOf(socket, {}, scheme));
}

const words = (decision: Decision): string => (decision.kind === "accepted" ? "accepted" : explain(decision));

const listening = createServer();

/** Of the ways to a gate, those that these options are for. */
function waysOf(options: GateOptions): string[] {
  const ways: Record<string, (gate: Gate) => unknown> = {
    adopt(gate) {
      const [near, far] = streamPair();
      gate.adopt(far);
      near.destroy();
    },
    guard: (gate) => gate.guard(listening).release(),
  };
  return Object.keys(ways).filter((way) => {
    try {
      ways[way]!(createGate(options));
      return true;
    } catch {
      return false;
    }
  });
}

const remedies = suite("remedies");

remedies.before(async () => {
  await once(listening.listen(0, "127.0.0.1"), "listening");
});
remedies.after(() => listening.close());

remedies("every code has a row", () => {
  const rows = [...Object.keys(byPolicy), ...Object.keys(byGate)];
  assert.equal([...new Set(rows)].sort(), Object.keys(refusalStatusCodes).sort());
});

for (const [code, rows] of Object.entries(byPolicy)) {
  remedies(`${code}, followed to the letter`, () => {
    const [first] = rows;
    for (const row of rows) {
      if (typeof row === "string") continue;
      const refused = ruled(row);
      assert.is(refused.kind === "refused" && refused.code, code, words(refused));
      const { remedy } = explanation(refused);
      if (typeof first === "string") {
        assert.is(remedy, null, words(refused));
        continue;
      }
      assert.ok(remedy !== null, words(refused));
      for (const options of followed(row.options, remedy)) {
        assert.is(words(ruled({ ...row, options })), "accepted", remedy);
        for (const way of waysOf(row.options)) assert.ok(waysOf(options).includes(way), `${way}: ${remedy}`);
      }
    }
    if (typeof first === "string") assert.ok(rows.length > 1, "no request");
  });
}

let asked = 0;

/** Refusals of the gate, adopted or guarded: the head is refused, and its status code once the remedy is followed. */
interface GateRow {
  readonly options: GateOptions;
  readonly octets: string;
  readonly guards?: true;
  /** Null where there is no remedy. */
  readonly passes: number | null;
}

const byGate: Partial<Record<RefusalCode, GateRow[]>> = {
  // What is left to listeners that there are none of.
  PATH_UNCLAIMED: [
    {
      options: { vhosts: [{ name: "a", upgrades: { "/hmr": LEAVE } }] },
      octets: `GET /hmr HTTP/1.1\r\nHost: a\r\n${handshakeFields}\r\n`,
      guards: true,
      passes: 101,
    },
  ],
  // The application said no.
  NOT_AUTHORIZED: [
    {
      options: { ...claiming, authorize: () => false },
      octets: `GET /live HTTP/1.1\r\nHost: a\r\n${handshakeFields}\r\n`,
      passes: null,
    },
  ],
  AUTHORIZE_TIMEOUT: [
    {
      options: {
        ...claiming,
        limits: { authorizeTimeout: 50 },
        // It answers in the time that it has once it has had too little.
        authorize: () => (asked++ === 0 ? new Promise<never>(() => {}) : true),
      },
      octets: `GET /live HTTP/1.1\r\nHost: a\r\n${handshakeFields}\r\n`,
      passes: 101,
    },
  ],
  UPGRADE_REQUIRED: [{ options: plain, octets: "GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n", passes: 200 }],
};

/** The status code of the response, and the refusal. */
async function ask({ options, octets, guards }: GateRow): Promise<{ statusCode: number; refused: Decision | null }> {
  const gate = createGate(options);
  let refused: Decision | null = null;
  gate.on("refused", (decision) => {
    refused = decision;
  });
  const server = guards
    ? createServer((_, response) => void response.end())
    : net.createServer((socket) => gate.adopt(socket));
  if (guards) gate.guard(server as Server);
  await once(server.listen(0, "127.0.0.1"), "listening");
  const client = new Client(net.connect((server.address() as AddressInfo).port, "127.0.0.1"));
  await client.send(octets);
  while (statusOf(client.received.toString("latin1")) === 0) await client.news();
  client.stream.destroy();
  server.close();
  await once(server, "close");
  return { statusCode: statusOf(client.received.toString("latin1")), refused };
}

for (const [code, rows] of Object.entries(byGate)) {
  remedies(`${code} of a gate, followed to the letter`, async () => {
    for (const row of rows) {
      const { refused } = await ask(row);
      assert.is(refused!.kind === "refused" && refused!.code, code);
      const { remedy } = explanation(refused!);
      if (row.passes === null) {
        assert.is(remedy, null);
        continue;
      }
      for (const options of followed(row.options, remedy!)) {
        const again = await ask({ ...row, options });
        assert.is(again.statusCode, row.passes, again.refused === null ? remedy! : explain(again.refused));
      }
    }
  });
}

interface CaseRow {
  policy: string;
  host: string;
  origin?: string | string[] | null;
  fields?: string[][];
  peer?: string | null;
}

/** The requests of the tables of Origin and Forwarded. */
function tableRows(): Row[] {
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

const tables = suite("remedies of the tables");

tables("each is one that a policy takes, and in a few of them every request passes that has one", () => {
  let steps = 0;
  let passed = 0;
  for (const row of tableRows()) {
    let { options } = row;
    let decision = ruled(row);
    const line = words(decision);
    for (let step = 0; decision.kind === "refused"; step++) {
      const { remedy } = explanation(decision);
      if (remedy === null) {
        assert.is(step, 0, `${line}\n${words(decision)}`);
        break;
      }
      assert.ok(step < 4, `${line}\n${words(decision)}`);
      const alternatives = followed(options, remedy);
      for (const each of alternatives) ruled({ ...row, options: each });
      options = alternatives[0]!;
      decision = ruled({ ...row, options });
      steps++;
    }
    if (decision.kind === "accepted" && line !== "accepted") passed++;
  }
  assert.ok(passed >= 40 && steps >= passed, `${passed} passed after ${steps} steps`);
});

const sentences = suite("what a remedy says");

const remedyOf = (row: Row): string | null => explanation(ruled(row)).remedy;

sentences("where TLS may end at a proxy and nothing says so, the scheme is the first thing that is told", () => {
  const https = 'if a proxy terminates TLS for this process, set scheme: "https"';
  const page = "Host: app.test\r\nOrigin: https://app.test";
  const first = ruled({ options: app, head: get(page) });
  assert.is(explanation(first).remedy, `${https}; otherwise, set port: [443, 80] on vhost app.test`);
  // Followed, no second refusal comes: the page's origin is the own one.
  assert.is(words(ruled({ options: { ...app, scheme: "https" }, head: get(page) })), "accepted");
  const hopWithoutProto = get("Host: app.test\r\nX-Forwarded-For: 192.0.2.7");
  assert.ok(remedyOf({ options: behindHop, head: hopWithoutProto, socket: hop })!.startsWith(https));
  // Not where something is known of the scheme, or where no vhost has the port of https.
  for (const [options, host, socket] of [
    [{ ...app, scheme: "http" }, "app.test", {}],
    [app, "app.test:8080", {}],
    [{ vhosts: [{ name: "app.test", port: 80 }] }, "app.test", { encrypted: true, servername: "app.test" }],
    [{ vhosts: [{ name: "app.test", port: 8080 }] }, "app.test", {}],
  ] as [GateOptions, string, SocketFacts][]) {
    const remedy = remedyOf({ options, head: get(`Host: ${host}`), socket })!;
    assert.match(remedy, /^to allow it, set port: \[\d+, \d+\] on vhost app\.test$/);
  }
});

sentences("a name that reached a local tool may be a page's own, which is said before anything is offered", () => {
  const notice = "a page may have pointed its own name here (DNS rebinding)";
  for (const vhosts of [
    localhost(),
    [...localhost(), a],
    [a, { name: "127.0.0.1" }],
    [{ name: "**.localhost" }],
  ] as GateOptions["vhosts"][]) {
    const row = { options: { vhosts }, head: get("Host: rebound.example:3000") };
    assert.match(explain(ruled(row)), `); ${notice}; only if this name is yours, add { name: "rebound.example"`);
    assert.is(remedyOf({ ...row, head: get("Host: *.rebound.example") }), notice);
    // An address is nobody's name; and a request without one must not open the tool to every name.
    assert.match(remedyOf({ ...row, head: get("Host: 192.0.2.7") })!, /^to serve this address, add/);
    assert.is(remedyOf({ ...row, head: headOf("GET / HTTP/1.0\r\n") }), null);
  }
  assert.not.match(explain(ruled({ options: plain, head: get("Host: rebound.example") })), "rebinding");
});

sentences("what lets more in than this one request says so", () => {
  const origin = (value: string): Row => ({ options: plain, head: get(`Host: a\r\nOrigin: ${value}`) });
  assert.is(remedyOf(origin("null")), 'to allow the pages of every site, set origins: "any" on vhost a');
  assert.match(remedyOf(origin("https://evil.example"))!, /^to trust the pages of https:\/\/evil\.example, set/);
  assert.match(remedyOf({ options: plain, head: headOf("GET / HTTP/1.0\r\n") })!, /also serves every name that no/);
  const secure = {
    options: { scheme: "http", vhosts: [{ name: "a", requires: "https" }] } as GateOptions,
    head: get("Host: a"),
  };
  assert.is(remedyOf(secure), "to allow plain HTTP, remove requires from vhost a");
});

sentences("nothing is offered that a configuration does not take, or that a line has no room for", () => {
  for (const head of [
    get("Host: *.evil.example"),
    get("Host: %61"),
    get("Host: b,c"),
    get("Host: b..c"),
    get(`Host: ${"b".repeat(300)}`),
    get("Host: a\r\nOrigin: http://%61"),
    get(`Host: a\r\nOrigin: http://${"b".repeat(300)}`),
    upgrade("Host: a", "/a*b"),
    upgrade("Host: a", "/a/*"),
    upgrade("Host: a", `/${"b".repeat(300)}`),
    // TLS that named another server, and no proxy that says whom it speaks for.
  ]) {
    assert.is(remedyOf({ options: claiming, head }), null, words(ruled({ options: claiming, head })));
  }
  const other = { options: claiming, head: get("Host: a"), socket: tls("10.0.0.1") };
  assert.is(remedyOf(other), null, words(ruled(other)));
});

sentences("no explanation has the words that an engineer would not write", () => {
  const rows = Object.values(byPolicy)
    .flat()
    .filter((row): row is Row => typeof row !== "string");
  const lines = [...rows, ...tableRows()].map((row) => explain(ruled(row)));
  assert.ok(lines.length > 200);
  for (const line of lines)
    assert.not.match(line, /nobody|somebody|\bstands?\b|\bis no\b|\bare no\b|accepted with|behind/i);
});
