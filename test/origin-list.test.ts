// In:    origins of a list, right and wrong; a reference written from docs/policy.md.
// Out:   whether a list takes what it should, admits what it should, and explains the rest with an origin that it takes.

import fc from "fast-check";
import * as assert from "uvu/assert";
import { OriginSet } from "#src/policy/origin-set.js";
import { definePolicy } from "#src/policy/policy-rules.js";
import { formatOrigin, parseOrigin } from "#src/policy/serialized-origin.js";
import type { Vhost } from "#src/policy/vhost.js";
import { referenceListing } from "./reference/origin-list.js";
import { suite } from "./support/suite.js";

const define = (origins: unknown): unknown => definePolicy({ vhosts: [{ name: "a", origins } as Vhost] });

/** Whether a list has the value of an Origin field, which is read as a rule reads it. */
function has(list: OriginSet, value: string): boolean {
  const origin = parseOrigin(value);
  if (origin === null && value !== "null") return false;
  return list.has(origin === null ? value : formatOrigin(origin), origin);
}

function messageOf(origins: unknown): string {
  try {
    define(origins);
  } catch (error) {
    if (error instanceof TypeError) return error.message;
    throw error;
  }
  throw new Error(`${JSON.stringify(origins)} is taken`);
}

const sentences = suite("what cannot be listed");

/** An item of a list, and the end of the sentence about it. */
const items: [unknown, string][] = [
  [
    "https://*example.com",
    'has a star next to other text, where a name of another owner could fit; write "https://*.example.com" for the names below it',
  ],
  [
    "https://*foo.example.com:8443",
    'has a star next to other text, where a name of another owner could fit; write "https://*.foo.example.com:8443" for the names below it, or "https://*-foo.example.com:8443"',
  ],
  [
    "https://pr*.example.com",
    'has a star next to other text, where a name of another owner could fit; write "https://pr-*.example.com"',
  ],
  [
    "https://pr-*x.example.com",
    'has a star next to other text, where a name of another owner could fit; write "https://pr-*-x.example.com"',
  ],
  ["https://foo*.com", "has a star next to other text, where a name of another owner could fit; list each host"],
  [
    "https://pr-*.com",
    'needs at least two labels after the one with the star, as in "https://pr-*.example.com"; list each host',
  ],
  [
    "https://pr-*",
    'needs at least two labels after the one with the star, as in "https://pr-*.example.com"; list each host',
  ],
  ["https://a-*-*.example.com", 'may have one star in its first label, as in "https://pr-*.example.com"'],
  ["https://***.example.com", 'may have one star in its first label, as in "https://pr-*.example.com"'],
  ["https://foo.*", "may have a star only in its first label; list each host"],
  ["https://foo.*.com", "may have a star only in its first label; list each host"],
  ["http://192.168.*.*", "may have a star only in its first label; list each host"],
  [
    "https://foo.*.example.com:*",
    'may have a star only in its first label; write "https://**.example.com:*" for any number of labels before example.com',
  ],
  [
    "https://*.*.example.com",
    'may have a star only in its first label; write "https://**.example.com" for any number of labels before example.com',
  ],
  [
    "https://b\u00fc-*.example.com",
    "has a star in an internationalized label, whose ASCII form is one code; list each host",
  ],
  [
    "https://xn--b-*.example.com",
    "has a star in an internationalized label, whose ASCII form is one code; list each host",
  ],
  [
    "http://*",
    'has stars alone in place of a host, for every site; to allow all pages, write origins: "any": origins are then unchecked',
  ],
  [
    "http://*:*",
    'has stars alone in place of a host, for every site; to allow all pages, write origins: "any": origins are then unchecked',
  ],
  [
    "wss://**.",
    'has stars alone in place of a host, for every site; to allow all pages, write origins: "any": origins are then unchecked',
  ],
  ["app://**", 'has stars alone in place of a host, for every host; write "app://*"'],
  [
    "https://.example.com",
    'begins its host with a dot; write "https://*.example.com" for one label more, or "https://**.example.com" for any number',
  ],
  ["http://localhost:3000-3010", 'has the port "3000-3010"; write a number, or * for every port'],
  ["http://localhost:30*", 'has the port "30*"; write a number, or * for every port'],
  ["*.example.com", 'is not an origin; write scheme, host and port, as in "https://*.example.com"'],
  ["example.com", 'is not an origin; write scheme, host and port, as in "https://example.com"'],
  ["//example.com/", 'is not an origin; write scheme, host and port, as in "https://example.com"'],
  ["https:/example.com", 'is not an origin; write scheme, host and port, as in "https://example.com"'],
  ["localhost:5173", 'is not an origin; write scheme, host and port, as in "http://localhost:5173"'],
  ["localhost:*", 'is not an origin; write scheme, host and port, as in "http://localhost:*"'],
  [
    "*://x.example",
    'has a pattern in place of the scheme; list each scheme: ["http://x.example", "https://x.example"]',
  ],
  [
    "http(s)://x.example",
    'has a pattern in place of the scheme; list each scheme: ["http://x.example", "https://x.example"]',
  ],
  ["https://example.com/", 'contains more than scheme, host and port; write "https://example.com"'],
  ["https://*.example.com/*", 'contains more than scheme, host and port; write "https://*.example.com"'],
  ["http://192.168.0.0/16", 'is a network, and origins have single hosts; list each, as "http://192.168.0.0:*"'],
  [" https://example.com", 'contains white space or a comma; write "https://example.com"'],
  [
    "https://a.example, https://b.example",
    'is more than one origin; write each as an item of the list: ["https://a.example", "https://b.example"]',
  ],
  [
    "^https://.*\\.example\\.com$",
    'is a regular expression, and origins are compared by scheme, host and port; write text such as "https://*.example.com" or "http://localhost:*"',
  ],
  [
    "/https:.*/",
    'is a regular expression, and origins are compared by scheme, host and port; write text such as "https://*.example.com" or "http://localhost:*"',
  ],
  ["NULL", 'is not an origin; write "null"'],
  ["Same-Authority", 'is not an origin; write "same-authority"'],
  ["'self'", 'is not an origin; write "same-authority"'],
  ["same-origin", 'is not an origin; write "same-authority"'],
  ["*", 'is not an origin; to allow all, write origins: "any": origins are then unchecked'],
  ["ANY", 'is not an origin; to allow all, write origins: "any": origins are then unchecked'],
  ["data:", 'is not an origin; the pages of such URLs have the origin of the page that opened them, or "null"'],
  [
    () => true,
    'is not called: a list contains text; list each origin, as "https://*.example.com", or decide on upgrades in authorize',
  ],
  [
    /x/,
    'is not applied: origins are compared by scheme, host and port; write text such as "https://*.example.com" or "http://localhost:*"',
  ],
  [new URL("https://a.example/x"), 'is not text; write "https://a.example"'],
  [["https://a.example"], "is a list within the list; write its items into the list itself"],
  [undefined, 'is not text such as "https://example.com"'],
];

