// In:    test/cases/origin-cases.json; and origins beyond these.
// Out:   whether each request has its decision and its explanation, ruled on alone and over an adopted socket.
// Never: decides what is right; the rows state it.

import { readFileSync } from "node:fs";
import fc from "fast-check";
import * as assert from "uvu/assert";
import { WebSocketServer } from "ws";
import { socketArrival } from "#src/arrival/arrival.js";
import { createGate, type Gate } from "#src/gate.js";
import { wsFramer } from "#src/handover/ws.js";
import { parseRequestHead } from "#src/head/parse.js";
import type { RequestHead } from "#src/head/request-head.js";
import { decide } from "#src/policy/decide.js";
import type { Decision } from "#src/policy/decision.js";
import { explain, explanation } from "#src/policy/explain.js";
import { HostMap } from "#src/policy/host-map.js";
import { localhost } from "#src/policy/localhost.js";
import { definePolicy, type PolicyRules, withSecured } from "#src/policy/policy-rules.js";
import { formatOrigin, parseOrigin } from "#src/policy/serialized-origin.js";
import { NO_LISTEN_SERVER, type Vhost } from "#src/policy/vhost.js";
import { suite } from "./support/suite.js";
import { handshakeFields, openWorld, statusOf, type World } from "./support/world.js";

interface Row {
  id: string;
  policy: string;
  why: string;
  host: string;
  /** The values of its Origin lines. */
  origin: string | string[] | null;
  /** `accepted`, or a status code and a code. */
  right: string;
  explanation: string;
}
const { policies, rows } = JSON.parse(readFileSync("test/cases/origin-cases.json", "utf8")) as {
  policies: Record<string, PolicyRules>;
  rows: Row[];
};

const originLines = (origin: Row["origin"]): string =>
  (origin === null ? [] : [origin].flat()).map((value) => `Origin: ${value}\r\n`).join("");

function head(text: string): RequestHead {
  const result = parseRequestHead(Buffer.from(text, "latin1"));
  if (result.kind !== "complete") throw new Error(`no head: ${JSON.stringify(result)}`);
  return result.head;
}
const upgradeHead = ({ host, origin }: Pick<Row, "host" | "origin">): string =>
  `GET /live HTTP/1.1\r\nHost: ${host}\r\n${originLines(origin)}${handshakeFields}\r\n`;
const requestHead = (method: string, { host, origin }: Pick<Row, "host" | "origin">): string =>
  `${method} /live HTTP/1.1\r\nHost: ${host}\r\n${originLines(origin)}Connection: close\r\n\r\n`;

const words = (decision: Decision): string =>
  decision.kind === "accepted" ? "accepted" : `${decision.statusCode} ${decision.code}`;

/** The same policy, with a claim on every path. */
function claiming<Claim>({ vhosts, ...rules }: PolicyRules, claim: Claim): PolicyRules<Claim> {
  return { ...rules, vhosts: vhosts.map((vhost) => ({ ...vhost, upgrades: { "*": claim } })) };
}

const cases = suite("origin cases");
const webSocketServer = new WebSocketServer({ noServer: true });
let world: World;
let gate: Gate;

cases.before(async () => {
  world = await openWorld(() => gate);
});
cases.after(() => world.close());

cases("there are enough of them, each with an id of its own", () => {
  assert.ok(rows.length >= 40);
  assert.is(new Set(rows.map(({ id }) => id)).size, rows.length);
});

