// In:    values of every kind, in every place of a configuration.
// Out:   whether each is taken, or a TypeError with its place.
// Never: looks at what to write instead; misuse.test.ts does.

import http from "node:http";
import net from "node:net";
import * as assert from "uvu/assert";
import { ARRIVAL, socketArrival } from "#src/arrival/arrival.js";
import { arrivalSettings } from "#src/arrival/check.js";
import { createGate } from "#src/gate.js";
import { adoptSettings, type GateOptions, gateSettings, guardSettings } from "#src/gate-options.js";
import { wsFramer } from "#src/handover/ws.js";
import { RequestReader, ResponseReader } from "#src/message.js";
import { gateBounds } from "#src/outcome/limits.js";
import { vhostSettings } from "#src/policy/vhost.js";
import { definePolicy, localhost, NO_LISTEN_SERVER, type PolicyRules } from "#src/policy.js";
import { errorOf, gate, gateOf, guard, messageOf } from "./support/misuse.js";
import { suite } from "./support/suite.js";

const sweep = suite("values of every kind");

/** Those that a gate has adopted would be waited for. */
const sockets: net.Socket[] = [];
function openSocket(): net.Socket {
  const socket = new net.Socket();
  sockets.push(socket);
  return socket;
}
sweep.after(() => {
  for (const socket of sockets) socket.destroy();
});

const circular: { self?: unknown } = {};
circular.self = circular;
const hostile = new Proxy(
  {},
  {
    get() {
      throw new RangeError("a getter");
    },
    ownKeys() {
      throw new RangeError("a trap");
    },
    getPrototypeOf() {
      throw new RangeError("a trap");
    },
  },
);
const values: unknown[] = [
  null,
  0,
  -1,
  1.5,
  Number.NaN,
  70_000,
  true,
  false,
  "",
  "x y",
  "\u00fc\u0000",
  Symbol("s"),
  10n,
  [],
  [null],
  [[]],
  [1n],
  [Symbol("s")],
  {},
  { x: 1 },
  Object.create(null),
  circular,
  () => {},
  class {},
  new Map(),
  new Set(["a"]),
  /x/,
  new Date(0),
  new Error("e"),
  Promise.resolve(),
  new Uint8Array(2),
  new URL("https://a"),
  new WeakMap(),
  Object.create({ name: "a" }),
];

const rules = { vhosts: [{ name: "a", port: NO_LISTEN_SERVER }] };
const vhost = (setting: string) => (value: unknown) => gateOf({ vhosts: [{ ...rules.vhosts[0], [setting]: value }] });
const option = (setting: string) => (value: unknown) => gateOf({ ...rules, [setting]: value });
const trust = (setting: string) => (value: unknown) =>
  definePolicy({ ...rules, trust: { from: ["unix"], forwarded: "rfc7239", [setting]: value } } as PolicyRules);
const hint = (setting: string) => (value: unknown) =>
  createGate(rules as GateOptions).adopt(openSocket(), { arrival: { [setting]: value } }).ended;
const isText = (value: unknown): boolean => typeof value === "string";
const isFunction = (value: unknown): boolean => typeof value === "function";
const isEmptyRecord = (value: unknown): boolean =>
  typeof value === "object" &&
  value !== null &&
  Object.prototype.toString.call(value) === "[object Object]" &&
  Object.keys(value).length === 0;

