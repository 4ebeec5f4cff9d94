// In:    policies, heads and arrivals, without sockets.
// Out:   whether the decision, its code, its place in the order and its explanation are right.
// Never: repeats the rows of test/cases; cases.test.ts runs those.

import fc from "fast-check";
import * as assert from "uvu/assert";
import type { Arrival } from "#src/arrival/arrival.js";
import { nothingSaid } from "#src/arrival/proxy/header.js";
import { parseAuthority } from "#src/head/authority.js";
import { parseRequestHead } from "#src/head/parse.js";
import type { RequestHead } from "#src/head/request-head.js";
import { prefersJson } from "#src/outcome/accept.js";
import { messageOf, replyOf } from "#src/outcome/reply.js";
import { Claims } from "#src/policy/claims.js";
import { decide } from "#src/policy/decide.js";
import type { Decision } from "#src/policy/decision.js";
import { explain, explanation } from "#src/policy/explain.js";
import { localhost } from "#src/policy/localhost.js";
import { definePolicy, type PolicyRules } from "#src/policy/policy-rules.js";
import { printable } from "#src/policy/shown.js";
import { NO_LISTEN, NO_LISTEN_SERVER, type Vhost } from "#src/policy/vhost.js";
import { suite } from "./support/suite.js";
import { handshakeFields } from "./support/world.js";

const http: Arrival = { scheme: "http", schemeSource: "default" };

function head(requestLine: string, fields: string, options: { host?: "optional" } = {}): RequestHead {
  const result = parseRequestHead(Buffer.from(`${requestLine}\r\n${fields}\r\n`, "latin1"), options);
  if (result.kind !== "complete") throw new Error(`no head: ${JSON.stringify(result)}`);
  return result.head;
}
const upgradeTo = (host: string, target = "/", fields = handshakeFields): RequestHead =>
  head(`GET ${target} HTTP/1.1`, `Host: ${host}\r\n${fields}`);

const words = (decision: Decision): string =>
  decision.kind === "accepted" ? `accepted ${decision.vhost.name}` : `${decision.statusCode} ${decision.code}`;

const explanations = suite("explanations");

const vhosts: Vhost<string>[] = [
  { name: "chat.example.com", port: 443, upgrades: { "/live": "live" } },
  { name: "off.example.com", port: NO_LISTEN },
  { name: "*.example.com", port: NO_LISTEN_SERVER, requires: "https" },
  { name: "open.test", port: [80, 8080], upgrades: { "*": "all" } },
];

for (const [name, request, arrival, scheme, expected] of [
  [
    "port",
    upgradeTo("chat.example.com:8080"),
    { ...http, scheme: "https", schemeSource: "declared" },
    "421 PORT_MISMATCH",
    "host port 8080 mismatches vhost port 443 (chat.example.com; port came from Host; scheme https declared); to allow it, set port: [443, 8080] on vhost chat.example.com",
  ],
  [
    "implied port",
    upgradeTo("chat.example.com"),
    http,
    "421 PORT_MISMATCH",
    'host port 80 mismatches vhost port 443 (chat.example.com; host came from Host, port from scheme http; scheme http by default); if a proxy terminates TLS for this process, set scheme: "https"; otherwise, set port: [443, 80] on vhost chat.example.com',
  ],
  [
    "absolute-form",
    upgradeTo("x", "http://open.test:81/"),
    http,
    "421 PORT_MISMATCH",
    "host port 81 mismatches vhost port 80, 8080 (open.test; port came from absolute-form; scheme http by default); to allow it, set port: [80, 8080, 81] on vhost open.test",
  ],
  [
    "unknown name",
    upgradeTo("evil.test:1"),
    http,
    "421 NAME_UNKNOWN",
    'host evil.test matches none of the vhosts: chat.example.com, off.example.com, *.example.com, open.test (port came from Host; scheme http by default); to serve this name, add { name: "evil.test", port: 1 } to vhosts',
  ],
  [
    "a name that is not served",
    upgradeTo("off.example.com"),
    http,
    "421 NAME_NOT_SERVED",
    "host off.example.com is not served: the port of vhost off.example.com is NO_LISTEN (off.example.com; host came from Host, port from scheme http; scheme http by default); to serve it, set port: 80 on vhost off.example.com",
  ],
  [
    "required scheme",
    upgradeTo("a.example.com"),
    { ...http, schemeSource: "given" },
    "421 SCHEME_REQUIRED",
    "vhost *.example.com requires https, and the request came over http (*.example.com; host came from Host, port from scheme http; scheme http given); to allow plain HTTP, remove requires from vhost *.example.com",
  ],
  [
    "required scheme, where none was declared",
    upgradeTo("a.example.com"),
    http,
    "421 SCHEME_REQUIRED",
    'vhost *.example.com requires https, and the request came over http (*.example.com; host came from Host, port from scheme http; scheme http by default); if a proxy terminates TLS for this process, set scheme: "https"; otherwise, to allow plain HTTP, remove requires from vhost *.example.com',
  ],
  [
    "absolute-form's scheme",
    upgradeTo("open.test", "wss://open.test/"),
    http,
    "421 SCHEME_MISMATCH",
    'scheme wss of the absolute-form mismatches scheme http (open.test; host came from absolute-form, port from scheme http; scheme http by default); if a proxy terminates TLS for this process, set scheme: "https"; also set port: [80, 8080, 443] on vhost open.test',
  ],
  [
    "path",
    upgradeTo("chat.example.com", "/other?live"),
    { scheme: "https", schemeSource: "tls" },
    "404 PATH_UNCLAIMED",
    'path /other matches none of the upgrades: /live (chat.example.com; host came from Host, port from scheme https; scheme https of the socket); to claim it, add "/other": framer to the upgrades of vhost chat.example.com',
  ],
  [
    "no Host",
    head("GET / HTTP/1.0", ""),
    http,
    "421 AUTHORITY_ABSENT",
    'the request names no host, and no vhost is the default (no authority; scheme http by default); to serve requests without a host, add { name: "default", default: true, origins: [], port: "any" } to vhosts, which also serves every name that no other vhost has',
  ],
  [
    "a tunnel",
    head("CONNECT open.test:80 HTTP/1.1", "Host: open.test\r\n"),
    http,
    "405 METHOD_NOT_ALLOWED",
    "method CONNECT is not allowed; expected: a method for resources (open.test; port came from authority-form; scheme http by default)",
  ],
  [
    "part of HTTP/2's connection preface",
    head("PRI / HTTP/1.0", "Host: open.test\r\n"),
    http,
    "405 METHOD_NOT_ALLOWED",
    "method PRI is not allowed; expected: a method for resources (open.test; host came from Host, port from scheme http; scheme http by default)",
  ],
  [
    "an accepted upgrade",
    upgradeTo("open.test", "/a"),
    http,
    "accepted open.test",
    "upgrade of /a accepted by * (open.test; host came from Host, port from scheme http; scheme http by default)",
  ],
  [
    "an accepted request",
    head("GET /a?b HTTP/1.1", "Host: open.test:8080\r\n"),
    http,
    "accepted open.test",
    "GET /a accepted (open.test; port came from Host; scheme http by default)",
  ],
] as [string, RequestHead, Arrival, string, string][]) {
  explanations(name, () => {
    const decision = decide(definePolicy({ vhosts }), request, arrival);
    assert.is(words(decision), scheme);
    assert.is(explain(decision), expected);
  });
}

