// In:    configurations that are wrong.
// Out:   whether each is a TypeError with its place, its value and what to write.
// Never: makes a gate that is right.

import http2 from "node:http2";
import https from "node:https";
import net from "node:net";
import * as assert from "uvu/assert";
import { createGate } from "#src/gate.js";
import type { GuardOptions } from "#src/gate-options.js";
import { wsFramer } from "#src/handover/ws.js";
import { useIn } from "#src/http-parser-node.js";
import { explain } from "#src/index.js";
import { stopAccepting, toProcess } from "#src/intake.js";
import { RequestReader } from "#src/message.js";
import { parseAuthority, parseRequestHead } from "#src/parser.js";
import { LEAVE } from "#src/policy/vhost.js";
import { definePolicy, explain as explainDecision, localhost, NO_LISTEN_SERVER } from "#src/policy.js";
import { gate, gateOf, guard, messageOf, server, vhostOf, wss } from "./support/misuse.js";
import { suite } from "./support/suite.js";

const sentences = suite("sentences about misuse");

/** Members of frameworks, with the names that they really have. */
const express = Object.assign(() => {}, { handle() {}, set() {}, listen: () => server });
const koa = { use() {}, listen: () => server, callback: () => () => {} };
const fastify = { server, listen: async () => "http://127.0.0.1:3000", register() {} };
const vite = { httpServer: server, middlewares: () => {}, ws: {}, listen: async () => {} };
const nest = { getHttpServer: () => server, listen: async () => server };
const socketIo = { httpServer: https.createServer(), sockets: {}, on() {} };
const hapi = { listener: http2.createServer(), route() {} };
const hono = { fetch() {}, get() {} };
const session = { goaway() {}, settings() {}, on() {}, close() {} };
const takes = "guard takes an http.Server, an https.Server or a server of node:http2; this is ";
const adopted = (options: object) =>
  createGate({ vhosts: [{ name: "a", port: NO_LISTEN_SERVER }] }).adopt(new net.Socket(), options as never);
const must = (what: string) => `${what} must be an object with any of: `;

