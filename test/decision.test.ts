// In:    policies, heads and arrivals, without sockets.
// Out:   whether the decision, its code and its place in the order are right; what is wrong with vhosts.
// Never: repeats the rows of test/cases; cases.test.ts runs those.

import { setFlagsFromString } from "node:v8";
import fc from "fast-check";
import * as assert from "uvu/assert";
import type { Arrival } from "#src/arrival/arrival.js";
import { parseAuthority } from "#src/head/authority.js";
import { parseRequestHead } from "#src/head/parse.js";
import type { RequestHead } from "#src/head/request-head.js";
import { Claims } from "#src/policy/claims.js";
import { decide } from "#src/policy/decide.js";
import { explain, explanation } from "#src/policy/explain.js";
import { definePolicy, type PolicyRules } from "#src/policy/policy-rules.js";
import { NO_LISTEN_SERVER, type Vhost } from "#src/policy/vhost.js";
import { head, http, upgradeless, upgradeTo, vhosts, words } from "./support/decided.js";
import { suite } from "./support/suite.js";
import { handshakeFields } from "./support/world.js";

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

serverNames("a host that differs from the one TLS named is refused before all that depends on the name", () => {
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
  ["a key that is not base64", basic.replace("dGhl", "dGh*"), "400 WEBSOCKET_KEY"],
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
    "invalid extensions, which the framer has to find",
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

const shapes = suite("shapes of decisions");

setFlagsFromString("--allow-natives-syntax");
const haveSameMap = new Function("a", "b", "return %HaveSameMap(a, b)") as (a: object, b: object) => boolean;

shapes("decisions of one kind share one hidden class, so that each of a million is small", () => {
  const rules = {
    vhosts: [{ name: "a", port: 443 }, { name: "b" }],
    trust: { from: ["10.0.0.1"], forwarded: "rfc7239" },
  } as const;
  const policy = definePolicy(rules);
  const requests = {
    accepted: ["host: a", "origin: https://a"],
    "presumed TLS": ["host: b", "origin: https://b"],
    "a foreign page": ["host: b", "origin: https://c"],
    "a foreign Referer": ["host: b", "sec-fetch-site: cross-site", "sec-fetch-mode: no-cors", "referer: https://c/"],
    "an unreadable Forwarded": ["host: a", "forwarded: for=x;;host"],
  };
  for (const [what, fields] of Object.entries(requests)) {
    const arrival: Arrival = { scheme: "http", schemeSource: "default", remoteAddress: "10.0.0.1" };
    const octets = Buffer.from(`POST / HTTP/1.1\r\n${fields.join("\r\n")}\r\n\r\n`);
    const [one, other] = [0, 1].map(() => {
      const parsed = parseRequestHead(octets);
      assert.is(parsed.kind, "complete");
      return decide(policy, (parsed as { head: RequestHead }).head, arrival);
    });
    assert.ok(haveSameMap(one!, other!), what);
  }
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

names("networks take only addresses, after exact names, the longest prefix first", () => {
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

names("a reg-name that is spelled like an address is another name", () => {
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