for (const row of rows) {
  const { id, why, right, explanation } = row;
  const rules = policies[row.policy]!;

  cases(`${id} ${why}`, () => {
    const policy = definePolicy(claiming(rules, 1));
    const arrival = socketArrival({}, {}, rules.scheme);
    const upgrade = decide(policy, head(upgradeHead(row)), arrival);
    assert.is(words(upgrade), right);
    assert.is(explain(upgrade), explanation);
    // Origin is ruled on for every method, and a request is refused in the words of an upgrade.
    for (const method of ["GET", "HEAD", "POST", "OPTIONS", "DELETE"]) {
      const request = decide(policy, head(requestHead(method, row)), arrival);
      assert.is(words(request), right, method);
      const accepted = explanation.replace("upgrade of /live accepted by *", `${method} /live accepted`);
      assert.is(explain(request), accepted);
    }
  });

  cases(`${id} over an adopted socket`, async () => {
    const explained: string[] = [];
    // The ports of these vhosts are all declared or unchecked, so that sockets can be adopted.
    gate = createGate({ ...claiming(rules, wsFramer(webSocketServer)), requests: (_, response) => response.end() });
    gate.on("accepted", (decision) => explained.push(explain(decision)));
    gate.on("refused", (decision) => explained.push(explain(decision)));
    const refusal = Number.parseInt(right, 10);
    const upgraded = await world.send(Buffer.from(upgradeHead(row), "latin1"));
    assert.is(statusOf(upgraded), refusal || 101);
    const answered = await world.send(Buffer.from(requestHead("POST", row), "latin1"));
    assert.is(statusOf(answered), refusal || 200);
    assert.equal(explained, [
      explanation,
      explanation.replace("upgrade of /live accepted by *", "POST /live accepted"),
    ]);
  });
}

cases("a page of https is the own one only where nothing states that the client came by http", () => {
  const policy = definePolicy({ vhosts: [{ name: "a", port: "any" }] });
  const request = head(requestHead("GET", { host: "a", origin: "https://a" }));
  const ruled = (schemeSource: "default" | "given" | "declared", rules = policy): Decision =>
    decide(rules, request, { scheme: "http", schemeSource });
  const passed = ruled("default");
  assert.is(passed.kind === "accepted" && passed.presumesTls, true);
  for (const source of ["given", "declared"] as const) {
    assert.is(
      explanation(ruled(source)).remedy,
      'to trust the pages of https://a, set origins: ["same-authority", "https://a"] on vhost a',
    );
  }
  // A list without the own origin does not presume it, and a listed origin needs no presumption.
  const [listed, without] = [["same-authority", "https://a"], ["https://b"]].map((origins) =>
    ruled("default", definePolicy({ vhosts: [{ name: "a", port: "any", origins }] })),
  );
  assert.is(words(without!), "403 ORIGIN_FOREIGN");
  assert.is(listed!.kind === "accepted" && listed!.presumesTls, undefined);
  // Nor is it presumed by a gate that speaks TLS itself, where plaintext comes from no proxy.
  const speaking = withSecured(policy, new HostMap());
  assert.is(words(ruled("default", speaking)), "403 ORIGIN_FOREIGN");
  assert.is(words(decide(policy, request, { scheme: "https", schemeSource: "tls" })), "accepted");
});

const settings = suite("origins of a vhost");

settings("what is wrong with them is said at construction, with the fix", () => {
  const wrong: [unknown, RegExp][] = [
    ["all", /vhosts\[0\]\.origins is "all"; it must be "same-authority", "any", or a list/],
    [1, /vhosts\[0\]\.origins is 1; it must be "same-authority", "any", or a list/],
    [{ list: "any", absents: "refuse" }, /absents is not a setting of vhosts\[0\]\.origins/],
    [{ list: "any", absent: "pass" }, /vhosts\[0\]\.origins\.absent is "pass"; it must be "refuse" or left out/],
    [{ absent: "refuse" }, /vhosts\[0\]\.origins\.list is undefined/],
    [["*"], /"\*", which is not an origin; to allow all, write origins: "any"/],
    [["any"], /to allow all, write origins: "any"/],
    [["example.com"], /"example\.com", which is not an origin; write scheme, host and port/],
    [["://example.com"], /which is not an origin/],
    [["https://example.com/"], /contains more than scheme, host and port; write "https:\/\/example\.com"/],
    [["https://example.com/path"], /write "https:\/\/example\.com"/],
    [["https://example.com?query"], /write "https:\/\/example\.com"/],
    [["https://"], /is not a host name/],
    [["https://a b"], /contains white space or a comma; write "https:\/\/a"/],
    [["https://user@a"], /userinfo/],
    [["https://a:0"], /port is not a number from 1 to 65535/],
    [["https://*"], /has stars alone in place of a host, for every site; to allow all pages, write origins: "any"/],
    [["https://a*.example"], /has a star next to other text/],
    [["https://*.127.0.0.1"], /needs a plain name after \*\./],
    [["https://*.[::1]"], /needs a plain name after \*\./],
    [["https://::1"], /write it in brackets/],
    [[1], /vhosts\[0\]\.origins\[0\] is 1, which is not text/],
  ];
  for (const [origins, sentence] of wrong) {
    assert.throws(
      () => definePolicy({ vhosts: [{ name: "a", origins } as Vhost] }),
      (error: unknown) => error instanceof TypeError && sentence.test(error.message),
      JSON.stringify(origins),
    );
  }
});

