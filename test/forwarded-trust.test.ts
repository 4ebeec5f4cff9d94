// In:    what clients and hops may write in Forwarded and X-Forwarded; settings of trust.
// Out:   whether only what a trusted hop wrote counts, in decisions and in what applications see.
// Never: repeats the rows of forwarded.test.ts.

import { once } from "node:events";
import { createServer } from "node:http";
import net from "node:net";
import fc from "fast-check";
import * as assert from "uvu/assert";
import { WebSocketServer } from "ws";
import { type Arrival, socketArrival } from "#src/arrival/arrival.js";
import { ForwardedElements, ForwardedValues, Unreadable } from "#src/arrival/forwarded.js";
import { createGate, type Gate } from "#src/gate.js";
import { wsFramer } from "#src/handover/ws.js";
import { parseRequestHead } from "#src/head/parse.js";
import { decide } from "#src/policy/decide.js";
import type { Decision } from "#src/policy/decision.js";
import { explain } from "#src/policy/explain.js";
import { definePolicy } from "#src/policy/policy-rules.js";
import { addressOf, claiming, factsOf, headOf, headText, policies, rows, words } from "./support/forwarded.js";
import { suite } from "./support/suite.js";
import { handshakeFields } from "./support/world.js";

const rules = suite("trust");
let gate: Gate;
const http = (): Arrival => socketArrival({}, factsOf("10.0.0.1"), undefined);

rules("true TLS is never downgraded, and what else is said of the scheme is overruled", () => {
  const policy = definePolicy(policies.rfc7239!);
  const schemeOf = (proto: string, arrival: Arrival): string => {
    const decision = decide(
      policy,
      headOf({ host: "backend", fields: [["Forwarded", `for=x;proto=${proto}`.replace("x", "unknown")]] }),
      arrival,
    );
    return `${decision.arrival.scheme} ${decision.arrival.schemeSource}`;
  };
  const facts = factsOf("10.0.0.1");
  assert.is(schemeOf("http", socketArrival({ ...facts, encrypted: true }, {}, undefined)), "https tls");
  assert.is(
    schemeOf("http", socketArrival({ ...facts, encrypted: true }, { scheme: "https" }, undefined)),
    "https tls",
  );
  assert.is(schemeOf("https", socketArrival({ ...facts, encrypted: true }, {}, undefined)), "https tls");
  assert.is(schemeOf("http", socketArrival(facts, { scheme: "https" }, undefined)), "http forwarded");
  assert.is(schemeOf("http", socketArrival(facts, {}, "https")), "http forwarded");
  assert.is(schemeOf("https", socketArrival(facts, {}, undefined)), "https forwarded");
});

rules("only what is told to be a UNIX-domain socket is one", () => {
  const [row] = rows;
  const policy = definePolicy(claiming(policies.rfc7239!, 1));
  const isTrusted = (arrival: Arrival): boolean =>
    decide(policy, headOf(row!), arrival).arrival.forwarding !== undefined;
  assert.is(isTrusted({ scheme: "http" }), false);
  assert.is(isTrusted({ scheme: "http", unix: true }), true);
  class Pipe {}
  const facts = { remoteAddress: undefined, localAddress: undefined, destroyed: false, _handle: new Pipe() };
  assert.is(isTrusted(socketArrival(facts, {}, undefined)), true);
  assert.is(isTrusted(socketArrival({ ...facts, destroyed: true }, {}, undefined)), false);
  assert.is(isTrusted(socketArrival({ ...facts, _handle: null }, {}, undefined)), false);
  assert.is(isTrusted(socketArrival({ ...facts, _handle: {} }, {}, undefined)), false);
  assert.is(isTrusted(socketArrival({ destroyed: false }, {}, undefined)), false);
  assert.is(isTrusted(socketArrival({ destroyed: false }, { unix: true }, undefined)), true);
  assert.is(isTrusted(socketArrival(facts, { unix: false }, undefined)), false);
  assert.is(isTrusted(socketArrival(facts, { remoteAddress: "203.0.113.9" }, undefined)), false);
});

