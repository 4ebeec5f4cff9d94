// In:    requests with whatever fields a page, a browser or a program may send; settings of vhosts.
// Out:   whether the rule on pages of other sites gives the verdict of the reference, over HTTP/1.1 and HTTP/2; and what its settings
//        take, mean and explain.
// Never: repeats the rows of browsers; browser-truth.test.ts has them.

import fc from "fast-check";
import * as assert from "uvu/assert";
import { readHttp2Head } from "#src/head/http2.js";
import { headLimits } from "#src/head/limits.js";
import { parseRequestHead } from "#src/head/parse.js";
import type { RequestHead } from "#src/head/request-head.js";
import { decide } from "#src/policy/decide.js";
import type { Decision } from "#src/policy/decision.js";
import { explain } from "#src/policy/explain.js";
import { definePolicy } from "#src/policy/policy-rules.js";
import type { Vhost } from "#src/policy/vhost.js";
import { referenceSite, type SiteAsk, type SiteField, type SiteSettings } from "./reference/site.js";
import { suite } from "./support/suite.js";
import { handshakeFields } from "./support/world.js";

const host = "localhost:3000";
const own = `http://${host}`;
const secure = `https://${host}`;
const front = "http://localhost:5173";
const other = "https://evil.example";

function overHttp1({ method, path, upgrade, fields }: SiteAsk): RequestHead {
  const lines = Object.entries(fields).flatMap(([name, values]) => values.map((value) => `${name}: ${value}\r\n`));
  const text = `${upgrade ? "GET" : method} ${path} HTTP/1.1\r\nHost: ${host}\r\n${lines.join("")}${upgrade ? handshakeFields : ""}\r\n`;
  const result = parseRequestHead(Buffer.from(text, "latin1"));
  if (result.kind !== "complete") throw new Error(`no head: ${JSON.stringify(result)}`);
  return result.head;
}

function overHttp2({ method, path, upgrade, fields }: SiteAsk): RequestHead {
  const control = upgrade ? [":method", "CONNECT", ":protocol", "websocket"] : [":method", method];
  const lines = Object.entries(fields).flatMap(([name, values]) => values.flatMap((value) => [name, value]));
  const version = upgrade ? ["sec-websocket-version", "13"] : [];
  const raw = [...control, ":scheme", "http", ":authority", host, ":path", path, ...lines, ...version];
  const result = readHttp2Head(raw, !upgrade, headLimits({}));
  if (result.kind !== "complete") throw new Error(`no head: ${JSON.stringify(result)}`);
  return result.head;
}

function verdictOf(decision: Decision): string {
  if (decision.kind === "accepted") return "pass";
  return decision.clause === undefined ? decision.code : `${decision.code} ${decision.clause}`;
}

function vhostOf({ list, refusesAbsent, embedding, navigation, callbacks }: SiteSettings): Vhost<number> {
  const origins = refusesAbsent ? ({ list, absent: "refuse" } as const) : list;
  return { name: "localhost", origins, embedding, navigation, callbacks, upgrades: { "*": 1 } };
}

function rule(ask: SiteAsk, settings: SiteSettings, head: RequestHead): Decision {
  const schemeSource = ask.presumed === null ? "declared" : "default";
  return decide(definePolicy({ vhosts: [vhostOf(settings)] }), head, { scheme: "http", schemeSource });
}

const lines = (...values: string[]): fc.Arbitrary<string[]> =>
  fc.oneof(
    { weight: 3, arbitrary: fc.constant<string[]>([]) },
    { weight: 8, arbitrary: fc.constantFrom(...values).map((value) => [value]) },
    { weight: 1, arbitrary: fc.array(fc.constantFrom(...values), { minLength: 2, maxLength: 2 }) },
  );
const fields: fc.Arbitrary<Record<SiteField, string[]>> = fc.record({
  // Two of them are refused before all else.
  origin: fc
    .constantFrom(
      undefined,
      undefined,
      own,
      own,
      secure,
      front,
      other,
      "null",
      "null",
      "http://localhost:3000/",
      "localhost:3000",
    )
    .map((value) => (value === undefined ? [] : [value])),
  referer: lines(
    `${own}/page?x#y`,
    own,
    `${own}0/`,
    `${secure}/`,
    `${front}/`,
    `${other}/${own}`,
    `http://localhost:3000@evil.example/`,
    "about:blank",
    "",
    "/page",
  ),
  "sec-fetch-site": lines("same-origin", "same-origin", "same-site", "cross-site", "none", "Same-Origin", "x"),
  "sec-fetch-mode": lines("navigate", "navigate", "no-cors", "cors", "same-origin", "websocket"),
  "sec-fetch-dest": lines("document", "empty", "image", "iframe"),
  "sec-purpose": fc.oneof(
    { weight: 4, arbitrary: fc.constant<string[]>([]) },
    { weight: 1, arbitrary: lines("prefetch", "prerender", "prefetch;prerender", "x, prefetch", "prefetcher", "x") },
  ),
  accept: lines("*/*", "text/html,*/*;q=0.8", "application/xml, text/html;q=0.9", "text/htmlx", "text/css"),
});
const ask: fc.Arbitrary<SiteAsk> = fc.record({
  method: fc.constantFrom("GET", "GET", "HEAD", "OPTIONS", "POST", "POST", "PUT", "DELETE", "TRACE"),
  path: fc.constantFrom("/", "/auth/callback", "/auth/callback/", "/other"),
  upgrade: fc.integer({ min: 0, max: 9 }).map((n) => n === 0),
  own: fc.constant(own),
  presumed: fc.constantFrom(secure, null),
  fields,
});
const scope = fc.constantFrom("any" as const, "same-site" as const, "same-origin" as const);
const settings: fc.Arbitrary<SiteSettings> = fc.record({
  list: fc.constantFrom<SiteSettings["list"][]>(
    ["same-authority"],
    ["same-authority"],
    ["same-authority", front],
    ["same-authority", own],
    [own],
    [secure],
    [other, "null"],
    [],
    "any",
  ),
  refusesAbsent: fc.integer({ min: 0, max: 4 }).map((n) => n === 0),
  embedding: fc.oneof(scope, fc.constantFrom([front], [other, secure], ["null"], [own], [])),
  navigation: scope,
  callbacks: fc.constantFrom([], ["/auth/callback"]),
});

const properties = suite("the rule on pages of other sites");

properties("gives the verdict of the reference, over HTTP/1.1 and HTTP/2", () => {
  const counts = new Map<string, number>();
  const property = fc.property(ask, settings, (asked, of) => {
    const wanted = referenceSite(asked, of);
    counts.set(wanted, (counts.get(wanted) ?? 0) + 1);
    for (const head of [overHttp1(asked), overHttp2(asked)]) {
      const decision = rule(asked, of, head);
      assert.is(verdictOf(decision), wanted, explain(decision));
    }
  });
  fc.assert(property, { numRuns: 30_000 });
  for (const clause of ["prefetch", "referer", "service-worker", "unsafe-method", "navigation", "embedding"]) {
    assert.ok((counts.get(`SITE_FOREIGN ${clause}`) ?? 0) > 2, `${clause}: ${counts.get(`SITE_FOREIGN ${clause}`)}`);
  }
});