explanations("as plain data, which JSON gives back", () => {
  const request = head("GET /a?b HTTP/1.1", "Host: open.test:81\r\nOrigin: http://open.test:81\r\n");
  const refused = decide(definePolicy({ vhosts }), request, { ...http, remoteAddress: "192.0.2.7", remotePort: 4000 });
  const data = explanation(refused);
  assert.equal(JSON.parse(JSON.stringify(data)), data);
  assert.equal(data, {
    kind: "refused",
    code: "PORT_MISMATCH",
    statusCode: 421,
    clause: null,
    text: explain(refused),
    seen: "host port 81",
    wanted: "vhost port 80, 8080",
    remedy: "to allow it, set port: [80, 8080, 81] on vhost open.test",
    method: "GET",
    path: "/a",
    upgrade: false,
    vhost: "open.test",
    pattern: null,
    host: { value: "open.test", source: "Host" },
    port: { value: 81, source: "Host" },
    scheme: { value: "http", source: "default" },
    origin: ["http://open.test:81"],
    client: { address: "192.0.2.7", port: 4000 },
    forwarding: null,
    proxy: null,
    tls: null,
    reported: null,
  });
  const accepted = explanation(decide(definePolicy({ vhosts }), upgradeTo("open.test", "/a"), http));
  assert.is(accepted.kind, "accepted");
  assert.is(accepted.pattern, "*");
  assert.equal(accepted.port, { value: 80, source: "scheme" });
  for (const name of ["code", "statusCode", "seen", "wanted", "remedy"] as const) assert.is(accepted[name], null, name);
  const nameless = explanation(decide(definePolicy({ vhosts }), head("GET / HTTP/1.0", ""), http));
  assert.equal(
    [nameless.host, nameless.port],
    [
      { value: null, source: "nothing" },
      { value: null, source: "nothing" },
    ],
  );
});

explanations("one line, printable and bounded, whatever a client sent", () => {
  const decision = decide(
    definePolicy({ vhosts }),
    upgradeTo("open.test", "/a", handshakeFields.replace("Version: 13", `Version: ${"\xff\t".repeat(3000)}x`)),
    http,
  );
  const text = explain(decision);
  assert.match(text, /^[\x20-\x7e]{20,1000}$/);
});

explanations("a decision shows and logs nothing but visible ASCII, and not much of it", () => {
  const all = Array.from({ length: 256 }, (_, octet) => String.fromCharCode(octet))
    .join("")
    .repeat(20);
  const obsText = all.replace(/[\0-\x08\x0a-\x1f\x7f]/g, "");
  const proxy = {
    ...nothingSaid,
    version: 2,
    command: "PROXY",
    hop: "10.0.0.1",
    size: 100,
    authority: all,
    uniqueId: all,
  };
  const arrival: Arrival = {
    ...http,
    remoteAddress: all,
    serverName: all,
    alpnProtocol: all,
    proxy: { ...proxy, tlvs: [{ type: 238, value: all }] } as Arrival["proxy"],
  };
  const policy = definePolicy({
    vhosts: [{ name: "a", upgrades: { "/%c3": 1 }, origins: ["https://bücher.example"] }],
    trust: { from: ["10.0.0.1"], forwarded: "rfc7239" },
  });
  const requests = [
    upgradeTo("a", `/${"a".repeat(3000)}`),
    upgradeTo("a", "/", `Origin: ${obsText}\r\n`),
    upgradeTo("a", "/", `Origin: x://${"a".repeat(3000)}\r\n`),
    upgradeTo("a", "/%c3", handshakeFields),
    upgradeTo("a", "/", `Forwarded: for="${obsText.replace(/["\\]/g, "")}"\r\n`),
    upgradeTo("a".repeat(3000)),
    head(`${"A".repeat(3000)} / HTTP/1.1`, "Host: a\r\n"),
  ];
  const codes = new Set<string>();
  for (const request of requests) {
    for (const each of [arrival, { ...http, remoteAddress: "10.0.0.1" }]) {
      const decision = decide(policy, request, each);
      codes.add(words(decision));
      assert.match(JSON.stringify(explanation(decision)), /^[\x20-\x7e]*$/, words(decision));
      for (const text of Object.values(explanation(decision))) {
        if (typeof text === "string") assert.ok(text.length <= 1000, text);
      }
    }
  }
  assert.ok(codes.size >= 6, [...codes].join(", "));
});