settings("a default vhost needs origins of its own", () => {
  for (const origins of [undefined, "same-authority", ["same-authority", "https://a"], { list: "same-authority" }]) {
    assert.throws(
      () =>
        definePolicy({ vhosts: [{ name: "a", default: true, ...(origins !== undefined && { origins }) } as Vhost] }),
      /vhosts\[0\] is default and its origins are those of the same authority.*origins: "any"/,
    );
  }
  for (const origins of ["any", [], ["https://a"], { list: ["https://a"], absent: "refuse" }]) {
    definePolicy({ vhosts: [{ name: "a", default: true, origins } as Vhost] });
  }
});

settings("names beyond ASCII are converted once", () => {
  const policy = definePolicy({ vhosts: [{ name: "a", origins: ["https://bücher.example:8443"] }] });
  const rule = (origin: string): string =>
    words(decide(policy, head(requestHead("GET", { host: "a", origin })), { scheme: "http" }));
  assert.is(rule("https://xn--bcher-kva.example:8443"), "accepted");
  assert.is(rule("https://xn--bcher-kva.example"), "403 ORIGIN_FOREIGN");
});

const local = suite("localhost()");

local("takes the loopback names and addresses, and no others", () => {
  const policy = definePolicy({ vhosts: localhost({ upgrades: { "/mcp": 1 } }) });
  const rule = (host: string, origin: string | null = null): string => {
    const decision = decide(policy, head(requestHead("GET", { host, origin })), { scheme: "http" });
    return decision.kind === "accepted" ? decision.vhost.name : words(decision);
  };
  for (const [host, right] of [
    ["localhost", "localhost"],
    ["LOCALHOST.:3000", "localhost"],
    ["app.localhost:3000", "*.localhost"],
    ["127.0.0.1:3000", "127.0.0.0/8"],
    ["127.255.255.254", "127.0.0.0/8"],
    ["[::1]:3000", "[::1]"],
    ["[0:0::0:1]", "[::1]"],
    ["a.b.localhost", "421 NAME_UNKNOWN"],
    ["128.0.0.1", "421 NAME_UNKNOWN"],
    ["126.255.255.255", "421 NAME_UNKNOWN"],
    ["127.1", "421 NAME_UNKNOWN"],
    ["0x7f.1", "421 NAME_UNKNOWN"],
    ["127.000.0.1", "421 NAME_UNKNOWN"],
    ["127.0.0.1.", "421 NAME_UNKNOWN"],
    ["2130706433", "421 NAME_UNKNOWN"],
    ["[::ffff:127.0.0.1]", "421 NAME_UNKNOWN"],
    ["[::2]", "421 NAME_UNKNOWN"],
    ["localhost.evil.example", "421 NAME_UNKNOWN"],
    ["rebound.example", "421 NAME_UNKNOWN"],
    ["0.0.0.0:3000", "421 NAME_UNSPECIFIED"],
    ["[::]:3000", "421 NAME_UNSPECIFIED"],
  ] as const) {
    assert.is(rule(host), right, host);
  }
  assert.is(rule("localhost:3000", "http://localhost:3000"), "localhost");
  assert.is(rule("127.0.0.1:3000", "http://127.0.0.1:3000"), "127.0.0.0/8");
  assert.is(rule("127.0.0.1:3000", "http://127.0.0.2:3000"), "403 ORIGIN_FOREIGN");
  assert.is(rule("localhost:3000", "http://localhost:3001"), "403 ORIGIN_FOREIGN");
  assert.is(rule("localhost:3000", "https://evil.example"), "403 ORIGIN_FOREIGN");
});

local("0.0.0.0 has an explanation of its own", () => {
  const policy = definePolicy({ vhosts: localhost() });
  const decision = decide(policy, head(requestHead("GET", { host: "0.0.0.0:3000", origin: null })), { scheme: "http" });
  assert.is(
    explain(decision),
    "host 0.0.0.0 is the unspecified address, which servers listen on and clients should not use; the vhosts are: " +
      "localhost, *.localhost, 127.0.0.0/8, [::1] (port came from Host; scheme http given); " +
      'to serve it all the same, add { name: "0.0.0.0", embedding: "same-origin" } to vhosts',
  );
});