sentences("has a sentence with its place, its value and what to write", () => {
  for (const [item, end] of items) {
    const message = messageOf(["same-authority", item]);
    const value = typeof item === "string" ? JSON.stringify(item) : "";
    assert.ok(message.startsWith(`vhosts[0].origins[1] is ${value}`), message);
    assert.ok(message.endsWith(`, which ${end}`), `${message}\nwanted ${end}`);
  }
});

sentences("each origin in quotes that a sentence offers is one that a list takes", () => {
  let offered = 0;
  for (const [item] of items) {
    const [, fix = ""] =
      /(?:; write|; list each(?: scheme)?,? ?|, as in|item of the list:)(.*)$/.exec(messageOf([item])) ?? [];
    for (const [, origin] of fix.matchAll(/"([^"]*:\/\/[^"]*)"/g)) {
      define([origin]);
      offered++;
    }
  }
  assert.ok(offered > 20, `${offered} origins`);
});

sentences("in place of the list has one too", () => {
  const must = 'it must be "same-authority", "any", or a list such as';
  for (const [origins, sentence] of [
    [
      "*",
      `vhosts[0].origins is "*"; ${must} ["https://example.com"]; to allow all pages, write origins: "any": origins are then unchecked`,
    ],
    [
      true,
      `vhosts[0].origins is true; ${must} ["https://example.com"]; to allow all pages, write origins: "any": origins are then unchecked`,
    ],
    [
      () => true,
      `vhosts[0].origins is a function; ${must} ["https://*.example.com"]; a function is not called: list the origins, or decide on upgrades in authorize`,
    ],
    [
      /x/,
      `vhosts[0].origins is the regular expression /x/; ${must} ["https://*.example.com", "http://localhost:*"]; origins are compared by scheme, host and port, never as text`,
    ],
    [null, `vhosts[0].origins is null; ${must} ["https://example.com"]; to allow no page, write origins: []`],
    ["https://a.example", `vhosts[0].origins is "https://a.example"; ${must} ["same-authority", "https://a.example"]`],
    ["null", `vhosts[0].origins is "null"; ${must} ["same-authority", "null"]`],
    [new Set(["https://a.example"]), `vhosts[0].origins is a Set; ${must} ["https://example.com"]`],
    [
      { list: "*" },
      `vhosts[0].origins.list is "*"; ${must} ["https://example.com"]; to allow all pages, write origins: "any": origins are then unchecked`,
    ],
  ] as const) {
    assert.is(messageOf(origins), sentence);
  }
});

