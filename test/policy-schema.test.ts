// In:    policy.schema.json, the settings and enums that the sources have, policies as JSON.
// Out:   whether schema and code agree, and a gate takes such a policy.
// Never: repeats what definePolicy checks beyond the schema.

import { readFileSync } from "node:fs";
import { Ajv } from "ajv";
import * as assert from "uvu/assert";
import { createGate } from "#src/gate.js";
import type { GateOptions } from "#src/gate-options.js";
import { definePolicy, type PolicyRules } from "#src/policy/policy-rules.js";
import { NO_LISTEN, NO_LISTEN_SERVER } from "#src/policy/vhost.js";
import { suite } from "./support/suite.js";
import { handshakeFields, openWorld, statusOf } from "./support/world.js";

const schema = JSON.parse(readFileSync("policy.schema.json", "utf8"));
const validate = new Ajv({ strict: true, allErrors: true, allowUnionTypes: false }).compile(schema);
const { definitions } = schema;

const test = suite("policy.schema.json");

/** The settings that a TypeError lists where it finds one that does not exist. */
function settingsOf(rules: unknown): string[] {
  try {
    definePolicy(rules as never);
  } catch (error) {
    return /the settings are (.*)$/.exec((error as Error).message)![1]!.split(", ");
  }
  throw new Error("no setting was missing");
}

test("has the settings of the code, and no others", () => {
  const a = { name: "a" };
  for (const [place, rules] of [
    [schema, { vhosts: [a], nothing: 1 }],
    [definitions.vhost, { vhosts: [{ ...a, nothing: 1 }] }],
    [definitions.origins.anyOf[1], { vhosts: [{ ...a, origins: { list: "any", nothing: 1 } }] }],
    [definitions.trust, { vhosts: [a], trust: { nothing: 1 } }],
  ] as const) {
    assert.equal(Object.keys(place.properties).sort(), settingsOf(rules).sort());
    assert.is(place.additionalProperties, false);
  }
});

/** The words in quotes of a type of the sources, from its declaration to the end of it. */
function wordsOf(file: string, declaration: string): string[] {
  const source = readFileSync(file, "utf8");
  const start = source.indexOf(declaration);
  assert.ok(start >= 0, `${file} has no ${declaration}`);
  const type = source.slice(start + declaration.length, source.indexOf(";", start));
  return [...type.matchAll(/"([^"]+)"/g)].map((match) => match[1]!);
}

test("has the words of the code, and no others", () => {
  const port = [...wordsOf("src/policy/vhost.ts", "export type VhostPort ="), NO_LISTEN_SERVER, NO_LISTEN];
  for (const [found, wanted] of [
    [definitions.scheme.enum, wordsOf("src/head/authority.ts", "export type Scheme =")],
    [schema.properties.mode.enum, wordsOf("src/policy/policy-rules.ts", "  mode?:")],
    [definitions.port.anyOf[2].enum, port],
    [definitions.vhost.properties.requires.enum, wordsOf("src/policy/vhost.ts", "readonly requires?:")],
    [definitions.siteScope.enum, wordsOf("src/policy/site.ts", "export type SiteScope =")],
    [definitions.originList.anyOf[0].enum, wordsOf("src/policy/origin.ts", "export type OriginList =")],
    [definitions.origins.anyOf[1].properties.absent.enum, wordsOf("src/policy/origin.ts", "readonly absent?:")],
    [definitions.trust.properties.forwarded.anyOf[0].enum, ["rfc7239"]],
    [
      definitions.trust.properties.forwarded.anyOf[1].items.enum,
      wordsOf("src/arrival/trust.ts", "export type ForwardedField ="),
    ],
  ]) {
    assert.equal([...found].sort(), [...wanted].sort());
  }
  const pattern = /return \/(\^.*?\$)\/\.test\(text\)/.exec(readFileSync("src/policy/claims.ts", "utf8"))![1]!;
  assert.is(definitions.vhost.properties.upgrades.propertyNames.pattern, pattern.replaceAll("\\/", "/"));
});

