// In:    what a client may send in a head, in sizes that double; configurations, small and large.
// Out:   whether it is ruled on in time that is in proportion to its octets, and to nothing else.
// Never: bounds a time; growth counts.

import type { Arrival } from "#src/arrival/arrival.js";
import { ServerNames } from "#src/connection/tls/routes.js";
import type { RequestHead } from "#src/head/request-head.js";
import { decide } from "#src/policy/decide.js";
import { explain } from "#src/policy/explain.js";
import { definePolicy, type Policy, type PolicyRules } from "#src/policy/policy-rules.js";
import { assertFlat, assertProportional, type Work } from "../support/growth.js";
import { fill, get, headFrom, upgrade } from "../support/large.js";
import { suite } from "../support/suite.js";
import { octetsOf } from "../support/tcp.js";

const peer: Arrival = { scheme: "http", schemeSource: "default", remoteAddress: "10.0.0.1" };

/** Rules on a head that is read again each time: nothing of an earlier ruling is kept. */
function ruling(policy: Policy, head: RequestHead): Work {
  const octets = octetsOf(head.toString());
  return () => explain(decide(policy, headFrom(octets), peer));
}

const exact = definePolicy({ vhosts: [{ name: "example.com" }] });
const wildcards = definePolicy({
  vhosts: [
    { name: "**.deep.example.com", upgrades: { "/live/*": 1, "/": 2 } },
    { name: "*.example.com" },
    {
      name: "a",
      upgrades: { "/": 0, "/live/*": 1, "/live/a/b/*": 2, "//*": 3 },
      origins: ["https://**.example.com", "https://a-*-a.example.com:*", "http://a:*"],
    },
    { name: "b.test", default: true, origins: ["https://*.example.com"] },
  ],
});
const behind = (forwarded: NonNullable<PolicyRules["trust"]>["forwarded"]): Policy =>
  definePolicy({ vhosts: [{ name: "**.example.com" }, { name: "a" }], trust: { from: ["10.0.0.0/8"], forwarded } });
const forwarded = behind("rfc7239");
const xForwarded = behind(["X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Proto", "X-Forwarded-Port"]);

const pages = definePolicy({
  vhosts: [
    {
      name: "a",
      embedding: ["https://**.example.com"],
      navigation: "same-origin",
      callbacks: ["/auth"],
      origins: ["https://b"],
    },
  ],
});

const inside = (octets: number): string => `a${" ".repeat(octets)}b`;
const insideTabs = (octets: number): string => `a${fill(" \t", octets)}b`;

