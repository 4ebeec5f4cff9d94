// In:    settings of a vhost about pages; what browsers, proxies and attackers may state about a page.
// Out:   whether the rule gives what a plain reference gives; what a second dev server needs; which settings are refused.
// Never: repeats what browsers send; browser-truth.test.ts has that.

import fc from "fast-check";
import * as assert from "uvu/assert";
import { parseRequestHead } from "#src/head/parse.js";
import type { RequestHead } from "#src/head/request-head.js";
import { decide } from "#src/policy/decide.js";
import type { Decision } from "#src/policy/decision.js";
import { localhost } from "#src/policy/localhost.js";
import { definePolicy } from "#src/policy/policy-rules.js";
import type { Vhost } from "#src/policy/vhost.js";
import { type ReferenceRequest, type ReferenceSettings, referenceSite } from "./reference/site.js";
import { suite } from "./support/suite.js";
import { handshakeFields } from "./support/world.js";

const OWN = "http://a.test";
const arrival = { scheme: "http", schemeSource: "given", unix: false } as const;

function headOf(lines: readonly string[]): RequestHead {
  const result = parseRequestHead(Buffer.from(`${lines.join("\r\n")}\r\n\r\n`, "latin1"));
  if (result.kind !== "complete") throw new Error(`no head: ${JSON.stringify(result)}`);
  return result.head;
}

const said = (decision: Decision): string => {
  if (decision.kind === "accepted") return "pass";
  return decision.clause === undefined ? decision.code : `${decision.code} ${decision.clause}`;
};

// The reference

const page = fc.constantFrom(OWN, "http://b.test", "http://a.test:81", "https://c.test");
const optional = <T>(arbitrary: fc.Arbitrary<T>): fc.Arbitrary<T | undefined> =>
  fc.option(arbitrary, { nil: undefined });
const scope = fc.constantFrom("any", "same-site", "same-origin");
const listed = fc.uniqueArray(fc.constantFrom("http://b.test", "http://a.test:81"), { maxLength: 2 });

const settings: fc.Arbitrary<ReferenceSettings> = fc.record({
  origins: fc.oneof({ weight: 8, arbitrary: listed }, { weight: 1, arbitrary: fc.constant("any" as const) }),
  absent: fc.constantFrom("pass", "pass", "refuse"),
  embedding: fc.oneof(scope, listed) as fc.Arbitrary<ReferenceSettings["embedding"]>,
  navigation: scope as fc.Arbitrary<ReferenceSettings["navigation"]>,
  callbacks: fc.uniqueArray(fc.constantFrom("/callback", "/other"), { maxLength: 2 }),
});

const request: fc.Arbitrary<ReferenceRequest> = fc.record({
  own: fc.constant(OWN),
  upgrade: fc.constant(false),
  method: fc.constantFrom("GET", "GET", "HEAD", "OPTIONS", "POST", "PUT", "DELETE"),
  path: fc.constantFrom("/", "/callback"),
  origin: optional(fc.oneof(page, fc.constant("null"))),
  referer: fc.array(page, { maxLength: 2 }),
  site: fc.array(fc.constantFrom("same-origin", "same-origin", "same-site", "cross-site", "none", "SAME-ORIGIN", "x"), {
    maxLength: 2,
  }),
  mode: optional(fc.constantFrom("navigate", "no-cors", "cors", "same-origin", "same-origin")),
  dest: optional(fc.constantFrom("document", "empty", "iframe", "image")),
  purpose: optional(fc.constantFrom("prefetch", "prefetch;prerender", "prerender", "x")),
  accept: optional(fc.constantFrom("text/html,*/*;q=0.8", "*/*", "image/png")),
});

function linesOf(request: ReferenceRequest): string[] {
  const { method, path, origin, referer, site, mode, dest, purpose, accept, upgrade } = request;
  const fields: [string, string | undefined][] = [
    ["Origin", origin],
    ...referer.map((from): [string, string] => ["Referer", `${from}/x?y`]),
    ...site.map((value): [string, string] => ["Sec-Fetch-Site", value]),
    ["Sec-Fetch-Mode", mode],
    ["Sec-Fetch-Dest", dest],
    ["Sec-Purpose", purpose],
    ["Accept", accept],
  ];
  const lines = fields.filter(([, value]) => value !== undefined).map(([name, value]) => `${name}: ${value}`);
  const opening = handshakeFields.trimEnd().split("\r\n");
  return [`${method} ${path} HTTP/1.1`, "Host: a.test", ...lines, ...(upgrade ? opening : [])];
}

function vhostOf({ origins, absent, embedding, navigation, callbacks }: ReferenceSettings): Vhost {
  const list = origins === "any" ? origins : ["same-authority", ...origins];
  return {
    name: "a.test",
    origins: absent === "refuse" ? { list, absent } : list,
    embedding,
    navigation,
    callbacks,
    upgrades: { "*": "taken" },
  };
}

const reference = suite("pages: the rule and its reference");