rules("Forwarded's host goes before an absolute-form, whose scheme must still be the client's", () => {
  const policy = definePolicy(policies.rfc7239!);
  const rule = (target: string, forwarded: string): string => {
    const text = `GET ${target} HTTP/1.1\r\nHost: x\r\nForwarded: ${forwarded}\r\n\r\n`;
    const result = parseRequestHead(Buffer.from(text));
    if (result.kind !== "complete") throw new Error(JSON.stringify(result));
    const decision = decide(policy, result.head, http());
    return `${words(decision)} ${decision.authority} ${decision.authoritySource}`;
  };
  const said = "proto=https;host=app.example.com";
  assert.is(rule("https://backend/", said), "accepted app.example.com Forwarded");
  assert.is(rule("http://backend/", said), "421 SCHEME_MISMATCH app.example.com Forwarded");
  assert.is(rule("https://app.example.com/", "proto=https"), "accepted app.example.com absolute-form");
});

rules("Origin is compared with what the client asked for", () => {
  const policy = definePolicy(policies.rfc7239!);
  const rule = (origin: string): string =>
    words(
      decide(
        policy,
        headOf({
          host: "backend",
          fields: [
            ["Forwarded", 'proto=https;host="app.example.com:8443"'],
            ["Origin", origin],
          ],
        }),
        http(),
      ),
    );
  assert.is(rule("https://app.example.com:8443"), "404 PATH_UNCLAIMED");
  assert.is(rule("http://backend"), "403 ORIGIN_FOREIGN");
});

rules("what is wrong with the setting is said at construction, with the fix", () => {
  const wrong: [unknown, RegExp][] = [
    [null, /trust must be an object with any of: from, forwarded/],
    [{}, /trust\.from is undefined; it must be a list such as \["10\.0\.0\.0\/8", "unix"\]/],
    [{ from: [] }, /trust\.from is \[\]/],
    [{ from: "10.0.0.1" }, /trust\.from is "10\.0\.0\.1"/],
    [{ from: ["unix"] }, /trust has no effect; set forwarded: "rfc7239"/],
    [{ from: ["unix"], forwarded: [] }, /trust\.forwarded is \[\]/],
    [{ from: ["unix"], forwarded: "x-forwarded" }, /trust\.forwarded is "x-forwarded"/],
    [{ from: ["unix"], forwarded: ["X-Real-IP"] }, /trust\.forwarded has "X-Real-IP"; it may have X-Forwarded-For, /],
    [
      { from: ["unix"], forwarded: "rfc7239", proxyProtokol: true },
      /proxyProtokol is not a setting of trust; the settings are from, /,
    ],
    [{ from: [1], forwarded: "rfc7239" }, /trust\.from has 1, which is not text/],
    [{ from: ["localhost"], forwarded: "rfc7239" }, /has "localhost", which is not an address or a network/],
    [{ from: ["10.0.0.1/8"], forwarded: "rfc7239" }, /the network is 10\.0\.0\.0\/8/],
    [{ from: ["10.0.0.0/33"], forwarded: "rfc7239" }, /a prefix of more than 32 bits/],
    [{ from: ["fd00::1/8"], forwarded: "rfc7239" }, /the network is fd00::\/8/],
    [{ from: ["127.1"], forwarded: "rfc7239" }, /is not an address/],
    [{ from: ["::ffff:10.0.0.1"], forwarded: "rfc7239" }, /is IPv4-mapped; write it as IPv4/],
    [{ from: [""], forwarded: "rfc7239" }, /is not an address/],
  ];
  for (const [trust, sentence] of wrong) {
    assert.throws(
      () => definePolicy({ vhosts: [{ name: "a" }], trust: trust as never }),
      (error: unknown) => error instanceof TypeError && sentence.test(error.message),
      JSON.stringify(trust),
    );
  }
  definePolicy({ vhosts: [{ name: "a" }], trust: { from: ["0.0.0.0/0", "::/0", "[fd00::1]"], forwarded: "rfc7239" } });
});

rules("an adoption that is narrowed trusts the same", async () => {
  gate = createGate(claiming(policies.rfc7239!, ({ socket }) => void socket.end("taken")));
  const server = net.createServer((socket) => {
    ends.push(gate.narrow(["app.example.com"]).adopt(socket, { arrival: { remoteAddress: "10.0.0.1" } }).ended);
  });
  const ends: ReturnType<Gate["adopt"]>["ended"][] = [];
  await once(server.listen(0, "127.0.0.1"), "listening");
  const client = net.connect(addressOf(server), "127.0.0.1");
  client.end(headText(rows[0]!));
  await once(client.resume(), "close");
  server.close();
  assert.is((await ends[0]!).kind, "handed-over");
});