/** By what is repeated: the head that repeats it in about so many octets, and the policy that rules on it. */
const ruled: Record<string, [policy: Policy, head: (octets: number) => RequestHead]> = {
  "labels of Host, no wildcard": [exact, (n) => get(`Host: ${fill("a.", n)}a\r\n`)],
  "labels of Host, wildcards": [wildcards, (n) => get(`Host: ${fill("a.", n)}a\r\n`)],
  "labels of Host below a wildcard": [wildcards, (n) => get(`Host: ${fill("a.", n)}deep.example.com\r\n`)],
  "one long label of Host": [wildcards, (n) => get(`Host: ${fill("a", n)}.example.com\r\n`)],
  "dots of Host": [wildcards, (n) => get(`Host: a${fill(".", n)}\r\n`)],
  "dots after an address": [wildcards, (n) => get(`Host: 127.0.0.1${fill(".", n)}\r\n`)],
  "triplets of Host": [wildcards, (n) => get(`Host: ${fill("%41", n)}\r\n`)],
  "labels of an absolute-form": [wildcards, (n) => get("Host: a\r\n", `http://${fill("a.", n)}example.com/`)],
  "slashes of a path": [wildcards, (n) => upgrade("", fill("/", n))],
  "slashes of a path below a claim": [wildcards, (n) => upgrade("", `/live/${fill("a/b/", n)}`)],
  "a long segment of a path": [wildcards, (n) => upgrade("", `/live/${fill("a", n)}`)],
  "question marks": [wildcards, (n) => upgrade("", `/${fill("?", n)}`)],
  "labels of Origin": [wildcards, (n) => get(`Host: a\r\nOrigin: https://${fill("a.", n)}example.com\r\n`)],
  "labels of a foreign Origin": [wildcards, (n) => get(`Host: a\r\nOrigin: https://${fill("a.", n)}a\r\n`)],
  "a long label of Origin": [wildcards, (n) => get(`Host: a\r\nOrigin: https://${fill("a-", n)}a.example.com:1\r\n`)],
  "a long label of a foreign Origin": [
    wildcards,
    (n) => get(`Host: a\r\nOrigin: https://${fill("a-", n)}_-a.example.com:1\r\n`),
  ],
  "a long scheme of Origin": [wildcards, (n) => get(`Host: a\r\nOrigin: ${fill("a+", n)}://example.com\r\n`)],
  "colons of Origin": [wildcards, (n) => get(`Host: a\r\nOrigin: ${fill(":/", n)}\r\n`)],
  "lines of Origin": [wildcards, (n) => get(`Host: a\r\n${fill("Origin: a\r\n", n)}`)],
  "labels of Referer": [pages, (n) => get(`Host: a\r\nReferer: https://${fill("a.", n)}example.com/\r\n`)],
  "labels of a foreign Referer": [pages, (n) => get(`Host: a\r\nReferer: https://${fill("a.", n)}a/\r\n`)],
  "the path of Referer": [pages, (n) => get(`Host: a\r\nReferer: http://a${fill("/?#", n)}\r\n`)],
  "colons of Referer": [pages, (n) => get(`Host: a\r\nReferer: ${fill("://", n)}\r\n`)],
  "lines of Referer": [pages, (n) => get(`Host: a\r\n${fill("Referer: a\r\n", n)}`)],
  "a long scheme of Referer": [pages, (n) => get(`Host: a\r\nReferer: ${fill("a+", n)}://a\r\n`)],
  "commas of Accept": [pages, (n) => get(`Host: a\r\nReferer: http://b/\r\nAccept: ${fill(", ", n)}a\r\n`)],
  "white space in Accept": [
    pages,
    (n) => get(`Host: a\r\nReferer: http://b/\r\nAccept: a,${fill(" \t", n)}text/html${fill(" \t", n)}a\r\n`),
  ],
  "lines of Accept": [pages, (n) => get(`Host: a\r\nReferer: http://b/\r\n${fill("Accept: text/htm\r\n", n)}`)],
  "members of Sec-Purpose": [pages, (n) => get(`Host: a\r\nSec-Purpose: ${fill("prefetchprefetch;", n)}\r\n`)],
  "lines of Sec-Fetch-Site": [pages, (n) => get(`Host: a\r\n${fill("Sec-Fetch-Site: none\r\n", n)}`)],
  "lines of Sec-Fetch-Mode": [
    pages,
    (n) => get(`Host: a\r\nSec-Fetch-Site: same-site\r\n${fill("Sec-Fetch-Mode: navigate\r\n", n)}`),
  ],
  "white space in X-Forwarded-For": [xForwarded, (n) => get(`Host: a\r\nX-Forwarded-For: ${inside(n)}\r\n`)],
  "white space in X-Forwarded-Host": [xForwarded, (n) => get(`Host: a\r\nX-Forwarded-Host: ${inside(n)}\r\n`)],
  "white space in X-Forwarded-Proto": [xForwarded, (n) => get(`Host: a\r\nX-Forwarded-Proto: ${insideTabs(n)}\r\n`)],
  "white space in X-Forwarded-Port": [xForwarded, (n) => get(`Host: a\r\nX-Forwarded-Port: ${insideTabs(n)}\r\n`)],
  "elements of X-Forwarded-For": [xForwarded, (n) => get(`Host: a\r\nX-Forwarded-For: ${fill("10.0.0.2, ", n)}a\r\n`)],
  "trusted X-Forwarded-For": [
    xForwarded,
    (n) =>
      get(`Host: a\r\nX-Forwarded-For: ${fill("10.0.0.2, ", n)}10.0.0.2\r\nX-Forwarded-Proto: ${fill(",", n)}\r\n`),
  ],
  "lines of X-Forwarded-For": [xForwarded, (n) => get(`Host: a\r\n${fill("X-Forwarded-For: 10.0.0.2\r\n", n)}`)],
  "colons of X-Forwarded-For": [xForwarded, (n) => get(`Host: a\r\nX-Forwarded-For: ${fill(":", n)}\r\n`)],
  "commas of X-Forwarded-Port": [xForwarded, (n) => get(`Host: a\r\nX-Forwarded-Port: ${fill(",", n)}\r\n`)],
  "labels of X-Forwarded-Host": [
    xForwarded,
    (n) => get(`Host: a\r\nX-Forwarded-Host: ${fill("a.", n)}b.example.com\r\n`),
  ],
  "elements of Forwarded": [forwarded, (n) => get(`Host: a\r\nForwarded: ${fill("for=10.0.0.2,", n)}for=a\r\n`)],
  "trusted Forwarded": [forwarded, (n) => get(`Host: a\r\nForwarded: ${fill("for=10.0.0.2,", n)}for=10.0.0.2\r\n`)],
  "white space in Forwarded": [forwarded, (n) => get(`Host: a\r\nForwarded: for=b${" ".repeat(n)};proto=c\r\n`)],
  "a token of Forwarded": [forwarded, (n) => get(`Host: a\r\nForwarded: ${fill("a", n)}\r\n`)],
  "quotes of Forwarded": [forwarded, (n) => get(`Host: a\r\nForwarded: ${fill('"', n)}for="b"\r\n`)],
  "escaped quotes of Forwarded": [forwarded, (n) => get(`Host: a\r\nForwarded: for="${fill('\\"', n)}"\r\n`)],
  "backslashes of Forwarded": [forwarded, (n) => get(`Host: a\r\nForwarded: for="${fill("\\", n)}"\r\n`)],
  "pairs of Forwarded": [
    forwarded,
    (n) => get(`Host: a\r\nForwarded: ${Array.from({ length: n / 8 }, (_, i) => `p${i}=b`).join(";")}\r\n`),
  ],
  "a quoted value of Forwarded": [forwarded, (n) => get(`Host: a\r\nForwarded: for="${fill("\xff", n)}"\r\n`)],
  "white space between protocols": [wildcards, (n) => upgrade(`Sec-WebSocket-Protocol: ${inside(n)}\r\n`)],
  "white space around protocols": [wildcards, (n) => upgrade(`Sec-WebSocket-Protocol: a${" ".repeat(n)},b\r\n`)],
  protocols: [
    wildcards,
    (n) => upgrade(`Sec-WebSocket-Protocol: ${Array.from({ length: n / 8 }, (_, i) => `p${100_000 + i}`)}\r\n`),
  ],
  "commas of protocols": [wildcards, (n) => upgrade(`Sec-WebSocket-Protocol: ${fill(",", n)}\r\n`)],
  "a long protocol": [wildcards, (n) => upgrade(`Sec-WebSocket-Protocol: ${fill("a", n)} b\r\n`)],
  extensions: [wildcards, (n) => upgrade(`Sec-WebSocket-Extensions: ${fill('a; b="c", ', n)}@\r\n`)],
  "parameters of an extension": [wildcards, (n) => upgrade(`Sec-WebSocket-Extensions: a${fill('; b="c"', n)}@\r\n`)],
  "equals signs of an extension": [wildcards, (n) => upgrade(`Sec-WebSocket-Extensions: a;b${fill("=", n)}\r\n`)],
  "white space in extensions": [
    wildcards,
    (n) => upgrade(`Sec-WebSocket-Extensions: ${fill(`a ; b${" ".repeat(64)}= c${" ".repeat(64)}, `, n)}@\r\n`),
  ],
  "a long key": [wildcards, (n) => upgrade(`Sec-WebSocket-Key: ${fill("\xff", n)}\r\n`)],
  "lines of a version": [wildcards, (n) => upgrade(fill("Sec-WebSocket-Version: \xff\r\n", n))],
};