const vhost = (more: object): object => ({ vhosts: [{ name: "a", ...more }] });
const trust = (more: object): object => ({
  vhosts: [{ name: "a" }],
  trust: { from: ["10.0.0.1"], forwarded: "rfc7239", ...more },
});

const right: object[] = [
  vhost({}),
  { $schema: "./policy.schema.json", scheme: "https", mode: "report", ...vhost({}) },
  ...["example.com", "*.example.com", "**.a", "[::1]", "127.0.0.1", "127.0.0.0/8", "[fd00::]/8", "bücher.example"].map(
    (name) => vhost({ name }),
  ),
  ...[1, 65_535, [443, 8443], NO_LISTEN_SERVER, NO_LISTEN, "local", "any"].map((port) => vhost({ port })),
  ...[
    "same-authority",
    "any",
    [],
    ["https://a"],
    ["same-authority", "http://*.a:8080", "file://", "app://x"],
    ["null", "http://localhost:*", "http://[::1]:*", "https://*.a.example:*", "ws://a", "https://bücher.example"],
    ["https://pr-*.a.example", "https://*--a.b.example:8443", "HTTPS://A-*-B.c.example:*"],
    ["app://.", "app://.:*", "vscode-webview://*", "moz-extension://*:*"],
  ].flatMap((list) => [
    vhost({ origins: list }),
    vhost({ origins: { list } }),
    vhost({ origins: { list, absent: "refuse" } }),
  ]),
  vhost({
    default: true,
    origins: "any",
    requires: "https",
    upgrades: { "/a": "a", "/a/*": "a", "*": "b", "/*": "LEAVE" },
  }),
  ...["any", "same-site", "same-origin", [], ["https://a", "http://*.a:8080"]].map((embedding) => vhost({ embedding })),
  ...["any", "same-site", "same-origin"].map((navigation) => vhost({ navigation })),
  ...[[], ["/"], ["/auth/callback", "/%2F;a=b/"]].map((callbacks) => vhost({ callbacks })),
  vhost({ absentHost: ["/healthz", "/", "/a/b"] }),
  trust({}),
  trust({ from: ["unix", "10.0.0.0/8", "fd00::/8", "[::1]"], forwarded: ["X-Forwarded-For", "X-Forwarded-Port"] }),
  trust({ proxyProtocol: true }),
  trust({ proxyProtocol: false }),
  { ...trust({}), trust: { from: ["unix"], proxyProtocol: true } },
];

const wrong: unknown[] = [
  null,
  [],
  {},
  { vhosts: [] },
  { vhosts: [{}] },
  { vhost: [{ name: "a" }] },
  { ...vhost({}), scheme: "wss" },
  { ...vhost({}), mode: "log" },
  ...["", "http://a", "a b", "*", "a.*", "u@a", "a/x", 1].map((name) => vhost({ name })),
  ...[[], "/healthz", ["healthz"], ["/a/*"], ["/a?b"], [1]].map((absentHost) => vhost({ absentHost })),
  ...[0, 65_536, "80", [], [0], 80.5, "none", null].map((port) => vhost({ port })),
  ...[
    "all",
    ["a"],
    ["https://a/"],
    ["*"],
    [1],
    ["https://a b"],
    ["NULL"],
    ["any"],
    ["*://a"],
    ["http://*"],
    ["WSS://*:*"],
    ["https://.a"],
    ["https://*a.example"],
    ["https://*a.b.example"],
    ["https://pr*.a.example"],
    ["https://pr-*.example"],
    ["https://pr-*-*.a.example"],
    ["https://a.*"],
    ["https://a:80*"],
    { absent: "refuse" },
    { list: "any", absent: "pass" },
  ].map((origins) => vhost({ origins })),
  ...["none", "same-authority", ["any"], ["same-authority"], ["a"], [1], {}, true].map((embedding) =>
    vhost({ embedding }),
  ),
  ...["none", ["any"], ["https://a"], null, true].map((navigation) => vhost({ navigation })),
  ...["/auth", ["auth"], ["/auth?x"], ["/auth/*"], ["/a b"], [""], [1], {}].map((callbacks) => vhost({ callbacks })),
  vhost({ requires: "http" }),
  vhost({ default: 1 }),
  vhost({ upgrades: { live: "a" } }),
  vhost({ upgrades: { "/a*": "a" } }),
  vhost({ upgrades: { "/a/:id": "a" } }),
  vhost({ upgrades: { "/{id}/a": "a" } }),
  vhost({ upgrades: { "/ü": "a" } }),
  vhost({ upgrades: 1 }),
  trust({ from: [] }),
  trust({ from: ["localhost"] }),
  trust({ from: "unix" }),
  trust({ forwarded: [] }),
  trust({ forwarded: ["X-Real-IP"] }),
  trust({ forwarded: "x" }),
  trust({ proxyProtocol: "v2" }),
  { ...trust({}), trust: { from: ["unix"] } },
  { ...trust({}), trust: { from: ["unix"], proxyProtocol: false } },
];