explanations("a refusal holds facts and no sentence; an explanation makes the words", () => {
  const policy = definePolicy({
    vhosts: [...vhosts, { name: "o", origins: [] }],
    trust: { from: ["10.0.0.1"], forwarded: "rfc7239" },
  });
  const codes = new Set<string>();
  for (const request of [
    upgradeTo("evil.test"),
    upgradeTo("off.example.com"),
    upgradeTo("a.example.com"),
    upgradeTo("open.test:81"),
    upgradeTo("open.test", "/", handshakeFields.replace("13", "8")),
    upgradeTo("o", "/", handshakeFields),
    upgradeTo("o", "/", `Origin: https://evil.test\r\n${handshakeFields}`),
    upgradeTo("o", "/", `Forwarded: proto=x\r\n${handshakeFields}`),
  ]) {
    const refusal = decide(policy, request, { ...http, remoteAddress: "10.0.0.1" });
    if (refusal.kind === "accepted") throw new Error(explain(refusal));
    codes.add(refusal.code);
    // What is said of the head, the arrival and the vhost is there as it was; all else is a code or a value.
    for (const [name, value] of Object.entries(refusal)) {
      if (typeof value === "string") assert.match(value, /^(?:refused|[A-Z_]+|Host)$/, name);
    }
    assert.not.match(JSON.stringify({ ...refusal, head: null }), "chat.example.com", "the policy");
    // A copy is explained as well.
    const { text, seen, wanted } = explanation({ ...refusal });
    assert.is(text, explain(refusal));
    assert.ok(seen !== null && wanted !== null);
  }
  assert.is(codes.size, 8);
});

explanations("a text is cut before it is escaped, at the same place", () => {
  for (const text of [
    "",
    "a".repeat(1000),
    "a".repeat(1001),
    "\xff".repeat(250),
    "\xff".repeat(251),
    `${"a".repeat(998)}\0b`,
  ]) {
    const escaped = text.replace(/[^\x20-\x7e]/g, (octet) => `\\x${octet.charCodeAt(0).toString(16).padStart(2, "0")}`);
    assert.is(printable(text), escaped.length > 1000 ? `${escaped.slice(0, 997)}...` : escaped);
  }
  assert.is(printable("\x7f\x80\x9b\u{1f600}"), "\\x7f\\x80\\x9b\\xd83d\\xde00");
});

explanations("long lists are counted, and a remedy adds to them", () => {
  const origins = Array.from({ length: 12 }, (_, i) => `https://o${i}.test`);
  const ports = Array.from({ length: 12 }, (_, i) => 8000 + i);
  const policy = definePolicy({
    vhosts: [{ name: "a", port: ports, origins, upgrades: Object.fromEntries(ports.map((port) => [`/${port}`, 1])) }],
  });
  const foreign = decide(policy, head("GET / HTTP/1.1", "Host: a:8000\r\nOrigin: https://b.test\r\n"), http);
  assert.match(explain(foreign), "https://o9.test, and 2 more (a;");
  assert.match(
    explain(foreign),
    '; to trust the pages of https://b.test, add "https://b.test" to the origins of vhost a',
  );
  const port = decide(policy, upgradeless("a:81"), http);
  assert.match(explain(port), "host port 81 mismatches vhost port 8000, 8001,");
  assert.match(explain(port), "8009, and 2 more (a;");
  assert.match(explain(decide(policy, upgradeTo("a:8000"), http)), "/8009, and 2 more (a;");
});

explanations("a malformed head", () => {
  const result = parseRequestHead(Buffer.from("GET / HTTP/1.1\r\nHost : a\r\n\r\n"));
  assert.is(
    result.kind === "malformed" && explain(result.fault),
    "there is white space between a field name and its colon (FIELD_NAME_SPACE at octet 20; RFC 9112 §5.1)",
  );
  assert.is(
    result.kind === "malformed" && String(result.fault),
    "FIELD_NAME_SPACE: there is white space between a field name and its colon (octet 20; RFC 9112 §5.1)",
  );
});

const order = suite("order of refusals");

order("of all that is wrong with a request, the first in the promised order is said", () => {
  // Each step mends what the step before it was refused for.
  const wrong = handshakeFields.replace("13", "8").replace("dGhl", "!!!!");
  const steps: [string, string, string, string, PolicyRules["vhosts"][0]["port"], string][] = [
    ["421 NAME_UNKNOWN", "POST", "https://b:1/other", wrong, 2, "https"],
    ["421 SCHEME_MISMATCH", "POST", "https://a:1/other", wrong, 2, "https"],
    ["421 SCHEME_REQUIRED", "POST", "http://a:1/other", wrong, 2, "https"],
    ["421 PORT_MISMATCH", "POST", "http://a:1/other", wrong, 2, ""],
    ["404 PATH_UNCLAIMED", "POST", "http://a:1/other", wrong, 1, ""],
    ["405 METHOD_NOT_ALLOWED", "POST", "http://a:1/path", wrong, 1, ""],
    ["426 WEBSOCKET_VERSION", "GET", "http://a:1/path", wrong, 1, ""],
    ["400 WEBSOCKET_KEY", "GET", "http://a:1/path", wrong.replace("8\r", "13\r"), 1, ""],
    ["accepted a", "GET", "http://a:1/path", handshakeFields, 1, ""],
  ];
  for (const [expected, method, target, fields, port, requires] of steps) {
    const vhost = {
      name: "a",
      port: port!,
      upgrades: { "/path": 1 },
      ...(requires === "https" && ({ requires } as { requires: "https" })),
    };
    const request = head(`${method} ${target} HTTP/1.1`, `Host: a\r\n${fields}`);
    assert.is(words(decide(definePolicy({ vhosts: [vhost] }), request, http)), expected);
  }
});

const serverNames = suite("server name and authority");