const rulings = suite("cost of rulings");

for (const [name, [policy, headOfSize]] of Object.entries(ruled)) {
  rulings(name, () => assertProportional(name, (octets) => ruling(policy, headOfSize(octets))));
}

const flat = suite("cost of what is configured");

const thousands = <Item>(make: (i: number) => Item): Item[] => Array.from({ length: 10_000 }, (_, i) => make(i));
const few = <Item>(make: (i: number) => Item): Item[] => Array.from({ length: 10 }, (_, i) => make(i));
type Many = typeof few;

/** By what there is few or much of: the work with a policy that has it. */
const configured: Record<string, (many: Many) => Work> = {
  "wildcards of vhosts": (many) => {
    const policy = definePolicy({ vhosts: many((i) => ({ name: `*.t${i}.example.com` })) });
    return ruling(policy, get(`Host: ${"a.".repeat(50)}t7.example.com\r\n`));
  },
  "deep wildcards of vhosts": (many) => {
    const policy = definePolicy({ vhosts: many((i) => ({ name: `**.t${i}.example.com` })) });
    return ruling(policy, get(`Host: ${"a.".repeat(50)}t7.example.com\r\n`));
  },
  "networks of vhosts": (many) => {
    const policy = definePolicy({ vhosts: many((i) => ({ name: `10.${i >> 8}.${i & 255}.0/24` })) });
    return ruling(policy, get("Host: 192.0.2.1\r\n"));
  },
  "claims of paths": (many) => {
    const upgrades = Object.fromEntries(many((i) => [`/a/${i}/*`, i]));
    return ruling(definePolicy({ vhosts: [{ name: "a", upgrades }] }), upgrade("", "/b/c/d"));
  },
  "wildcards of origins": (many) => {
    const origins = many((i) => `https://*.t${i}.example.com`);
    const policy = definePolicy({ vhosts: [{ name: "a", origins }] });
    return ruling(policy, get(`Host: a\r\nOrigin: https://${"a.".repeat(50)}t7.example.com\r\n`));
  },
  "stars within labels of origins": (many) => {
    const origins = many((i) => `https://pr-*-${i}.t.example.com:*`);
    const policy = definePolicy({ vhosts: [{ name: "a", origins }] });
    return ruling(policy, get(`Host: a\r\nOrigin: https://pr-${"a-".repeat(50)}-7.t.example.com\r\n`));
  },
  "embedding and callbacks": (many) => {
    const embedding = many((i) => `https://*.t${i}.example.com`);
    const callbacks = many((i) => `/auth/${i}`);
    const policy = definePolicy({ vhosts: [{ name: "a", embedding, callbacks }] });
    return ruling(policy, get(`Host: a\r\nReferer: https://${"a.".repeat(50)}t7.example.com/\r\n`));
  },
  "callbacks, beside one that is not listed": (many) => {
    const policy = definePolicy({ vhosts: [{ name: "a", callbacks: many((i) => `/auth/${i}`) }] });
    const octets = octetsOf("POST /auth/x HTTP/1.1\r\nHost: a\r\nReferer: https://b.example.com/\r\n\r\n");
    return ruling(policy, headFrom(octets));
  },
  "trusted networks": (many) => {
    const from = [...many((i) => `172.${16 + (i >> 10)}.${(i >> 2) & 255}.${64 * (i & 3)}/26`), "10.0.0.1"];
    const policy = definePolicy({ vhosts: [{ name: "a" }], trust: { from, forwarded: ["X-Forwarded-For"] } });
    return ruling(policy, get(`Host: a\r\nX-Forwarded-For: 192.0.2.1${", 10.0.0.1".repeat(50)}\r\n`));
  },
  "server names of TLS": (many) => {
    const names = new ServerNames(Object.fromEntries(many((i) => [`*.t${i}.example.com`, () => {}])), []);
    return () => names.find(`${"a.".repeat(50)}t7.example.com`);
  },
};

for (const [name, prepare] of Object.entries(configured)) {
  flat(name, () => assertFlat(name, prepare(few), prepare(thousands)));
}

const said = suite("cost of what is said");

said("an explanation looks at no more than it shows", async () => {
  for (const [name, headOf] of Object.entries({
    "a path": (length: number) => upgrade("", `/${"a".repeat(length)}`),
    "obs-text": (length: number) => upgrade(`Sec-WebSocket-Protocol: ${"\xff".repeat(length)}\r\n`),
    "an origin": (length: number) => get(`Host: a\r\nOrigin: ${"\xff".repeat(length)}\r\n`),
  })) {
    const [short, long] = [1000, 100_000].map((length) => decide(wildcards, headOf(length), peer));
    await assertFlat(
      name,
      () => explain(short!),
      () => explain(long!),
    );
  }
});

said("the server name of a connection is not read by each of its requests", async () => {
  const head = get("Host: a\r\n");
  const [short, long] = [100, 50_000].map((labels) => ({ ...peer, serverName: `${"a.".repeat(labels)}b` }));
  await assertFlat(
    "a server name",
    () => decide(exact, head, short!),
    () => decide(exact, head, long!),
  );
});