for (const way of ["adopt", "guard", "strict guard"]) {
  rules(`${way}: under absolute-form the application reads the host that a trusted hop states`, async () => {
    const webSockets = new WebSocketServer({ noServer: true });
    const seen: (string | undefined)[] = [];
    webSockets.on("connection", (webSocket, request) => {
      seen.push(request.headers.host);
      webSocket.terminate();
    });
    const application = createServer((request, response) => {
      seen.push(request.headers.host);
      response.end();
    });
    gate = createGate({
      vhosts: [{ name: "public.test", port: "any", upgrades: { "*": wsFramer(webSockets) } }],
      trust: { from: ["127.0.0.1"], forwarded: "rfc7239" },
      ...(way === "adopt" && { requests: application }),
    });
    if (way !== "adopt") gate.guard(application, { mode: way === "strict guard" ? "filter" : "auto" });
    const server = way === "adopt" ? net.createServer((socket) => void gate.adopt(socket)) : application;
    await once(server.listen(0, "127.0.0.1"), "listening");
    for (const fields of ["Connection: close\r\n", "Connection: close, upgrade\r\nUpgrade: h2c\r\n", handshakeFields]) {
      const client = net.connect(addressOf(server), "127.0.0.1");
      client.write(`GET http://backend/ HTTP/1.1\r\nHost: x\r\nForwarded: host="public.test:81"\r\n${fields}\r\n`);
      await once(client.resume(), "close");
    }
    server.close();
    assert.equal(seen, Array(3).fill("public.test:81"));
  });
}

rules("guard: lines that Node leaves out are not taken for lines that no hop has written", async () => {
  const hosts: string[] = [];
  const server = createServer((request, response) => {
    hosts.push(String(gate.decisionOf(request)?.authority));
    response.end();
  });
  gate = createGate({
    vhosts: ["public.test", "secret.test"].map((name) => ({ name, port: "any" })),
    trust: { from: ["127.0.0.1"], forwarded: "rfc7239" },
  });
  const { mode } = gate.guard(server);
  server.maxHeadersCount = 40;
  await once(server.listen(0, "127.0.0.1"), "listening");
  const get = (others: number, ...named: string[]): string => {
    const [own, ...added] = named.map((host) => `Forwarded: host=${host};for=192.0.2.1\r\n`);
    return `GET / HTTP/1.1\r\nHost: x\r\n${own}${"X: y\r\n".repeat(others)}${added.join("")}\r\n`;
  };
  // A client's own line, and after it the one that the hop next to this server has added.
  const attack = get(70, "secret.test", "public.test");
  // From Node 22 on, it is the server that refuses so many lines; it destroys a connection on which a response has just been written.
  const isServers = Number.parseInt(process.versions.node, 10) >= 22 && mode === "parser";
  const rows = [
    [get(0, "secret.test", "public.test"), "200", "public.test"],
    [get(30, "secret.test", "public.test"), "200", "public.test"],
    [attack, "431", ""],
    [get(0, "secret.test") + attack, isServers ? "200" : "200 431", "secret.test"],
  ] as const;
  const answers: unknown[] = [];
  for (const [sent] of rows) {
    const client = net.connect(addressOf(server), "127.0.0.1");
    client.end(sent);
    let answer = "";
    for await (const octets of client) answer += octets;
    const statuses = [...answer.matchAll(/HTTP\/1\.1 (\d+)/g)].map(([, status]) => status);
    answers.push([sent, statuses.join(" "), hosts.splice(0).join(" ")]);
  }
  server.close();
  assert.equal(answers, rows);
});

const properties = suite("properties of forwarded");
/** Pieces that mean something in a list, with an octet of any other kind now and then. */
const piece = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.constantFrom("for", "=", '"', "\\", ",", ";", " ", "[", "]", ":", "proto", "host", "https", "_x"),
  },
  {
    weight: 2,
    arbitrary: fc.constantFrom("10.0.0.1", "198.51.100.7", "::1", "for=10.0.0.2", "for=198.51.100.9", "unknown"),
  },
  { weight: 1, arbitrary: fc.stringMatching(/^[\x21-\x7e\x80-\xff]$/) },
);
const junk = fc.array(piece, { maxLength: 12 }).map((pieces) => pieces.join(""));

