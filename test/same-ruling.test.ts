// In:    pairs of requests as Node's parser gives them, much alike.
// Out:   whether a request that takes the ruling of an earlier one would have had the same ruling by itself.
// Never: asks how a ruling comes about.

import fc from "fast-check";
import * as assert from "uvu/assert";
import { isLenient, RuledFields, SameRuling } from "#src/guard/same-ruling.js";
import { headOf, type Message } from "#src/head/from-message.js";
import { gateLimits } from "#src/outcome/limits.js";
import { decide, sharingOf } from "#src/policy/decide.js";
import type { Decision } from "#src/policy/decision.js";
import { definePolicy, type Policy } from "#src/policy/policy-rules.js";
import { suite } from "./support/suite.js";

const test = suite("same ruling");
const fields = new RuledFields();
const limits = gateLimits({ headBytes: 400, fieldLines: 12 });
const vhosts = [{ name: "a" }, { name: "b", port: 81, origins: { list: "same-authority", absent: "refuse" } }] as const;
/** Settings under which other fields, the method and the path count. */
const strict = { embedding: "same-origin", navigation: "same-site", callbacks: ["/", "/x"] } as const;
const from = ["192.0.2.1"];
const policies = [
  definePolicy({ vhosts }),
  definePolicy({ vhosts: vhosts.map((vhost) => ({ ...vhost, ...strict })) }),
  definePolicy({
    vhosts: [
      { name: "a", embedding: ["http://b:81"] },
      { name: "b", port: 81, origins: "any" },
    ],
  }),
  definePolicy({
    vhosts: [
      { name: "a", navigation: "same-origin" },
      { name: "b", origins: { list: "any", absent: "refuse" } },
    ],
  }),
  definePolicy({ vhosts, trust: { from, forwarded: "rfc7239" } }),
  definePolicy({
    vhosts,
    trust: { from, forwarded: ["X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Proto", "X-Forwarded-Port"] },
  }),
];
const arrival = { scheme: "http", remoteAddress: "192.0.2.1" } as const;

type Rulable = Decision | { readonly kind: "malformed"; readonly code: string };

function rule(policy: Policy, message: Message): Rulable {
  const result = headOf(message, limits);
  if (result.kind === "malformed") return { kind: "malformed", code: result.fault.code };
  return decide(policy, result.head, arrival);
}

/** Names that rulings depend on, names like them, and others; what Node's parser lets pass. */
const name = fc.constantFrom(
  ...["Host", "host", "Hose", "Connection", "Content-Length", "Transfer-Encoding", "Upgrade", "Expect", "Origin"],
  ...["Proxy-Connection", "Forwarded", "X-Forwarded-Host", "X-Frame", "Sec-WebSocket-Key", "Sec-WebSocket-Version"],
  ...["X-Forwarded-For", "X-Forwarded-Proto", "X-Forwarded-Port", "X-Forwarded-Server"],
  ...[
    "Sec-Fetch-Site",
    "Sec-Fetch-Mode",
    "Sec-Fetch-Dest",
    "Sec-Purpose",
    "Referer",
    "sec-fetch-site",
    "SEC-FETCH-MODE",
  ],
  ...[
    "Sec-Fetch-User",
    "Referrer",
    "Accept",
    "accept",
    "User-Agent",
    "Cookie",
    "Via",
    "x",
    "X-A-Name-That-Is-Longer-Than-Any-Other-One",
  ],
);
const value = fc.constantFrom(
  ...[
    "a",
    "b",
    "b:81",
    "a:99999",
    "a b",
    "",
    "close",
    "keep-alive",
    "Upgrade",
    "upgrade, close",
    "websocket",
    "h2c",
    "5",
  ],
  ...[
    "05",
    "chunked",
    "gzip",
    "100-continue",
    "http://a",
    "http://b:81",
    "null",
    "http://a/x",
    "http://evil/",
    "same-origin",
    "cross-site",
    "none",
    "navigate",
    "document",
    "prefetch",
    "text/html",
    "for=192.0.2.7;host=a;proto=http",
    "192.0.2.7",
    "81",
    "13",
    "dGhlIHNhbXBsZSBub25jZQ==",
    "\xe9\t\xff",
    "x".repeat(90),
  ],
);
const line = fc.tuple(name, value);
const usual = fc.constantFrom(
  ["Connection", "keep-alive"],
  ["Accept", "*/*"],
  ["Via", "x"],
  ["Accept", "text/html"],
  ["Sec-Fetch-Site", "same-origin"],
  ["Sec-Fetch-Site", "cross-site"],
  ["Sec-Fetch-Mode", "navigate"],
  ["Sec-Fetch-Dest", "document"],
  ["Referer", "http://a/"],
  ["Origin", "http://a"],
);
const host = fc.constantFrom(["Host", "a"], ["Host", "a"], ["Host", "b:81"], []);
const message = fc.record({
  method: fc.constantFrom("GET", "POST", "OPTIONS"),
  url: fc.constantFrom("/", "/x?y", "/a#b", "*", "http://a/", "http://b:81/", `/${"y".repeat(300)}`, '/"<>\\^`{|}%zz'),
  httpVersion: fc.constantFrom("1.1", "1.1", "1.1", "1.0", "2.0"),
  rawHeaders: fc
    .tuple(host, fc.array(fc.oneof({ weight: 6, arbitrary: usual }, { weight: 1, arbitrary: line }), { maxLength: 14 }))
    .map(([first, lines]) => [...first, ...lines.flat()]),
});