local("settings are those of each vhost, and names are not among them", () => {
  const upgrades = { "/mcp": 1 };
  for (const vhost of localhost({ port: NO_LISTEN_SERVER, origins: ["http://localhost:5173"], upgrades })) {
    assert.is(vhost.port, NO_LISTEN_SERVER);
    assert.equal(vhost.origins, ["http://localhost:5173"]);
    assert.is(vhost.upgrades, upgrades);
  }
  assert.throws(() => localhost({ name: "a" } as never), /name is not a setting of localhost\(\)/);
  assert.throws(() => localhost({ default: true } as never), /default is not a setting of localhost\(\)/);
  assert.throws(() => definePolicy({ vhosts: localhost({ ports: 1 } as never) }), /ports is not a setting of a vhost/);
});

local("works over an adopted socket", async () => {
  const door = await openWorld(() => gate);
  gate = createGate({ vhosts: localhost({ port: NO_LISTEN_SERVER, upgrades: { "/mcp": wsFramer(webSocketServer) } }) });
  const knock = async (host: string, origin: string): Promise<number> =>
    statusOf(await door.send(upgradeHead({ host, origin }).replace("/live", "/mcp")));
  assert.is(await knock("127.0.0.1:1", "http://127.0.0.1:1"), 101);
  assert.is(await knock("localhost:1", "http://evil.example"), 403);
  assert.is(await knock("rebound.example", "http://rebound.example"), 421);
  await door.close();
});

const properties = suite("properties of origins");
/** What origins consist of, and what does not belong in one. */
const pieces = fc.constantFrom(
  "http",
  "https",
  "://",
  ":",
  "/",
  "@",
  ".",
  "*",
  "[",
  "]",
  "::1",
  "%41",
  " ",
  ",",
  "null",
  "?",
  "#",
  "good.example",
  "evil.example",
  "443",
  "80",
  "8443",
  "65536",
  "0",
  "\\",
  "\t",
  "\xe9",
  "GOOD.example",
);
/** Many of these are origins. */
const formed = fc.tuple(
  fc.constantFrom("http://", "https://", "https://", "HTTPS://"),
  fc.constantFrom("good.example", "good.example", "GOOD.example", "evil.example", "127.0.0.1", "[::1]", "localhost"),
  fc.constantFrom("", "", ".", "..", "%41", ".evil.example", "@evil.example"),
  fc.constantFrom("", "", ":443", ":0443", ":80", ":8443", ":65536", ":", "/", " "),
);
/** Text that is nearly an origin, or is one. */
const nearly = fc.oneof(fc.array(pieces, { maxLength: 7 }), formed).map((parts) => parts.join(""));

properties("reading never throws, and what was read is read back from its canonical text", () => {
  let origins = 0;
  fc.assert(
    fc.property(fc.oneof(nearly, fc.string({ unit: "binary", maxLength: 40 })), (text) => {
      const origin = parseOrigin(text);
      if (origin === null) return;
      origins++;
      const canonical = formatOrigin(origin);
      const again = parseOrigin(canonical);
      assert.ok(again !== null, canonical);
      if (!origin.authority?.uriHost.endsWith(".")) assert.is(formatOrigin(again), canonical);
    }),
    { numRuns: 5000, seed: 3 },
  );
  assert.ok(origins > 300, `${origins} origins`);
});

properties("what passes a list is an origin of the list, as the URL standard reads it", () => {
  const policy = definePolicy({ vhosts: [{ name: "a", port: "any", origins: ["https://good.example"] }] });
  let accepted = 0;
  fc.assert(
    fc.property(nearly, (text) => {
      let request: RequestHead;
      try {
        request = head(requestHead("GET", { host: "a", origin: text }));
      } catch {
        return;
      }
      if (decide(policy, request, { scheme: "http" }).kind === "refused") return;
      accepted++;
      // One root dot is ignored here, and URLs keep it.
      assert.is(new URL(text.trim()).origin.replace(/\.$/, ""), "https://good.example", text);
    }),
    { numRuns: 20_000, seed: 4 },
  );
  assert.ok(accepted > 300, `${accepted} accepted`);
});