properties("reading never throws, and ends", () => {
  fc.assert(
    fc.property(fc.array(fc.oneof(junk, fc.string({ unit: "binary", maxLength: 30 })), { maxLength: 3 }), (lines) => {
      const elements = new ForwardedElements(lines);
      let read = elements.next();
      const most = lines.join(",").length + 2;
      let count = 0;
      while (read !== null && !(read instanceof Unreadable)) {
        read = elements.next();
        assert.ok(++count <= most);
      }
      const values = new ForwardedValues(lines);
      count = 0;
      while (values.next() !== null) assert.ok(++count <= most);
      assert.is(count, lines.flatMap((line) => line.split(",")).length);
    }),
    { numRuns: 5000, seed: 5 },
  );
});

properties("what a hop writes is read back", () => {
  const text = fc.stringMatching(/^[\t \x21-\x7e\x80-\xff]{0,12}$/);
  const byte = fc.integer({ min: 0, max: 255 });
  const address = fc.tuple(byte, byte, byte, byte).map((bytes) => bytes.join("."));
  const element = fc.record({
    address,
    secret: text,
    port: fc.option(fc.integer({ min: 1, max: 65_535 }), { nil: null }),
  });
  const quote = (value: string): string => `"${value.replace(/["\\]/g, "\\$&")}"`;
  fc.assert(
    fc.property(fc.array(element, { minLength: 1, maxLength: 4 }), fc.boolean(), (elements, isOneLine) => {
      const written = elements.map(
        (each) =>
          `secret=${quote(each.secret)};for=${quote(each.port === null ? each.address : `${each.address}:${each.port}`)};by=_x`,
      );
      const read = new ForwardedElements(isOneLine ? [written.join(", ")] : written);
      for (const wanted of elements.toReversed()) {
        const found = read.next();
        if (found === null || found instanceof Unreadable) throw new Error(JSON.stringify({ written, found }));
        const [high, low] = found.node!.address!;
        assert.is(`${high! >> 8}.${high! & 255}.${low! >> 8}.${low! & 255}`, wanted.address);
        assert.is(found.node!.port, wanted.port);
      }
      assert.is(read.next(), null);
    }),
    { numRuns: 3000, seed: 6 },
  );
});

properties("what a client writes to the left changes nothing", () => {
  const good = "for=198.51.100.7;proto=https;host=app.example.com";
  const hops = fc.constantFrom(good, `${good}, for=10.0.0.2`, `${good}, for="[fd00::2]";by=_x, for="10.0.0.3:80"`);
  const rfc7239 = definePolicy(claiming(policies.rfc7239!, 1));
  const xForwarded = definePolicy(claiming(policies["x-forwarded"]!, 1));
  const facts = (decision: Decision): unknown => [words(decision), decision.arrival, explain(decision)];
  fc.assert(
    fc.property(junk, hops, fc.constantFrom(", ", ",", "\r\nForwarded: "), (left, right, separator) => {
      const clean = decide(rfc7239, headOf({ host: "backend", fields: [["Forwarded", right]] }), http());
      const spoofed = headOf({ host: "backend", fields: [["Forwarded", `${left}${separator}${right}`]] });
      assert.equal(facts(decide(rfc7239, spoofed, http())), facts(clean));
    }),
    { numRuns: 5000, seed: 7 },
  );
  fc.assert(
    fc.property(junk, junk, junk, (addresses, hosts, schemes) => {
      const fields = (spoof: (text: string) => string): [string, string][] => [
        ["X-Forwarded-For", `${spoof(addresses)}198.51.100.7, 10.0.0.2`],
        ["X-Forwarded-Host", `${spoof(hosts)}app.example.com, backend`],
        ["X-Forwarded-Proto", `${spoof(schemes)}https, http`],
      ];
      const clean = decide(xForwarded, headOf({ host: "backend", fields: fields(() => "") }), http());
      const spoofed = headOf({ host: "backend", fields: fields((text) => `${text}, `) });
      assert.equal(facts(decide(xForwarded, spoofed, http())), facts(clean));
    }),
    { numRuns: 5000, seed: 8 },
  );
});