serverNames("another host than TLS named is refused in front of all that depends on the name", () => {
  const policy = definePolicy({ vhosts: [...vhosts, { name: "a.test", port: 443, default: true, origins: [] }] });
  const secure = (serverName: string | null | undefined, more: Partial<Arrival> = {}): Arrival => {
    return { scheme: "https", schemeSource: "tls", serverName, ...more };
  };
  const absolute = head("GET https://a.test/ HTTP/1.1", "Host: b.test\r\n");
  for (const [serverName, request, expected] of [
    ["a.test", upgradeTo("a.test:443"), "404 PATH_UNCLAIMED"],
    ["A.Test.", upgradeTo("a.TEST."), "404 PATH_UNCLAIMED"],
    ["a.test", upgradeTo("a.test:8443"), "421 PORT_MISMATCH"],
    ["a.test", absolute, "accepted a.test"],
    ["b.test", absolute, "421 SERVER_NAME_MISMATCH"],
    ["a.test", upgradeTo("b.test"), "421 SERVER_NAME_MISMATCH"],
    ["test", upgradeTo("a.test"), "421 SERVER_NAME_MISMATCH"],
    ["a.test", upgradeTo("off.example.com"), "421 SERVER_NAME_MISMATCH"],
    ["a.test", upgradeTo("192.0.2.1"), "421 SERVER_NAME_MISMATCH"],
    ["a.test", upgradeTo("open.test:1", "/", `Origin: http://x\r\n`), "421 SERVER_NAME_MISMATCH"],
    ["a.test", upgradeTo("b.test", "/", `Origin: http://x\r\nOrigin: http://y\r\n`), "400 ORIGIN_REPEATED"],
    ["a.test", head("GET / HTTP/1.0", "", { host: "optional" }), "accepted a.test"],
    [null, upgradeTo("off.example.com"), "421 NAME_NOT_SERVED"],
    [undefined, upgradeTo("off.example.com"), "421 NAME_NOT_SERVED"],
  ] as const) {
    assert.is(words(decide(policy, request, secure(serverName))), expected, `${serverName} ${request}`);
  }
  const refused = decide(policy, upgradeTo("b.test"), secure("a.test", { remoteAddress: "192.0.2.7" }));
  assert.equal(explanation(refused).tls, { serverName: "a.test", alpnProtocol: null });
  const given = decide(policy, upgradeTo("b.test"), secure("a.test", { schemeSource: "given" }));
  assert.match(explain(given), /^host b\.test mismatches server name a\.test given \([^)]*\)$/);
});

serverNames("report mode sends the request to the default vhost, as with every 421", () => {
  const open = { name: "open.test", port: 443, default: true, origins: [] } as const;
  const policy = definePolicy({ vhosts: [{ name: "a.test", port: 443 }, open], mode: "report" });
  const decision = decide(policy, head("GET / HTTP/1.1", "Host: a.test\r\n"), {
    scheme: "https",
    schemeSource: "tls",
    serverName: "b.test",
  });
  assert.ok(decision.kind === "accepted" && decision.reported?.code === "SERVER_NAME_MISMATCH");
  assert.is(decision.vhost.name, "open.test");
});

const handshakes = suite("opening handshake");
const policy = definePolicy({ vhosts: [{ name: "a", port: "any", upgrades: { "*": 1 } }] });
const key = "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n";
const rest = `Sec-WebSocket-Version: 13\r\n${key}`;
const basic = `Upgrade: websocket\r\nConnection: Upgrade\r\n${rest}`;

for (const [title, fields, expected] of [
  ["as in RFC 6455 §1.3", basic, "accepted a"],
  ["lists and case", `UPGRADE: h2c, WebSocket\r\nconnection: keep-alive, UPGRADE\r\n${rest}`, "accepted a"],
  [
    "two Connection lines",
    `Upgrade: websocket\r\nConnection: keep-alive\r\nConnection: upgrade\r\n${rest}`,
    "accepted a",
  ],
  ["a Content-Length of 0", `${basic}Content-Length: 0\r\n`, "accepted a"],
  ["a body", `${basic}Content-Length: 1\r\n`, "400 WEBSOCKET_BODY"],
  ["a chunked body", `${basic}Transfer-Encoding: chunked\r\n`, "400 WEBSOCKET_BODY"],
  ["no version", `Upgrade: websocket\r\nConnection: Upgrade\r\n${key}`, "426 WEBSOCKET_VERSION"],
  ["version 8", basic.replace("13", "8"), "426 WEBSOCKET_VERSION"],
  ["version 013", basic.replace("13", "013"), "426 WEBSOCKET_VERSION"],
  ["two versions", `${basic}Sec-WebSocket-Version: 13\r\n`, "426 WEBSOCKET_VERSION"],
  ["no key", basic.replace(key, ""), "400 WEBSOCKET_KEY"],
  ["two keys", basic + key, "400 WEBSOCKET_KEY"],
  ["a key of 15 octets", basic.replace("ZQ==", "ZQ="), "400 WEBSOCKET_KEY"],
  ["a key of 17 octets", basic.replace("ZQ==", "ZWE="), "400 WEBSOCKET_KEY"],
  ["a key that is no base64", basic.replace("dGhl", "dGh*"), "400 WEBSOCKET_KEY"],
  ["subprotocols", `${basic}Sec-WebSocket-Protocol: chat, superchat\r\n`, "accepted a"],
  ["subprotocols in two lines", `${basic}Sec-WebSocket-Protocol: chat\r\nSec-WebSocket-Protocol: b\r\n`, "accepted a"],
  ["a subprotocol twice", `${basic}Sec-WebSocket-Protocol: chat, chat\r\n`, "400 WEBSOCKET_PROTOCOL"],
  ["an empty subprotocol", `${basic}Sec-WebSocket-Protocol: chat,,b\r\n`, "400 WEBSOCKET_PROTOCOL"],
  ["no subprotocol", `${basic}Sec-WebSocket-Protocol:\r\n`, "400 WEBSOCKET_PROTOCOL"],
  [
    "extensions",
    `${basic}Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits, x; a="b"\r\n`,
    "accepted a",
  ],
  [
    "extensions that are none, which is the framer's to find",
    `${basic}Sec-WebSocket-Extensions: permessage-deflate; =1\r\n`,
    "accepted a",
  ],
  ["an empty list of extensions", `${basic}Sec-WebSocket-Extensions:\r\n`, "accepted a"],
  ["Upgrade without Connection is a request", `Upgrade: websocket\r\n${rest}`, "accepted a"],
  ["h2c is a request", basic.replace("websocket", "h2c"), "accepted a"],
] as const) {
  handshakes(title, () => {
    assert.is(words(decide(policy, head("GET / HTTP/1.1", `Host: a\r\n${fields}`), http)), expected);
  });
}