/** A request much like another: some of its parts are that one's. */
const pair = fc.tuple(message, message, fc.boolean(), fc.nat(3), fc.nat(14)).map(([one, other, url, part, cut]) => {
  const shared = one.rawHeaders.slice(0, 2 * cut);
  const rawHeaders = part > 0 ? one.rawHeaders : [...shared, ...other.rawHeaders.slice(2 * cut)];
  return [one, { ...other, url: url ? one.url : other.url, rawHeaders }] as const;
});

test("what an earlier ruling covers would be ruled on alike", () => {
  let covered = 0;
  const property = fc.property(fc.constantFrom(...policies), pair, (policy, [one, other]) => {
    const first = rule(policy, one);
    if (first.kind !== "accepted" || first.upgrade) return;
    if (!SameRuling.of(one, fields, sharingOf(policy, first))?.covers(other, limits)) return;
    covered++;
    const second = rule(policy, other);
    assert.is(second.kind, "accepted");
    const { vhost, upgrade, port, authoritySource, claim } = second as typeof first;
    assert.equal(
      [vhost, upgrade, port, authoritySource, claim],
      [first.vhost, false, first.port, first.authoritySource, undefined],
    );
    assert.is(String((second as typeof first).authority), String(first.authority));
    assert.equal((second as typeof first).arrival, first.arrival);
  });
  fc.assert(property, { numRuns: 30_000 });
  assert.ok(covered > 500, `only ${covered} were covered`);
});

const get = (url: string, accept: string, more: string[] = [], method = "GET"): Message => ({
  method,
  url,
  httpVersion: "1.1",
  rawHeaders: ["Host", "a", "Connection", "keep-alive", "Accept", accept, "Cookie", accept, ...more],
});

test("everyday requests of one page are covered", () => {
  const precedent = SameRuling.of(get("/", "text/html"), fields, "safe methods")!;
  assert.ok(precedent.covers(get("/style.css?v=1", "text/css", ["Referer", "http://a/"]), limits));
  assert.ok(precedent.covers(get("/", "*/*", ["Sec-Fetch-Site", "cross-site"], "HEAD"), limits));
  assert.not.ok(precedent.covers(get("/form", "*/*", [], "POST"), limits));
  assert.not.ok(precedent.covers(get("/", "*/*", ["Host", "a"]), limits));
  assert.not.ok(precedent.covers(get("/", "*/*", ["Origin", "http://a"]), limits));
  const free = SameRuling.of(get("/", "text/html"), fields, "any method")!;
  assert.ok(free.covers(get("/form", "*/*", [], "POST"), limits));
  assert.is(SameRuling.of(get("/", "text/html"), fields, "nothing"), null);
});

test("where a ruling read what browsers state about the page, all of it and the method must be the same", () => {
  const about = ["Sec-Fetch-Site", "Sec-Fetch-Mode", "Sec-Fetch-Dest", "Sec-Purpose", "Referer", "Origin"];
  const lines = about.flatMap((name) => [name, "x"]);
  const precedent = SameRuling.of(get("/", "*/*", lines), fields, "same fields")!;
  assert.ok(precedent.covers(get("/other", "*/*", lines), limits));
  assert.not.ok(precedent.covers(get("/", "*/*", lines, "POST"), limits));
  assert.not.ok(precedent.covers(get("/", "text/html", lines), limits));
  for (const [i, name] of about.entries()) {
    const without = lines.filter((_, at) => at >> 1 !== i);
    const changed = about.flatMap((each) => [each, each === name ? "y" : "x"]);
    for (const other of [without, changed, [...lines, name, "x"], [...lines, name.toUpperCase(), "y"]]) {
      assert.not.ok(precedent.covers(get("/", "*/*", other), limits), name);
    }
  }
});

test("a lenient parser sets no precedents", () => {
  const { NODE_OPTIONS } = process.env;
  process.env.NODE_OPTIONS = "";
  assert.not.ok(isLenient({}));
  assert.ok(isLenient({ insecureHTTPParser: true }));
  assert.ok(isLenient({ httpValidation: "relaxed" }));
  assert.not.ok(isLenient({ httpValidation: "strict" }));
  process.env.NODE_OPTIONS = "--insecure-http-parser";
  assert.ok(isLenient({}));
  assert.not.ok(isLenient({ insecureHTTPParser: false }));
  if (NODE_OPTIONS === undefined) delete process.env.NODE_OPTIONS;
  else process.env.NODE_OPTIONS = NODE_OPTIONS;
});