test("takes what the code takes", () => {
  for (const rules of right) {
    assert.ok(validate(rules), `${JSON.stringify(rules)}: ${JSON.stringify(validate.errors)}`);
    definePolicy(JSON.parse(JSON.stringify(rules)));
  }
});

test("refuses what the code refuses", () => {
  for (const rules of wrong) {
    assert.not.ok(validate(rules), JSON.stringify(rules));
    assert.throws(
      () => definePolicy(rules as never),
      (error: unknown) => error instanceof TypeError,
      JSON.stringify(rules),
    );
  }
});

test("takes every policy of the tables, and the one that docs/policy.md shows", () => {
  const documented = /```json\n(.*?)^```$/ms.exec(readFileSync("docs/policy.md", "utf8"))![1]!;
  const tables = ["origin-cases", "forwarded-cases"].map((name) => readFileSync(`test/cases/${name}.json`, "utf8"));
  const policies = tables.flatMap((text) => Object.values(JSON.parse(text).policies as Record<string, object>));
  for (const rules of [JSON.parse(documented), ...policies]) {
    assert.ok(validate(rules), JSON.stringify(validate.errors));
    definePolicy(rules as PolicyRules);
  }
});

const gates = suite("a gate with a policy from JSON");
const text = JSON.stringify({
  $schema: "./policy.schema.json",
  vhosts: [{ name: "a", port: NO_LISTEN_SERVER, upgrades: { "/live": "live", "/chat": "chat" } }],
});

gates("finds its framers by their names", async () => {
  const taken: string[] = [];
  const framer =
    (name: string): NonNullable<GateOptions["framers"]>[string] =>
    ({ decision, socket }) => {
      taken.push(`${name} ${decision.pattern}`);
      socket.end("HTTP/1.1 101 Switching Protocols\r\n\r\n");
    };
  const gate = createGate({ ...JSON.parse(text), framers: { live: framer("live"), chat: { take: framer("chat") } } });
  const world = await openWorld(() => gate);
  for (const [path, statusCode] of [
    ["/live", 101],
    ["/chat", 101],
    ["/other", 404],
  ] as const) {
    assert.is(statusOf(await world.send(`GET ${path} HTTP/1.1\r\nHost: a\r\n${handshakeFields}\r\n`)), statusCode);
  }
  assert.equal(taken, ["live /live", "chat /chat"]);
  await world.close();
});

gates("misuse is a TypeError that states the fix", () => {
  const throws = (framers: unknown, sentence: RegExp): void => {
    assert.throws(
      () => createGate({ ...JSON.parse(text), framers: framers as never }),
      (error: unknown) => error instanceof TypeError && sentence.test(error.message),
    );
  };
  throws(
    undefined,
    /vhosts\[0\]\.upgrades\["\/live"\] is "live", which is not a name in framers \(it has: none\); write framers: { "live": /,
  );
  throws({ live: () => {} }, /upgrades\["\/chat"\] is "chat".*\(it has: live\)/);
  throws({ live: 1, chat: 1 }, /framers\["live"\] is not a framer/);
  throws(null, /framers must be an object/);
  throws({ toString: () => {} }, /upgrades\["\/live"\] is "live"/);
});