handshakes("only some of these ask for a WebSocket", () => {
  const asks = (version: string, fields: string): boolean =>
    decide(policy, head(`GET / HTTP/${version}`, `Host: a\r\n${fields}`), http).upgrade;
  assert.is(asks("1.1", basic), true);
  assert.is(asks("1.0", basic), false);
  assert.is(asks("1.1", `Upgrade: websocket\r\n${rest}`), false);
  assert.is(asks("1.1", basic.replace("websocket", "h2c")), false);
  assert.is(asks("1.1", basic.replace("websocket", "websocket/13")), false);
});

const names = suite("names and ports");

names("the closest wildcard decides, and a misfit does not fall through", () => {
  const made = definePolicy({
    vhosts: [
      { name: "**.example.com", port: 1 },
      { name: "*.b.example.com", port: 2 },
      { name: "**.b.example.com", port: 3 },
      { name: "x.b.example.com", port: 4 },
    ],
  });
  const at = (host: string): string => words(decide(made, upgradeless(host), http));
  assert.is(at("q.example.com:1"), "accepted **.example.com");
  assert.is(at("q.w.example.com:1"), "accepted **.example.com");
  assert.is(at("q.b.example.com:2"), "accepted *.b.example.com");
  assert.is(at("q.w.b.example.com:3"), "accepted **.b.example.com");
  assert.is(at("x.b.example.com:4"), "accepted x.b.example.com");
  assert.is(at("x.b.example.com:2"), "421 PORT_MISMATCH");
  assert.is(at("q.b.example.com:3"), "421 PORT_MISMATCH");
  assert.is(at("example.com:1"), "421 NAME_UNKNOWN");
});

const upgradeless = (host: string): RequestHead => head("GET / HTTP/1.1", `Host: ${host}\r\n`);

names("of vhosts of one name, the one whose scheme and port fit", () => {
  const made = definePolicy({
    vhosts: [
      { name: "a", port: 80 },
      { name: "a", port: 443, requires: "https" },
    ],
  });
  assert.is(words(decide(made, upgradeless("a"), http)), "accepted a");
  assert.is(words(decide(made, upgradeless("a:443"), http)), "421 PORT_MISMATCH");
  assert.is(decide(made, upgradeless("a"), { scheme: "https" }).vhost?.port, 443);
});

names("networks take addresses alone, behind an exact name, the longest prefix first", () => {
  const made = definePolicy({
    vhosts: [
      { name: "10.0.0.0/8", port: 1 },
      { name: "10.1.0.0/16", port: 2 },
      { name: "10.1.0.0/16", port: 3 },
      { name: "10.1.2.3", port: 4 },
      { name: "[fd00::]/9", port: 5 },
      { name: "other", port: "any", default: true, origins: "any" },
    ],
  });
  const at = (host: string): string => words(decide(made, upgradeless(host), http));
  assert.is(at("10.2.0.1:1"), "accepted 10.0.0.0/8");
  assert.is(at("10.1.0.1:2"), "accepted 10.1.0.0/16");
  assert.is(at("10.1.255.255:3"), "accepted 10.1.0.0/16");
  assert.is(at("10.1.0.1:1"), "421 PORT_MISMATCH");
  assert.is(at("10.1.2.3:4"), "accepted 10.1.2.3");
  assert.is(at("10.1.2.3:2"), "421 PORT_MISMATCH");
  assert.is(at("[fd7f:ffff::1]:5"), "accepted [fd00::]/9");
  assert.is(at("[fd80::1]:5"), "421 NAME_UNKNOWN");
  assert.is(at("11.0.0.1"), "421 NAME_UNKNOWN");
  assert.is(at("[::ffff:10.2.0.1]:1"), "421 NAME_UNKNOWN");
  // A reg-name, like any other.
  assert.is(at("10.2.1:1"), "accepted other");
});

names("a local port is compared with the arrival's, and must be known", () => {
  const made = definePolicy({ vhosts: [{ name: "a", port: "local" }] });
  assert.is(words(decide(made, upgradeless("a:8080"), { ...http, localPort: 8080 })), "accepted a");
  assert.is(words(decide(made, upgradeless("a"), { ...http, localPort: 8080 })), "421 PORT_MISMATCH");
  // The socket may be gone by now, and its port with it.
  const unknown = decide(made, upgradeless("a:8080"), http);
  assert.is(words(unknown), "421 PORT_MISMATCH");
  assert.match(explain(unknown), /host port 8080 mismatches vhost port "local", which is not known/);
});

names("a reg-name that is spelt like an address is another name", () => {
  const made = definePolicy({
    vhosts: [
      { name: "127.0.0.1", port: "any" },
      { name: "localhost", port: "any" },
    ],
  });
  assert.is(words(decide(made, upgradeless("127.0.0.1."), http)), "421 NAME_UNKNOWN");
  assert.is(words(decide(made, upgradeless("127.0.0.1"), http)), "accepted 127.0.0.1");
  const rooted = definePolicy({ vhosts: [{ name: "127.0.0.1.", port: "any" }] });
  for (const [host, right] of [
    ["127.0.0.1.", "accepted 127.0.0.1."],
    ["127.0.0.1", "421 NAME_UNKNOWN"],
    ["127.0.0.1..", "421 NAME_UNKNOWN"],
    ["127.0.0.1...", "421 NAME_UNKNOWN"],
  ] as const) {
    assert.is(words(decide(rooted, upgradeless(host), http)), right, host);
  }
});