for (const upgrade of [false, true]) {
  reference(`${upgrade ? "upgrades" : "requests"} are ruled on as the reference rules`, () => {
    const found = new Map<string, number>();
    fc.assert(
      fc.property(settings, request, (rules, drawn) => {
        const asked = { ...drawn, upgrade, ...(upgrade && { method: "GET" }) };
        const right = referenceSite(rules, asked);
        found.set(right, (found.get(right) ?? 0) + 1);
        const decision = decide(definePolicy({ vhosts: [vhostOf(rules)] }), headOf(linesOf(asked)), arrival);
        assert.is(said(decision), right, JSON.stringify([rules, asked]));
      }),
      { numRuns: 40_000, seed: 14 },
    );
    const all = ["pass", "ORIGIN_ABSENT", "ORIGIN_NULL", "ORIGIN_FOREIGN"];
    const clauses = ["prefetch", "referer", "service-worker", "unsafe-method", "navigation", "embedding"];
    if (!upgrade) all.push(...clauses.map((clause) => `SITE_FOREIGN ${clause}`));
    assert.equal([...found.keys()].sort(), all.sort());
    for (const [result, times] of found) assert.ok(times > 20, `${result}: ${times}`);
  });
}

// A second dev server

const servers = suite("pages: a second dev server");

const api = definePolicy({ vhosts: localhost({ origins: ["same-authority", "http://localhost:5173"] }) });
const asked = (method: string, ...fields: string[]): string =>
  said(decide(api, headOf([`${method} /x HTTP/1.1`, "Host: localhost:3000", ...fields]), arrival));
const from = (origin: string, site: string, mode: string, dest: string): string[] => [
  `Referer: ${origin}/`,
  `Sec-Fetch-Site: ${site}`,
  `Sec-Fetch-Mode: ${mode}`,
  `Sec-Fetch-Dest: ${dest}`,
];

servers("its page calls the API with preflights, and shows its pictures; pages of other ports do neither", () => {
  for (const [origin, passes] of [
    ["http://localhost:5173", true],
    ["http://localhost:5174", false],
  ] as const) {
    const cors = [`Origin: ${origin}`, ...from(origin, "same-site", "cors", "empty")];
    for (const method of ["OPTIONS", "GET", "POST", "PUT", "DELETE"]) {
      assert.is(asked(method, ...cors), passes ? "pass" : "ORIGIN_FOREIGN", `${method} ${origin}`);
    }
    const picture = asked("GET", ...from(origin, "same-site", "no-cors", "image"));
    assert.is(picture, passes ? "pass" : "SITE_FOREIGN embedding", origin);
  }
});

servers("a page at 127.0.0.1 is another origin than one at localhost, and is listed by its own name", () => {
  const cors = (origin: string): string[] => [`Origin: ${origin}`, ...from(origin, "cross-site", "cors", "empty")];
  assert.is(asked("GET", ...cors("http://127.0.0.1:5173")), "ORIGIN_FOREIGN");
  const both = definePolicy({
    vhosts: localhost({ origins: ["same-authority", "http://localhost:*", "http://127.0.0.1:*"] }),
  });
  for (const origin of ["http://127.0.0.1:5173", "http://localhost:5174"]) {
    const head = headOf(["POST /x HTTP/1.1", "Host: localhost:3000", ...cors(origin)]);
    assert.is(said(decide(both, head, arrival)), "pass", origin);
  }
});

// What is not kept out

const security = suite("pages: what SECURITY.md says is not kept out");

security("over plain http to another name, a page without Referer, and one with an Accept of its choice", () => {
  const policy = definePolicy({ vhosts: [{ name: "lan.test", embedding: "same-origin" }] });
  const ask = (...fields: string[]): string =>
    said(decide(policy, headOf(["GET /x HTTP/1.1", "Host: lan.test", ...fields]), arrival));
  assert.is(ask("Referer: http://evil.test/", "Accept: image/png"), "SITE_FOREIGN embedding");
  assert.is(ask("Accept: image/png"), "pass");
  assert.is(ask("Referer: http://evil.test/", "Accept: text/html"), "pass");
  // Over https browsers describe both.
  assert.is(
    ask("Sec-Fetch-Site: cross-site", "Sec-Fetch-Mode: no-cors", "Accept: text/html"),
    "SITE_FOREIGN embedding",
  );
});

// Report mode

const report = suite("pages: report mode");

report("SITE_FOREIGN is reported, and the request goes on to its vhost", () => {
  const policy = definePolicy({ mode: "report", vhosts: localhost() });
  const head = headOf([
    "GET / HTTP/1.1",
    "Host: localhost",
    ...from("http://evil.test", "cross-site", "no-cors", "image"),
  ]);
  const decision = decide(policy, head, arrival);
  assert.is(decision.kind === "accepted" && decision.reported?.code, "SITE_FOREIGN");
  assert.is(decision.vhost?.name, "localhost");
});

// Settings

const wrong = suite("pages: settings");

for (const [setting, value, words] of [
  ["embedding", "none", /embedding is "none"; it must be "any", "same-site", "same-origin", or a list/],
  ["embedding", ["same-origin"], /embedding has "same-origin" in a list/],
  ["embedding", ["same-authority"], /write embedding: "same-origin"/],
  ["embedding", ["http://a.test/"], /http:\/\/a\.test/],
  ["embedding", () => true, /embedding is a function/],
  ["navigation", ["http://a.test"], /navigation is .*; it must be one of/],
  ["callbacks", "/callback", /callbacks is "\/callback"; it must be a list/],
  ["callbacks", ["callback"], /not an exact path/],
  ["callbacks", ["/callback?x"], /not an exact path/],
  ["callbacks", ["/auth/*"], /not an exact path/],
] as const) {
  wrong(`${setting}: ${String(JSON.stringify(value))} is a TypeError with its path and its fix`, () => {
    const define = (): unknown => definePolicy({ vhosts: [{ name: "a", [setting]: value } as Vhost] });
    assert.throws(define, (error: unknown) => error instanceof TypeError && words.test(error.message));
    assert.throws(define, /vhosts\[0\]/);
  });
}
