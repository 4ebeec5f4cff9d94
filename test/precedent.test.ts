// In:    pairs of requests as Node's parser gives them, much alike.
// Out:   whether what a precedent covers is ruled on as the precedent was.
// Never: asks how a ruling comes about.

import fc from "fast-check";
import * as assert from "uvu/assert";
import { isLenient, RuledFields, SameRuling } from "#src/guard/same-ruling.js";
import { headOf, type Message } from "#src/head/from-message.js";
import { gateLimits } from "#src/outcome/limits.js";
import { decide } from "#src/policy/decide.js";
import type { Decision } from "#src/policy/decision.js";
import { definePolicy, type Policy } from "#src/policy/policy-rules.js";
import { suite } from "./support/suite.js";

const test = suite("precedent");
const fields = new RuledFields();
const limits = gateLimits({ headBytes: 400, fieldLines: 12 });
const vhosts = [{ name: "a" }, { name: "b", port: 81, origins: { list: "same-authority", absent: "refuse" } }] as const;
const from = ["192.0.2.1"];
const policies = [
  definePolicy({ vhosts }),
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
  ...["Accept", "User-Agent", "Cookie", "Via", "x", "X-A-Name-That-Is-Longer-Than-Any-Other-One"],
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
const usual = fc.constantFrom(["Connection", "keep-alive"], ["Accept", "*/*"], ["Via", "x"], ["Accept", "text/html"]);
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
const pair = fc.tuple(message, message, fc.boolean(), fc.boolean(), fc.nat(14)).map(([one, other, url, all, cut]) => {
  const shared = one.rawHeaders.slice(0, 2 * cut);
  const rawHeaders = all ? one.rawHeaders : [...shared, ...other.rawHeaders.slice(2 * cut)];
  return [one, { ...other, url: url ? one.url : other.url, rawHeaders }] as const;
});

test("what a precedent covers is ruled on alike", () => {
  let covered = 0;
  const property = fc.property(fc.constantFrom(...policies), pair, (policy, [one, other]) => {
    const first = rule(policy, one);
    if (first.kind !== "accepted" || first.upgrade) return;
    if (!SameRuling.of(one, fields)?.covers(other, fields, limits)) return;
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
  fc.assert(property, { numRuns: 20_000 });
  assert.ok(covered > 500, `only ${covered} were covered`);
});

test("everyday requests of one page are covered", () => {
  const headers = (accept: string) => ["Host", "a", "Connection", "keep-alive", "Accept", accept, "Cookie", accept];
  const get = (url: string, accept: string): Message => ({
    method: "GET",
    url,
    httpVersion: "1.1",
    rawHeaders: headers(accept),
  });
  const precedent = SameRuling.of(get("/", "text/html"), fields)!;
  assert.ok(precedent.covers(get("/style.css?v=1", "text/css"), fields, limits));
  assert.ok(precedent.covers({ ...get("/form", "*/*"), method: "POST" }, fields, limits));
  assert.not.ok(precedent.covers({ ...get("/", "*/*"), rawHeaders: [...headers("*/*"), "Host", "a"] }, fields, limits));
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