names("what is wrong with vhosts is said at construction, with the fix", () => {
  const rows: [unknown, RegExp][] = [
    [[], /at least one vhost/],
    [[null], /vhosts\[0\] is null/],
    [[{ port: 1 }], /vhosts\[0\]\.name is undefined/],
    [[{ name: "a", ports: 1 }], /ports is not a setting of a vhost \(vhosts\[0\]\)/],
    [[{ name: "" }], /vhosts\[0\]\.name "" is not a host name/],
    [[{ name: "a:80" }], /contains a port; write it as port: 80/],
    [[{ name: "a:" }], /contains a port/],
    [[{ name: "http://a" }], /is a URL; write its host name alone/],
    [[{ name: "::1" }], /write it in brackets: \[::1\]/],
    [[{ name: "a b" }], /is not a host name/],
    [[{ name: "*" }], /"\*" is a star alone, for every name; write default: true, or a name/],
    [[{ name: "a.*.b" }], /may have a star only before a name/],
    [[{ name: "foo*.b" }], /may have a star only before a name/],
    [undefined, /at least one vhost/],
    [{ name: "a" }, /at least one vhost/],
    [[{ name: "*.1.2.3.4" }], /needs a plain name after \*\./],
    [[{ name: "*.*.a" }], /may have a star only before a name/],
    [[{ name: "**.[::1]" }], /needs a plain name after \*\*\./],
    [[{ name: "bücher.example/x" }], /is not an internationalized host name/],
    [[{ name: "a/8" }], /is not an address or a network such as 10\.0\.0\.0\/8/],
    [[{ name: "127.0.0.1/8" }], /has bits set after its prefix; the network is 127\.0\.0\.0\/8/],
    [[{ name: "10.0.0.0/33" }], /has a prefix of more than 32 bits/],
    [[{ name: "fd00::/8" }], /write its address in brackets: \[fd00::\]\/8/],
    [[{ name: "[fd00::1]/8" }], /the network is fd00::\/8/],
    [[{ name: "[::ffff:10.0.0.0]/104" }], /contains IPv4-mapped addresses/],
    [[{ name: "a", port: 0 }], /vhosts\[0\]\.port is 0; .*1 to 65535/],
    [[{ name: "a", port: "80" }], /vhosts\[0\]\.port is "80"/],
    [[{ name: "a", port: [] }], /vhosts\[0\]\.port is \[\]/],
    [[{ name: "a", port: [80, 65536] }], /65536/],
    [[{ name: "a", requires: "http" }], /requires is "http"/],
    [[{ name: "a", default: 1 }], /default is 1/],
    [[{ name: "a", upgrades: { live: 1 } }], /"live"\] is not a path/],
    [[{ name: "a", upgrades: { "/a*": 1 } }], /"\/a\*"\] is not a path/],
    [[{ name: "a", upgrades: { "/a?b": 1 } }], /is not a path/],
    [[{ name: "a", upgrades: 1 }], /upgrades must be an object/],
    [
      [
        { name: "a", default: true, origins: "any" },
        { name: "b", default: true, origins: "any" },
      ],
      /a and b are both default/,
    ],
    [
      [
        { name: "a", port: 80 },
        { name: "A.", port: [8080, 80] },
      ],
      /vhosts\[1\]: another vhost named A\. takes the same ports/,
    ],
    [
      [
        { name: "a", port: 80 },
        { name: "a", port: NO_LISTEN_SERVER },
      ],
      /same ports/,
    ],
    [
      [
        { name: "a", port: "local" },
        { name: "a", port: 8080 },
      ],
      /same ports/,
    ],
    [
      [
        { name: "*.a", port: 80 },
        { name: "*.a", port: 80 },
      ],
      /same ports/,
    ],
    [
      [
        { name: "127.0.0.0/8", port: 80 },
        { name: "127.0.0.0/8", port: "any" },
      ],
      /vhosts\[1\]: another vhost named 127\.0\.0\.0\/8 takes the same ports/,
    ],
    [
      [
        { name: "[::1]", port: 80 },
        { name: "[0::1]", port: 80 },
      ],
      /same ports/,
    ],
  ];
  for (const [given, sentence] of rows) {
    assert.throws(
      () => definePolicy({ vhosts: given as Vhost[] }),
      (error: unknown) => error instanceof TypeError && sentence.test(error.message),
      JSON.stringify(given),
    );
  }
  assert.throws(() => definePolicy({ scheme: "ws" as "http", vhosts: [{ name: "a" }] }), /scheme is "ws"/);
  assert.throws(
    () => definePolicy({ schema: "https", vhosts: [{ name: "a" }] } as never),
    /schema is not a setting of a policy/,
  );
  assert.throws(() => definePolicy(undefined as never), /a policy must be an object/);
  const made = definePolicy({ vhosts: [{ name: "a" }] });
  assert.throws(() => decide(made, upgradeless("a"), {} as Arrival), /an arrival has a scheme/);
});