/** By place: what puts a value there, the words that a sentence begins with, and which of the values are right there. */
const places: Record<string, [put: (value: unknown) => unknown, words: RegExp, isRight: (value: unknown) => boolean]> =
  {
    gate: [gateOf, /^(?:a gate|vhosts|\w+ is not a setting)/, () => false],
    policy: [(value) => definePolicy(value as never), /^(?:a policy|vhosts|\w+ is not a setting)/, () => false],
    vhosts: [option("vhosts"), /^vhosts/, () => false],
    "vhosts[0]": [
      (value) => gateOf({ vhosts: [value] }),
      /^(?:vhosts\[0\]|\w+ is not a setting of a vhost \(vhosts\[0\]\))/,
      (value) => value instanceof Object && (value as { name?: unknown }).name === "a",
    ],
    name: [vhost("name"), /^vhosts\[0\]\.name/, () => false],
    port: [vhost("port"), /^vhosts\[0\]\.port is/, () => false],
    default: [vhost("default"), /^vhosts\[0\](?:\.default| is default)/, (value) => value === false],
    requires: [vhost("requires"), /^vhosts\[0\]\.requires/, () => false],
    origins: [
      vhost("origins"),
      /^(?:vhosts\[0\]\.origins|\w+ is not a setting of vhosts\[0\]\.origins)/,
      (value) => Array.isArray(value) && value.length === 0,
    ],
    "origins[0]": [(value) => vhost("origins")([value]), /^vhosts\[0\]\.origins\[0\]/, () => false],
    "origins.list": [
      (value) => vhost("origins")({ list: value }),
      /^vhosts\[0\]\.origins\.list/,
      (value) => Array.isArray(value) && value.length === 0,
    ],
    "origins.absent": [
      (value) => vhost("origins")({ list: [], absent: value }),
      /^vhosts\[0\]\.origins\.absent/,
      () => false,
    ],
    embedding: [vhost("embedding"), /^vhosts\[0\]\.embedding/, (value) => Array.isArray(value) && value.length === 0],
    "embedding[0]": [(value) => vhost("embedding")([value]), /^vhosts\[0\]\.embedding/, () => false],
    navigation: [vhost("navigation"), /^vhosts\[0\]\.navigation/, () => false],
    callbacks: [vhost("callbacks"), /^vhosts\[0\]\.callbacks/, (value) => Array.isArray(value) && value.length === 0],
    "callbacks[0]": [(value) => vhost("callbacks")([value]), /^vhosts\[0\]\.callbacks/, () => false],
    absentHost: [vhost("absentHost"), /^vhosts\[0\]\.absentHost/, () => false],
    "absentHost[0]": [(value) => vhost("absentHost")([value]), /^vhosts\[0\]\.absentHost/, () => false],
    upgrades: [vhost("upgrades"), /^vhosts\[0\]\.upgrades/, isEmptyRecord],
    "upgrades[path]": [
      (value) => vhost("upgrades")({ "/live": value }),
      /^vhosts\[0\]\.upgrades\["\/live"\]/,
      isFunction,
    ],
    scheme: [option("scheme"), /^scheme is/, () => false],
    mode: [option("mode"), /^mode is/, () => false],
    trust: [option("trust"), /^(?:trust|\w+ is not a setting of trust)/, () => false],
    "trust.from": [trust("from"), /^trust\.from/, () => false],
    "trust.from[0]": [(value) => trust("from")([value]), /^trust\.from/, () => false],
    "trust.forwarded": [trust("forwarded"), /^trust\.forwarded/, () => false],
    "trust.proxyProtocol": [trust("proxyProtocol"), /^trust\.proxyProtocol/, (value) => typeof value === "boolean"],
    framers: [option("framers"), /^framers/, isEmptyRecord],
    "framers.a": [(value) => option("framers")({ a: value }), /^framers\["a"\]/, isFunction],
    requests: [option("requests"), /^requests/, isFunction],
    tls: [option("tls"), /^tls/, () => false],
    "tls.*": [(value) => option("tls")({ "*": value }), /^tls\["\*"\]/, isFunction],
    fallback: [option("fallback"), /^fallback/, isFunction],
    authorize: [option("authorize"), /^authorize/, isFunction],
    limits: [option("limits"), /^limits/, isEmptyRecord],
    "limits.headBytes": [
      (value) => option("limits")({ headBytes: value }),
      /^limits\.headBytes/,
      (value) => value === 70_000,
    ],
    http2: [
      option("http2"),
      /^(?:http2|\w+ is not a setting of http2)/,
      (value) => typeof value === "boolean" || isEmptyRecord(value),
    ],
    "http2.cleartext": [
      (value) => option("http2")({ cleartext: value }),
      /^http2\.cleartext/,
      (value) => typeof value === "boolean",
    ],
    expose: [option("expose"), /^expose/, (value) => typeof value === "boolean"],
    guard: [guard, /^guard takes/, () => false],
    "guard options": [
      (value) => gate.guard(http.createServer(), value as never),
      /^(?:a guard|\w+ is not a setting of a guard)/,
      isEmptyRecord,
    ],
    "guard vhosts": [(value) => gate.guard(http.createServer(), { vhosts: value as never }), /^vhosts/, () => false],
    "guard vhosts[0]": [
      (value) => gate.guard(http.createServer(), { vhosts: [value] as never }),
      /^vhosts\[0\]/,
      () => false,
    ],
    "guard mode": [(value) => gate.guard(http.createServer(), { mode: value as never }), /^mode is/, () => false],
    narrow: [(value) => gate.narrow(value as never), /^vhosts/, () => false],
    adopt: [(value) => createGate(rules as GateOptions).adopt(value as never), /^adopt takes/, () => false],
    "adopt options": [
      (value) => createGate(rules as GateOptions).adopt(openSocket(), value as never),
      /^(?:an adoption|\w+ is not a setting of an adoption)/,
      isEmptyRecord,
    ],
    rest: [
      (value) => createGate(rules as GateOptions).adopt(openSocket(), { rest: value as never }),
      /^rest/,
      (value) => value instanceof Uint8Array,
    ],
    arrival: [
      (value) => createGate(rules as GateOptions).adopt(openSocket(), { arrival: value as never }),
      /^(?:arrival|\w+ is not a setting of arrival)/,
      isEmptyRecord,
    ],
    "arrival.scheme": [hint("scheme"), /^arrival\.scheme/, () => false],
    "arrival.remoteAddress": [hint("remoteAddress"), /^arrival\.remoteAddress/, (value) => value === null],
    "arrival.localAddress": [hint("localAddress"), /^arrival\.localAddress/, (value) => value === null],
    "arrival.remotePort": [hint("remotePort"), /^arrival\.remotePort/, () => false],
    "arrival.unix": [hint("unix"), /^arrival\.unix/, (value) => typeof value === "boolean"],
    "arrival.serverName": [hint("serverName"), /^arrival\.serverName/, (value) => value === null || isText(value)],
    "arrival.clientVerified": [
      hint("clientVerified"),
      /^arrival\.clientVerified/,
      (value) => typeof value === "boolean",
    ],
    localhost: [
      (value) => localhost(value as never),
      /^localhost\(\)/,
      (value) => isEmptyRecord(value) || (value as { x?: 1 })?.x === 1 || value === circular,
    ],
    "limits of a RequestReader": [(value) => new RequestReader({ limits: value as never }), /^limits/, isEmptyRecord],
    "limits of a ResponseReader": [(value) => new ResponseReader({ limits: value as never }), /^limits/, isEmptyRecord],
    wsFramer: [(value) => wsFramer(value as never), /^wsFramer takes/, () => false],
  };

