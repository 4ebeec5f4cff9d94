// In:    decisions and faults.
// Out:   whether their explanations are right: a line, or plain data, of visible ASCII and bounded.
// Never: follows a remedy; remedies.test.ts does.

import * as assert from "uvu/assert";
import type { Arrival } from "#src/arrival/arrival.js";
import { nothingStated } from "#src/arrival/proxy/header.js";
import { parseRequestHead } from "#src/head/parse.js";
import type { RequestHead } from "#src/head/request-head.js";
import { decide } from "#src/policy/decide.js";
import { explain, explanation } from "#src/policy/explain.js";
import { definePolicy } from "#src/policy/policy-rules.js";
import { printable } from "#src/policy/shown.js";
import { head, http, upgradeless, upgradeTo, vhosts, words } from "./support/decided.js";
import { suite } from "./support/suite.js";
import { handshakeFields } from "./support/world.js";

const explanations = suite("explanations");

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
    ...nothingStated,
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
    // What is stated about the head, the arrival and the vhost is there as it was; all else is a code or a value.
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