names("a refusal names some vhosts, and counts the others", () => {
  const many = Array.from({ length: 80 }, (_, i) => ({ name: `tenant-${i}.example.com`, port: 443 }));
  const text = explain(decide(definePolicy({ vhosts: many }), upgradeless("b"), http));
  assert.match(text, /tenant-9\.example\.com, and 70 more \(/);
  assert.match(
    text,
    /to serve this name, add \{ name: "b", port: 443 \} to vhosts; if a proxy terminates TLS for this process, set scheme: "https"$/,
  );
});

names("claims: exact, then the longest prefix, then all", () => {
  const claims = new Claims({ "/x": "exact", "/x/*": "x", "/x/y/*": "xy", "//*": "empty", "*": "all" });
  for (const [path, claim] of [
    ["/x", "exact"],
    ["/x/", "x"],
    ["/x/z", "x"],
    ["/x/y", "x"],
    ["/x/y/", "xy"],
    ["/x/y/z/w", "xy"],
    ["/X", "all"],
    ["/", "all"],
    ["/x%2f", "all"],
    ["/x/*", "x"],
    ["//", "empty"],
    ["//x/y", "empty"],
    ["*", "all"],
    ["", "all"],
  ]) {
    assert.is(claims.find(path!)?.claim, claim, path!);
  }
  assert.is(new Claims({ "/x": 1 }).find("/x/"), null);
  assert.is(new Claims({ "/x/y/*": 1 }).find("/x/z/y"), null);
  assert.is(new Claims({ "/*": 1 }).find("/a/b")?.pattern, "/*");
  assert.is(new Claims().find("/"), null);
  assert.is(new Claims({ "/x": 1 }).find("/constructor"), null);
});

const properties = suite("properties");

properties("what Host can reach is what the names say, and nothing else", () => {
  const label = fc.stringMatching(/^[a-z0-9_-]{1,5}$/);
  const name = fc.array(label, { minLength: 1, maxLength: 3 }).map((labels) => labels.join("."));
  const port = fc.option(fc.integer({ min: 1, max: 65_535 }), { nil: null });
  fc.assert(
    fc.property(name, name, port, fc.integer({ min: 1, max: 65_535 }), (served, asked, hostPort, vhostPort) => {
      const made = definePolicy({ vhosts: [{ name: served, port: vhostPort }] });
      const upper = asked.toUpperCase() + (hostPort === null ? "" : `:${hostPort}`);
      const decision = decide(made, upgradeless(upper), http);
      assert.is(decision.kind === "accepted", asked === served && (hostPort ?? 80) === vhostPort);
    }),
    { numRuns: 2000, seed: 1 },
  );
});

properties("an authority is read back from its own text", () => {
  const piece = fc.integer({ min: 0, max: 0xffff }).map((n) => n.toString(16));
  const sparse = fc.oneof({ weight: 2, arbitrary: fc.constant("0") }, piece);
  const ipv6 = fc.array(sparse, { minLength: 8, maxLength: 8 }).map((pieces) => `[${pieces.join(":")}]`);
  fc.assert(
    fc.property(ipv6, (text) => {
      const first = parseAuthority(text);
      if (first.kind === "malformed") throw new Error(`${text}: ${first.fault}`);
      const { uriHost } = first.authority;
      const again = parseAuthority(uriHost);
      assert.is(again.kind === "complete" && again.authority.uriHost, uriHost);
      // The URL standard writes IPv4-mapped addresses in hexadecimal; otherwise it follows RFC 5952 as well.
      if (!uriHost.includes(".")) assert.is(new URL(`http://${text}/`).hostname, uriHost);
    }),
    { numRuns: 3000, seed: 2 },
  );
});

const checks = suite("health checks");

checks("absentHost lets GET, HEAD and OPTIONS of HTTP/1.0 without a host in, on its paths alone", () => {
  const vhosts = [
    { name: "other.test", port: 80 },
    { name: "a.test", port: 8080, absentHost: ["/healthz", "/live"], upgrades: { "*": 1 } },
  ];
  const checked = definePolicy({ vhosts });
  const upgrade = "Connection: Upgrade\r\nUpgrade: websocket\r\n";
  for (const [line, fields, expected] of [
    ["GET /healthz HTTP/1.0", "", "accepted a.test"],
    ["HEAD /live HTTP/1.0", "", "accepted a.test"],
    ["OPTIONS /live?x=1 HTTP/1.0", "", "accepted a.test"],
    ["GET /healthz HTTP/1.0", upgrade, "accepted a.test"],
    ["POST /healthz HTTP/1.0", "", "421 AUTHORITY_ABSENT"],
    ["get /healthz HTTP/1.0", "", "421 AUTHORITY_ABSENT"],
    ["GET /healthz/ HTTP/1.0", "", "421 AUTHORITY_ABSENT"],
    ["GET /Healthz HTTP/1.0", "", "421 AUTHORITY_ABSENT"],
    ["GET // HTTP/1.0", "", "421 AUTHORITY_ABSENT"],
    ["OPTIONS * HTTP/1.0", "", "421 AUTHORITY_ABSENT"],
    ["GET /healthz HTTP/1.0", "Host: b.test\r\n", "421 NAME_UNKNOWN"],
    ["GET /healthz HTTP/1.0", "Host: a.test\r\n", "421 PORT_MISMATCH"],
    ["GET /healthz HTTP/1.0", "Origin: http://a.test:8080\r\n", "403 ORIGIN_FOREIGN"],
  ] as const) {
    const decision = decide(checked, head(line, fields), http);
    assert.is(words(decision), expected, `${line} ${fields}`);
    if (decision.kind === "accepted") assert.match(explain(decision), "(a.test; no authority, by absentHost; scheme");
  }
  assert.match(
    explain(decide(checked, head("POST /healthz HTTP/1.0", ""), http)),
    "the request names no host, and vhost a.test allows that to health checks alone: /healthz, /live (no authority",
  );
  const secure = definePolicy({ vhosts: [{ name: "a.test", requires: "https", absentHost: ["/healthz"] }] });
  assert.is(words(decide(secure, head("GET /healthz HTTP/1.0", ""), http)), "421 SCHEME_REQUIRED");
  const off = definePolicy({ vhosts: [{ name: "a.test", port: NO_LISTEN, absentHost: ["/healthz"] }] });
  assert.is(words(decide(off, head("GET /healthz HTTP/1.0", ""), http)), "421 NAME_NOT_SERVED");
});

checks("what cannot be meant is a TypeError", () => {
  const check = { name: "a", absentHost: ["/healthz"] };
  for (const [rules, sentence] of [
    [{ ...check, absentHost: "/healthz" }, /vhosts\[0\]\.absentHost is "\/healthz"; it must be a list of paths/],
    [{ ...check, absentHost: [] }, /absentHost is \[\]/],
    ...["healthz", "/health/*", "*", "/a?b", "/a b", "/a#b", "", 1].map((path) => [
      { ...check, absentHost: [path] },
      /absentHost has .*, which is not an exact path such as "\/healthz"/,
    ]),
    [{ ...check, default: true, origins: [] }, /a has absentHost, and a is default/],
  ] as [object, RegExp][]) {
    assert.throws(() => definePolicy({ vhosts: [rules as never] }), sentence);
  }
  assert.throws(() => definePolicy({ vhosts: [check, { ...check, name: "b" }] }), /a and b both have absentHost/);
  const byDefault = { name: "b", default: true, origins: [] };
  assert.throws(() => definePolicy({ vhosts: [check, byDefault] }), /a has absentHost, and b is default/);
  assert.throws(() => localhost({ absentHost: ["/healthz"] } as never), /absentHost is not a setting of localhost\(\)/);
});

const replies = suite("replies");

replies("an explanation stands in the body, and is plain text", () => {
  const [fields, body] = messageOf(replyOf(421, { explanation: "because <b>" }), "GET").split("\r\n\r\n") as [
    string,
    string,
  ];
  assert.is(body, "Misdirected Request\nbecause <b>\n");
  assert.match(fields, `Content-Length: ${body.length}`);
  assert.match(fields, /\r\nContent-Type: text\/plain; charset=iso-8859-1\r\n.*\r\nX-Content-Type-Options: nosniff/s);
  assert.is(messageOf(replyOf(421, { explanation: "because" }), "HEAD").split("\r\n\r\n")[1], "");
});

replies("the code is in the body, and no cache keeps it", () => {
  const [fields, body] = messageOf(replyOf(421, { code: "NAME_UNKNOWN" })).split("\r\n\r\n") as [string, string];
  assert.is(body, "Misdirected Request (NAME_UNKNOWN)\n");
  assert.match(fields, "\r\nCache-Control: no-store\r\nContent-Type: text/plain\r\n");
});

replies("as JSON, which is US-ASCII whatever a client has sent", () => {
  const details = { code: "NAME_UNKNOWN", explanation: 'RFC 9110 \xa7 "\xff"', json: true };
  const [fields, body] = messageOf(replyOf(421, details)).split("\r\n\r\n") as [string, string];
  assert.is(body, '{"error":{"code":"NAME_UNKNOWN","explanation":"RFC 9110 \\u00a7 \\"\\u00ff\\""}}');
  assert.match(
    fields,
    `Content-Type: application/json\r\nContent-Length: ${body.length}\r\nX-Content-Type-Options: nosniff`,
  );
  const silent = replyOf(403, { code: "ORIGIN_FOREIGN", json: true });
  assert.is(silent.body, '{"error":{"code":"ORIGIN_FOREIGN"}}');
});

replies("JSON is for a client that prefers it", () => {
  for (const [accept, wanted] of [
    [[], false],
    [[""], false],
    [["*/*"], false],
    [["application/json"], true],
    [["Application/JSON;charset=utf-8"], true],
    [["application/*"], true],
    [["text/html, application/xhtml+xml, application/xml;q=0.9, */*;q=0.8"], false],
    // The order of a list means nothing (RFC 9110 §12.5.1).
    [["application/json, text/plain, */*"], false],
    [["application/json, */*"], false],
    [["application/json, */*;q=0.5"], true],
    [["application/json;q=0.5, text/html"], true],
    [["application/json;q=0.5, text/plain;q=0.4"], true],
    [["application/json;q=0.4, text/plain;q=0.5"], false],
    [["text/plain;q=0.4", "application/json;q=0.5"], true],
    [["text/*;q=0.4, application/json ; q=0.5"], true],
    [["application/json;q=0.9, text/*"], false],
    [["text/plain;q=0, */*"], true],
    [["text/plain;q=0, */*;q=0.001"], true],
    [["application/json;q=0, */*"], false],
    [["application/json;q=0"], false],
    [["application/*;q=0.9, application/json;q=0.1, text/plain;q=0.2"], false],
    [["application/json;q=1.1"], false],
    [["application/json;q=1.0000"], false],
    [["application/json;q=-1, text/plain;q=0.1"], false],
    [["application/json;profile=x"], false],
    [["application/json-patch+json"], false],
    [["application/problem+json, text/html"], false],
    [['a/b;c=",application/json;q=1,", text/plain'], false],
  ] as const) {
    assert.is(prefersJson(accept), wanted, JSON.stringify(accept));
  }
});

replies("each status code has the fields it needs", () => {
  assert.match(
    messageOf(replyOf(426)),
    /\r\nUpgrade: websocket\r\nConnection: Upgrade, close\r\nSec-WebSocket-Version: 13\r\n/,
  );
  assert.match(messageOf(replyOf(405)), /\r\nAllow: GET\r\n/);
  for (const statusCode of [400, 401, 403, 404, 405, 408, 421, 426, 431, 500, 503, 505]) {
    const [fields, body] = messageOf(replyOf(statusCode)).split("\r\n\r\n") as [string, string];
    assert.match(fields, new RegExp(`^HTTP/1\\.1 ${statusCode} [A-Z][A-Za-z ]+\\r\\nDate: `));
    assert.match(fields, `Content-Length: ${body.length}`);
    assert.match(fields, /\r\nConnection: (?:Upgrade, )?close\r\n/);
    assert.is(messageOf(replyOf(statusCode), "HEAD").split("\r\n\r\n")[1], "");
  }
});