const cases: Record<string, [call: () => unknown, message: string | RegExp]> = {
  "a list of vhosts for a gate": [
    () => gateOf(localhost()),
    /^a gate must be an object with any of: .*; it is \[an object with .*\]; write createGate\(\{ vhosts: \[\.\.\.\] \}\), as in createGate\(\{ vhosts: localhost\(\) \}\)$/,
  ],
  "an empty list for a gate": [() => gateOf([]), /it is \[\]; write createGate\(\{ vhosts/],
  "a list for a policy": [() => definePolicy(localhost() as never), /write definePolicy\(\{ vhosts: \[\.\.\.\] \}\)/],
  "a port for localhost()": [
    () => gateOf({ vhosts: localhost(3000 as never) }),
    "localhost() takes the settings of a vhost, and this is 3000; write localhost({ port: 3000 })",
  ],
  "null for localhost()": [() => localhost(null as never), /this is null; write localhost\(\{ port: 3000 \}\)/],
  "localhost itself": [
    () => gateOf({ vhosts: localhost }),
    /vhosts must be a list.*; it is a function; call it: vhosts: localhost\(\)/,
  ],
  "one vhost": [
    () => gateOf({ vhosts: { name: "a" } }),
    /vhosts must be a list.*; it is an object with name; put it into a list/,
  ],
  "one name": [() => gateOf({ vhosts: "a" }), /vhosts must be a list.*; it is "a"; write vhosts: \[\{ name: "a" \}\]/],
  "a name in the list": [
    () => gateOf({ vhosts: ["a"] }),
    /^vhosts\[0\] is "a"; it must be an object.*; write \{ name: "a" \}$/,
  ],
  "a list in the list": [
    () => gateOf({ vhosts: [localhost()] }),
    /^vhosts\[0\] is \[.*spread it, as in \[\.\.\.localhost\(\), other\]$/,
  ],
  // biome-ignore lint/suspicious/noSparseArray: the point of it
  "a hole in the list": [() => gateOf({ vhosts: [, { name: "a" }] }), /^vhosts\[0\] is undefined/],
  "a suffix for a name": [
    () => vhostOf({ name: ".example.com" }),
    'vhosts[0].name ".example.com" begins with a dot; write *.example.com for one label more, or **.example.com for any number of labels more',
  ],
  "a star next to a name": [
    () => vhostOf({ name: "*example.com" }),
    /may have a star only before a name, as in \*\.example\.com/,
  ],
  "several names": [
    () => vhostOf({ name: ["a", "b"] }),
    'vhosts[0].name is ["a", "b"]; it must be a string; write a vhost for each name',
  ],
  "a path with a parameter": [
    () => vhostOf({ upgrades: { "/ws/:id": wsFramer(wss) } }),
    "vhosts[0].upgrades[\"/ws/:id\"] is not a path: write '/ws/*': a path has no parameters, but a prefix takes every path below it",
  ],
  "a path that is a parameter": [
    () => vhostOf({ upgrades: { "/{id}": LEAVE } }),
    /is not a path: write '\/\*': a path has no parameters/,
  ],
  "a path without its slash": [
    () => vhostOf({ upgrades: { live: LEAVE } }),
    /\["live"\] is not a path: write '\/live'/,
  ],
  "a path with a query": [
    () => vhostOf({ upgrades: { "/live?a": LEAVE } }),
    /is not a path: a query is not part of a path/,
  ],
  "a URL for a path": [() => vhostOf({ upgrades: { "ws://a/live": LEAVE } }), /is not a path: write its path alone/],
  "a path with two stars": [() => vhostOf({ upgrades: { "/live/**": LEAVE } }), /is not a path: write '\/live\/\*'/],
  "LEAVE for upgrades": [
    () => vhostOf({ upgrades: LEAVE }),
    'vhosts[0].upgrades must be an object such as { \'/live\': wsFramer(wss) }; it is "LEAVE"; to leave every upgrade to other listeners, write { "*": LEAVE }',
  ],
  "true for upgrades": [
    () => vhostOf({ upgrades: true }),
    /it is true; to leave every upgrade to other listeners, write \{ "\*": LEAVE \}/,
  ],
  "a framer for upgrades": [
    () => vhostOf({ upgrades: wsFramer(wss) }),
    /it is an object with take, drain, close; for every path, write \{ "\*": framer \}/,
  ],
  "a WebSocketServer for upgrades": [
    () => vhostOf({ upgrades: wss }),
    /it is a WebSocketServer; for every path, write \{ "\*": wsFramer\(wss\) \}/,
  ],
  "a function for upgrades": [
    () => vhostOf({ upgrades: () => {} }),
    /it is a function; for every path, write \{ "\*": framer \}/,
  ],
  "a Map for upgrades": [
    () => vhostOf({ upgrades: new Map([["/live", LEAVE]]) }),
    /it is a Map; write each path with its framer/,
  ],
  "a path for upgrades": [() => vhostOf({ upgrades: "/live" }), /it is "\/live"; write \{ "\/live": framer \}/],
  "a framer that is missing": [
    () => vhostOf({ upgrades: { "/live": undefined } }),
    /upgrades\["\/live"\] is undefined; write a claim/,
  ],
  "true for a framer": [
    () => vhostOf({ upgrades: { "/live": true } }),
    /upgrades\["\/live"\] is not a framer; .*; it is true/,
  ],
  "leave, in lower case": [
    () => vhostOf({ upgrades: { "/live": "leave" } }),
    /upgrades\["\/live"\] is "leave"; write LEAVE/,
  ],
  "trust as a list": [
    () => gateOf({ vhosts: [{ name: "a" }], trust: ["10.0.0.0/8"] }),
    `${must("trust")}from, forwarded, proxyProtocol; it is ["10.0.0.0/8"]; write trust: { from: ["10.0.0.0/8"], forwarded: "rfc7239" }, or the X-Forwarded fields that these hops write`,
  ],
  "trust as in other frameworks": [
    () => gateOf({ vhosts: [{ name: "a" }], trust: true }),
    /^trust must be .*; it is true; write trust: \{ from: \["10\.0\.0\.0\/8"\]/,
  ],
  "one hop": [
    () => gateOf({ vhosts: [{ name: "a" }], trust: { from: "10.0.0.1", forwarded: "rfc7239" } }),
    'trust.from is "10.0.0.1"; it must be a list such as ["10.0.0.1"]',
  ],
  "a function for origins": [
    () => vhostOf({ origins: () => true }),
    /^vhosts\[0\]\.origins is a function; .*decide on upgrades in authorize$/,
  ],
  "TLS options for tls": [
    () => gateOf({ vhosts: [{ name: "a" }], tls: { key: "-----BEGIN", cert: "" } }),
    'tls.key is a TLS option in place of a server name; for every name, write tls: { "*": { key, cert } }',
  ],
  "an application for requests": [
    () => gateOf({ vhosts: [{ name: "a" }], requests: koa }),
    /^requests must be an http\.Server.*; it is an object with use, listen, callback; write requests: app\.callback\(\)$/,
  ],
  "a limit in words": [
    () => gateOf({ vhosts: [{ name: "a" }], limits: { headTimeout: "5s" } }),
    'limits.headTimeout is "5s"; it must be a number of milliseconds, from 1 to 600000',
  ],
  "null for a limit": [
    () => gateOf({ vhosts: [{ name: "a" }], limits: { headTimeout: null } }),
    /limits\.headTimeout is null/,
  ],
  "a number for limits": [
    () => gateOf({ vhosts: [{ name: "a" }], limits: 5 }),
    /^limits is 5; it must be an object with any of: headBytes/,
  ],
  "nothing to guard": [
    () => guard(undefined),
    `${takes}undefined; if a framework makes the server, guard what it returns when it listens`,
  ],
  "null to guard": [
    () => guard(null),
    `${takes}null; in middleware mode Vite has no httpServer: guard the server that uses its middlewares`,
  ],
  "an Express application": [
    () => guard(express),
    `${takes}a function; for an application write guard(http.createServer(it)), or guard(it.listen(port))`,
  ],
  "a listener": [() => guard(() => {}), `${takes}a function; for an application write guard(http.createServer(it))`],
  "a Koa application": [
    () => guard(koa),
    `${takes}an object with use, listen, callback; write guard(http.createServer(it.callback())), or guard(it.listen(port))`,
  ],
  "a Fastify instance": [
    () => guard(fastify),
    `${takes}an object with server, listen, register; write guard(it.server)`,
  ],
  "a Vite server": [
    () => guard(vite),
    `${takes}an object with httpServer, middlewares, ws, listen; write guard(it.httpServer)`,
  ],
  "a Vite server in middleware mode": [
    () => guard({ ...vite, httpServer: null }),
    /; in middleware mode Vite has no httpServer/,
  ],
  "a Nest application": [() => guard(nest), /; write guard\(it\.getHttpServer\(\)\)$/],
  "a socket.io server": [() => guard(socketIo), /; write guard\(it\.httpServer\)$/],
  "a Hapi server": [() => guard(hapi), /; write guard\(it\.listener\)$/],
  "a Hono application": [() => guard(hono), /; guard the http\.Server that its adapter returns/],
  "a WebSocketServer": [() => guard(wss), /this is a WebSocketServer; guard the http\.Server, and give upgrades to it/],
  "an HTTP/2 session": [() => guard(session), /; a session has one connection: guard the server that emits it$/],
  "a socket": [() => guard(new net.Socket()), /this is a Socket; for a socket write gate\.adopt\(socket\)$/],
  "a promise": [() => guard(Promise.resolve(server)), /this is a Promise; await the promise, and guard its server$/],
  "a gate": [() => guard(gate), /; write guard\(server\) on the gate, with a server$/],
  "a port": [() => guard(3000), `${takes}3000; a gate makes no server: write guard(server.listen(3000))`],
  "an unknown vhost of a guard": [
    () => gate.guard(server, { vhosts: ["x"] }),
    'vhosts[0] is "x", but no vhost is named x; the names are "a", "b"',
  ],
  "no vhost of a guard": [
    () => gate.guard(server, { vhosts: [] }),
    /^vhosts must be a list of names of vhosts.*; it is \[\], and the names are "a", "b"$/,
  ],
  "one vhost of a guard": [
    () => gate.guard(server, { vhosts: "a" as never }),
    /^vhosts must be a list of names.*; it is "a"/,
  ],
  "a word for the options of a guard": [
    () => gate.guard(server, "strict" as never),
    `${must("a guard")}vhosts, mode; it is "strict"`,
  ],
  "a Map of options": [
    () => gate.guard(server, new Map([["strict", true]]) as GuardOptions),
    `${must("a guard")}vhosts, mode; it is a Map`,
  ],
  "an unknown vhost of narrow": [
    () => gate.narrow(["x"]),
    'vhosts[0] is "x", but no vhost is named x; the names are "a", "b"',
  ],
  "octets for the options of adopt": [
    () =>
      createGate({ vhosts: [{ name: "a", port: NO_LISTEN_SERVER }] }).adopt(
        new net.Socket(),
        Buffer.from("GET") as never,
      ),
    `${must("an adoption")}rest, arrival; it is a Buffer; write { rest: octets }`,
  ],
  "octets by the name that Node has for them": [
    () => adopted({ head: Buffer.from("GET") }),
    "head is not a setting of an adoption; the settings are rest, arrival; did you mean rest?",
  ],
  "text for octets that were read": [
    () => adopted({ rest: "Cookie: secret" }),
    'rest must be the octets already read, a Uint8Array; it is a string; write Buffer.from(it, "latin1")',
  ],
  "a list for octets that were read": [() => adopted({ rest: [71] }), /, a Uint8Array; it is \[71\]$/],
  "a server of another kind for requests": [
    () => gateOf({ vhosts: [{ name: "a" }], requests: net.createServer() }),
    /; it is a Server; it accepts connections itself: write http\.createServer\(\.\.\.\), or its listener alone$/,
  ],
  "an https.Server for requests": [
    () => gateOf({ vhosts: [{ name: "a" }], requests: https.createServer() }),
    /; it is a Server; it accepts connections itself: write http\.createServer\(\.\.\.\), or its listener alone$/,
  ],
  "a server to adopt": [
    () => createGate({ vhosts: [{ name: "a", port: NO_LISTEN_SERVER }] }).adopt(server as never),
    "adopt takes a net.Socket or another Duplex; this is a Server; write server.on('connection', (socket) => gate.adopt(socket))",
  ],
  "options for wsFramer": [
    () => wsFramer({ noServer: true } as never),
    "wsFramer takes a WebSocketServer: wsFramer(new WebSocketServer({ noServer: true })); this is an object with noServer",
  ],
  "a WebSocketServer with a port of its own": [
    () => wsFramer({ handleUpgrade() {}, emit: () => true, options: { port: 8080 } }),
    "wsFramer takes a WebSocketServer made with noServer: true; this one listens on port 8080 itself, where the gate rules on nothing",
  ],
  "nothing for wsFramer": [() => wsFramer(undefined as never), /this is undefined$/],
  "a setting without its s": [
    () => gateOf({ vhost: [] }),
    /^vhost is not a setting of a gate; the settings are .*; did you mean vhosts\?$/,
  ],
  "a setting with two letters exchanged": [() => vhostOf({ orgiins: [] }), /; did you mean origins\?$/],
  "a setting of Vite": [() => gateOf({ allowedHosts: ["a"] }), /; did you mean vhosts\?$/],
  "a setting of Express": [() => gateOf({ trustProxy: 1 }), /; did you mean trust\?$/],
  "a setting that resembles none": [() => vhostOf({ colour: 1 }), /; the settings are [^;]*$/],
  "the host of a vhost": [() => vhostOf({ host: "a" }), /^host is not a setting of a vhost.*; did you mean name\?$/],
  "a vhost's setting for a gate": [
    () => gateOf({ vhosts: [{ name: "a" }], origins: [] }),
    /; write it in a vhost: vhosts: \[\{ name: "example\.com", origins \}\], or in localhost\(\{ origins \}\)$/,
  ],
  "a vhost's setting that localhost() has not": [
    () => gateOf({ vhosts: [{ name: "a" }], absentHost: ["/"] }),
    /; write it in a vhost: vhosts: \[\{ name: "example\.com", absentHost \}\]$/,
  ],
  "a setting of trust for a gate": [
    () => gateOf({ vhosts: [{ name: "a" }], proxyProtocol: true }),
    /^proxyProtocol is not a setting of a gate.*; write trust: \{ from: \["10\.0\.0\.0\/8"\], proxyProtocol \}$/,
  ],
  "the hops of trust for a policy": [
    () => definePolicy({ vhosts: [{ name: "a" }], from: ["::1"] } as never),
    /^from is not a setting of a policy.*; write trust: \{ from, forwarded: "rfc7239" \}$/,
  ],
  "the PROXY protocol for a guard": [
    () => gate.guard(server, { proxyProtocol: true } as GuardOptions),
    /^proxyProtocol is not a setting of a guard.*; write it in createGate, to which the guard belongs$/,
  ],
  "the PROXY protocol by another name": [
    () => gateOf({ vhosts: [{ name: "a" }], trust: { from: ["::1"], proxy: true } }),
    /^proxy is not a setting of trust.*; did you mean proxyProtocol\?$/,
  ],
  "an option of the MCP SDK": [
    () => gateOf({ vhosts: [{ name: "a" }], allowedOrigins: [] }),
    /; write it in a vhost: vhosts: \[\{ name: "example\.com", origins \}\], or in localhost\(\{ origins \}\)$/,
  ],
  "a limit for a gate": [
    () => gateOf({ vhosts: [{ name: "a" }], headTimeout: 1 }),
    /; write limits: \{ headTimeout \}$/,
  ],
  "a limit of node:http": [
    () => gateOf({ vhosts: [{ name: "a" }], limits: { maxHeaderSize: 1 } }),
    /^limits\.maxHeaderSize is not a limit; .*; did you mean headBytes\?$/,
  ],
  "a limit for toProcess": [
    () => toProcess(() => null, { tries: 2 } as never),
    "tries is not a setting of toProcess; the settings are limits; write limits: { tries }",
  ],
  "a limit for a parse": [
    () => parseRequestHead(new Uint8Array(0), { headBytes: 1 } as never),
    "headBytes is not a setting of a parse; the settings are host, limits; write limits: { headBytes }",
  ],
  "a limit for a reader": [
    () => new RequestReader({ overheadBytes: 1 } as never),
    /; write limits: \{ overheadBytes \}$/,
  ],
  "a fact of the arrival for adopt": [
    () => createGate({ vhosts: [{ name: "a", port: 1 }] }).adopt(new net.Socket(), { scheme: "https" } as never),
    /^scheme is not a setting of an adoption; .*; write arrival: \{ scheme \}$/,
  ],
  "vhosts for adopt": [
    () => createGate({ vhosts: [{ name: "a", port: 1 }] }).adopt(new net.Socket(), { vhosts: ["a"] } as never),
    /; write gate\.narrow\(vhosts\)\.adopt\(socket\)$/,
  ],
  "a gate's setting for a guard": [
    () => gate.guard(server, { expose: true } as never),
    /; write it in createGate, to which the guard belongs$/,
  ],
  "a port of the environment": [
    () => vhostOf({ port: "3000" }),
    /^vhosts\[0\]\.port is "3000"; it must be a number.*; write 3000, as in Number\(process\.env\.PORT\)$/,
  ],
  "ports as text": [() => vhostOf({ port: [443, "8443"] }), /; write \[443, 8443\]$/],
  "a star for a port": [() => vhostOf({ port: "*" }), /; for every port, write "any"$/],
  "a name with a slash": [() => vhostOf({ name: "a.example/" }), /is not a host name: .*; write "a\.example"$/],
  "a name with white space": [() => vhostOf({ name: " a.example" }), /; write "a\.example"$/],
  "same-origin for origins": [
    () => vhostOf({ origins: "same-origin" }),
    'vhosts[0].origins is "same-origin"; it must be "same-authority", "any", or a list such as ["https://example.com"]; write "same-authority"',
  ],
  "a URL object in origins": [
    () => vhostOf({ origins: [new URL("http://a:1")] }),
    'vhosts[0].origins[0] is a URL, which is not text; write "http://a:1"',
  ],
  "a trusted hop as in Express": [
    () => gateOf({ vhosts: [{ name: "a" }], trust: { from: ["loopback"], forwarded: "rfc7239" } }),
    /^trust\.from has "loopback", which is not an address.*; write "127\.0\.0\.0\/8", "::1"$/,
  ],
  "a field in lower case": [
    () => gateOf({ vhosts: [{ name: "a" }], trust: { from: ["::1"], forwarded: ["x-forwarded-for"] } }),
    /; write \["X-Forwarded-For"\]$/,
  ],
  "a field that is not in a list": [
    () => gateOf({ vhosts: [{ name: "a" }], trust: { from: ["::1"], forwarded: "X-Forwarded-For" } }),
    /; write \["X-Forwarded-For"\]$/,
  ],
  "Forwarded by its name": [
    () => gateOf({ vhosts: [{ name: "a" }], trust: { from: ["::1"], forwarded: "Forwarded" } }),
    /; for Forwarded, write "rfc7239"$/,
  ],
  "a field that is not read": [
    () => gateOf({ vhosts: [{ name: "a" }], trust: { from: ["::1"], forwarded: ["X-Real-IP"] } }),
    /it may have X-Forwarded-For, X-Forwarded-Host, X-Forwarded-Proto, X-Forwarded-Port$/,
  ],
  "nothing to explain": [
    () => explain(undefined as never),
    "explain takes a decision, a fault, or of a gate how a connection ended; this is undefined",
  ],
  "an error to explain": [() => explain(new Error("a") as never), /; this is an Error$/],
  "a result to explain": [
    () => explain({ kind: "complete" } as never),
    /; this is an object with kind, of kind "complete"$/,
  ],
  "a result for the policy's explain": [() => explainDecision({ kind: "served" } as never), /, of kind "served"$/],
  "a buffer for octets": [
    () => parseRequestHead(new ArrayBuffer(1) as never),
    "octets must be a Uint8Array; this is an ArrayBuffer; write new Uint8Array(it)",
  ],
  "a view for octets": [
    () => parseRequestHead(new DataView(new ArrayBuffer(1)) as never),
    /; this is a DataView; write new Uint8Array\(it\.buffer, it\.byteOffset, it\.byteLength\)$/,
  ],
  "shared memory for octets": [
    () => parseRequestHead(new SharedArrayBuffer(1) as never),
    "octets must be a Uint8Array; this is a SharedArrayBuffer; write new Uint8Array(it)",
  ],
  "nothing for an authority": [
    () => parseAuthority(undefined as never),
    "an authority must be a string or a Uint8Array; this is undefined",
  ],
  "a list for octets": [() => parseRequestHead([71] as never), "octets must be a Uint8Array; this is [71]"],
  "what systemdListeners returns, for stopAccepting": [
    () => stopAccepting({ name: "web", server } as never),
    /; it is an object with name, server; write stopAccepting\(it\.server\)$/,
  ],
  "several servers for stopAccepting": [() => stopAccepting([server] as never), /; call it for each server$/],
  "a file for toProcess": [() => toProcess("tenant.js" as never), /; this is "tenant\.js"$/],
  "an application for useIn": [() => useIn(express as never), /; this is a function$/],
  "a certificate that is missing": [
    () => createGate({ vhosts: [{ name: "a" }], tls: { "*": () => {} } }).renew("*", undefined as never),
    /tls has no certificate for that name/,
  ],
};

for (const [name, [call, message]] of Object.entries(cases)) {
  sentences(name, () => {
    if (typeof message === "string") assert.is(messageOf(call), message);
    else assert.match(messageOf(call), message);
  });
}