for (const [place, [put, words, isRight]] of Object.entries(places)) {
  sweep(place, () => {
    for (const value of values) {
      if (isRight(value)) put(value);
      else {
        const error = errorOf(() => put(value));
        const isRange = error instanceof RangeError && typeof value === "number" && place.startsWith("limits");
        assert.ok(error instanceof TypeError || isRange, `${place}: ${error.stack}`);
        assert.match(error.message, words);
      }
    }
  });
}

sweep("every setting of a vhost and of a gate has a place", () => {
  const names = Object.keys(places);
  for (const setting of [...vhostSettings, ...gateSettings]) {
    if (setting !== "$schema") assert.ok(names.includes(setting), setting);
  }
});

sweep("undefined is left out, everywhere", async () => {
  const unset = (names: readonly string[]) => Object.fromEntries(names.map((name) => [name, undefined]));
  const vhost = { ...unset(vhostSettings), name: "a", port: 1 };
  const options = { ...unset(gateSettings), vhosts: [vhost], limits: unset(Object.keys(gateBounds)) };
  const whole = createGate(options as never);
  whole.guard(http.createServer(), unset(guardSettings));
  const socket = openSocket();
  whole.adopt(socket, { ...unset(adoptSettings), arrival: unset(arrivalSettings) });
  const drained = whole.drain(unset(["signal", "closeCode", "spread"]));
  socket.destroy();
  assert.equal(await drained, { closed: 1, cut: 0, refused: 0 });
  const known = { scheme: "https", schemeSource: "given", remoteAddress: "192.0.2.7" } as const;
  const again = socketArrival({ [ARRIVAL]: known } as never, unset(arrivalSettings), undefined);
  assert.equal([again.scheme, again.remoteAddress], ["https", "192.0.2.7"]);
  definePolicy({ vhosts: [{ name: "b", origins: { list: "any", absent: undefined } }] });
  createGate({ vhosts: localhost({ ...unset(["origins", "embedding", "port"]) }) });
});

sweep("what throws when it is read is a TypeError, or its own error", () => {
  for (const [place, [put]] of Object.entries(places)) {
    const error = errorOf(() => put(hostile));
    assert.ok(error instanceof TypeError || /^a getter$|^a trap$/.test(error.message), `${place}: ${error.stack}`);
  }
});

sweep("no sentence shows a key", () => {
  const key = `-----BEGIN PRIVATE KEY-----${"A".repeat(50)}`;
  for (const options of [
    { ...rules, tls: { key, cert: key } },
    { ...rules, tls: { "*": key } },
    { ...rules, tls: [{ key }] },
    { ...rules, tls: { "*": { key, cert: key } } },
    [{ tls: { key } }],
    { tls: { a: { key } } },
  ]) {
    assert.not.match(
      messageOf(() => gateOf(options)),
      /AAAA/,
    );
  }
});