const properties = suite("properties of lists");

const label = fc.constantFrom(
  "a",
  "pr-1",
  "pr-",
  "x--site",
  "example",
  "com",
  "A_b",
  "127",
  "0",
  "1",
  "xn--a",
  "",
  "-",
  "b~c",
);
const host = fc.oneof(
  fc.array(label, { minLength: 1, maxLength: 4 }).map((labels) => labels.join(".")),
  fc.constantFrom("[::1]", "[0:0::1]", "127.0.0.1", ".", "..", "", "localhost"),
);
const stars = fc.constantFrom(
  "*.",
  "**.",
  "pr-*.",
  "*-site.",
  "*--site.",
  "*",
  "pr*.",
  "a-*-b.",
  "**",
  "-*.",
  "*-*.",
  "xn--*.",
);
const scheme = fc.constantFrom("https", "http", "ws", "wss", "app", "HTTPS", "x-1", "1x", "");
const port = fc.constantFrom("", "", "", ":443", ":80", ":8080", ":", ":0", ":65536", ":*", ":8*");
const written = fc.oneof(
  fc.tuple(scheme, host, port).map(([s, h, p]) => `${s}://${h}${p}`),
  fc.tuple(scheme, stars, host, port).map(([s, w, h, p]) => `${s}://${w}${h}${p}`),
  fc.constantFrom("null", "https://*", "app://*", "app://*:*", "app://."),
);
const sent = fc.oneof(
  fc.tuple(scheme, host, port).map(([s, h, p]) => `${s}://${h}${p}`),
  fc
    .tuple(
      fc.constantFrom("https", "app"),
      fc.constantFrom("pr-1", "pr-", "x--site", "a-b-b", "a-b", "q", "a.b"),
      host,
      port,
    )
    .map(([s, l, h, p]) => `${s}://${l}.${h}${p}`),
  fc.constantFrom("null", "app://."),
);

properties("a list takes what the reference takes, and admits what it admits", () => {
  let [taken, admitted] = [0, 0];
  fc.assert(
    fc.property(written, fc.array(sent, { minLength: 1, maxLength: 20 }), (pattern, values) => {
      const wanted = referenceListing(pattern);
      let list: OriginSet;
      try {
        list = new OriginSet([pattern], "list", "any");
      } catch (error) {
        assert.instance(error, TypeError);
        assert.is(wanted, null, pattern);
        return;
      }
      assert.ok(wanted !== null, `${pattern} is taken`);
      taken++;
      for (const value of values) {
        assert.is(has(list, value), wanted!(value), `${pattern} and ${value}`);
        if (has(list, value)) admitted++;
      }
    }),
    { numRuns: 20_000, seed: 5 },
  );
  assert.ok(taken > 2000 && admitted > 500, `${taken} ${admitted}`);
});

properties("what was written in one list is found in a list of all", () => {
  const patterns = [
    "https://pr-*.a.example",
    "https://pr-*-x.a.example",
    "https://*--s.a.example",
    "http://*.b.example:*",
  ];
  const all = new OriginSet(patterns, "list", "any");
  const ones = patterns.map((pattern) => new OriginSet([pattern], "list", "any"));
  fc.assert(
    fc.property(
      fc.constantFrom("http", "https"),
      fc.array(fc.constantFrom("pr-", "-x", "x", "--s", "-", "."), { maxLength: 5 }).map((parts) => parts.join("")),
      fc.constantFrom(".a.example", ".b.example", ".b.example:81"),
      (scheme, start, end) => {
        const value = `${scheme}://${start}${end}`;
        assert.is(
          has(all, value),
          ones.some((one) => has(one, value)),
          value,
        );
      },
    ),
    { numRuns: 5000, seed: 6 },
  );
});
