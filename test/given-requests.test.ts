// In:    the host cases, the policy cases, the tables of Origin and Forwarded, requests of browsers, cases of each setting of a vhost; requests that contradict themselves.
// Out:   whether a request that another parser has read is ruled on as its octets are; what is lost, counted as docs/policy.md has it.
// Never: decides what is right; the cases do.

import { readFileSync } from "node:fs";
import { type IncomingMessage, STATUS_CODES } from "node:http";
import { connect, createServer, type Http2ServerRequest } from "node:http2";
import type { AddressInfo } from "node:net";
import * as assert from "uvu/assert";
import type { ConnectionFacts } from "#src/arrival/stated.js";
import { parseRequestHead, type WholeHeadResult } from "#src/head/parse.js";
import type { RequestHead } from "#src/head/request-head.js";
import { http1Response, replyTo } from "#src/outcome/reply.js";
import type { Refusal } from "#src/policy/decision.js";
import type { Policy } from "#src/policy/policy-rules.js";
import { reasonPhrases } from "#src/policy/reason-phrases.js";
import type { Vhost } from "#src/policy/vhost.js";
import { arrivalOf, decide, definePolicy, headOf, localhost, type PolicyRules, refusalResponse } from "#src/policy.js";
import { overHttp1 } from "./support/ask.js";
import { askOf, rows as browserRows } from "./support/browser-rows.js";
import { hostCaseHead, hostCases, policyCaseHead, policyCases, policyCaseVhosts } from "./support/case-rows.js";
import { words } from "./support/decided.js";
import { read, rows, section } from "./support/document.js";
import { claiming, factsOf, rows as forwardedRows, headText, policies } from "./support/forwarded.js";
import { openReader, type Reader, webRequestOf } from "./support/given-requests.js";
import { suite } from "./support/suite.js";
import { settingCases } from "./support/vhost-settings.js";
import { handshakeFields } from "./support/world.js";

interface Case {
  readonly table: string;
  readonly why: string;
  readonly rules: PolicyRules;
  readonly head: string;
  /** Where it came in; left out: nothing is known. */
  readonly connection?: ConnectionFacts;
}

const all = { "*": true };

interface OriginRow {
  id: string;
  policy: string;
  host: string;
  origin: string | string[] | null;
}
const origins: { policies: Record<string, PolicyRules>; rows: OriginRow[] } = JSON.parse(
  readFileSync("test/cases/origin-cases.json", "utf8"),
);

const sixChecks: PolicyRules & { rows: { host: string }[] } = JSON.parse(
  readFileSync("test/cases/six-checks.json", "utf8"),
);

const cases: readonly Case[] = [
  ...hostCases.map((row, i) => ({
    table: "host cases",
    why: `host case ${i} ${row.request} ${JSON.stringify(row.host).slice(0, 60)}`,
    rules: { vhosts: [{ name: row.vhost, port: row.port, upgrades: all }] },
    head: hostCaseHead(row),
  })),
  ...policyCases.map((row) => ({
    table: "policy cases",
    why: `${row.why} (${row.host})`,
    rules: { scheme: row.scheme, vhosts: policyCaseVhosts(row, all) },
    head: policyCaseHead(row),
  })),
  ...origins.rows.map(({ id, policy, host, origin }) => {
    const rules = origins.policies[policy]!;
    const lines = (origin === null ? [] : [origin].flat()).map((value) => `Origin: ${value}\r\n`);
    return {
      table: "Origin table",
      why: id,
      rules: { ...rules, vhosts: rules.vhosts.map((vhost) => ({ ...vhost, upgrades: all })) },
      head: `GET /live HTTP/1.1\r\nHost: ${host}\r\n${lines.join("")}${handshakeFields}\r\n`,
    };
  }),
  ...forwardedRows.map((row) => ({
    table: "Forwarded table",
    why: row.id,
    rules: claiming(policies[row.policy]!, true),
    head: headText(row),
    connection: factsOf(row.peer),
  })),
  ...browserRows.map((row) => ({
    table: "requests of browsers",
    why: row.id,
    rules: {
      vhosts: [
        ...localhost({ upgrades: all }),
        { name: "lan.example", upgrades: all, embedding: "same-origin" as const },
      ],
    },
    head: overHttp1(askOf(row, "/live")),
  })),
  ...sixChecks.rows.map(({ host }) => ({
    table: "Host checks",
    why: host,
    rules: { vhosts: sixChecks.vhosts },
    head: `GET /live HTTP/1.1\r\nHost: ${host}\r\n\r\n`,
  })),
  ...Object.entries(settingCases).flatMap(([setting, each]) =>
    each.cases.map(({ why, vhost, claims = "*", ask }) => ({
      table: "settings of a vhost",
      why: `${setting}: ${why}`,
      rules: { vhosts: [{ ...(vhost as Vhost), upgrades: { [claims]: true } }] },
      head: overHttp1({ ...ask, scheme: "http" }),
    })),
  ),
];

function ruled(policy: Policy, result: WholeHeadResult, connection: ConnectionFacts = {}): string {
  if (result.kind === "malformed") return `${result.fault.statusCode} ${result.fault.code}`;
  return words(decide(policy, result.head, arrivalOf(policy, connection)));
}

function ruledOctets(policy: Policy, octets: Buffer, connection?: ConnectionFacts): string {
  const result = parseRequestHead(octets);
  if (result.kind === "partial") throw new Error("an incomplete head");
  return ruled(policy, result, connection);
}

/** `Node's parser refuses it`, `no Request has it`, or the decision. */
function asMessage(policy: Policy, request: IncomingMessage | string, connection?: ConnectionFacts): string {
  return typeof request === "string" ? "refused before" : ruled(policy, headOf(request), connection);
}
function asRequest(policy: Policy, request: IncomingMessage | string, connection?: ConnectionFacts): string {
  if (typeof request === "string") return "refused before";
  const made = webRequestOf(request);
  return made === null ? "refused before" : ruled(policy, headOf(made), connection);
}

const test = suite("given requests");
let reader: Reader;
test.before(async () => {
  reader = await openReader();
});
test.after(() => reader.close());

const kinds = ["IncomingMessage", "Request"] as const;

test("each case has the decision of its octets, but for what docs/policy.md lists and counts", async () => {
  const counts = new Map<string, number[]>();
  const others = new Map<string, number>();
  for (const { table, rules, head, connection } of cases) {
    const policy = definePolicy(rules);
    const octets = Buffer.from(head, "utf8");
    const right = ruledOctets(policy, octets, connection);
    const request = await reader.read(octets);
    const count = counts.get(table) ?? [0, 0, 0];
    counts.set(table, count);
    count[0]!++;
    for (const [i, kind] of kinds.entries()) {
      const seen = (kind === "Request" ? asRequest : asMessage)(policy, request, connection);
      if (seen === right) {
        count[i + 1]!++;
        continue;
      }
      const key = `${kind} | ${right.replace(/^accepted .*/, "accepted")} | ${seen.replace(/^accepted .*/, "accepted")}`;
      others.set(key, (others.get(key) ?? 0) + 1);
    }
  }
  const documented = rows(section(read("docs/policy.md"), "## Requests that another parser has read"));
  const countRows = [...counts].map(([table, each]) => [table, ...each.map(String)]);
  const otherRows = [...others].sort().map(([key, count]) => [...key.split(" | "), String(count)]);
  assert.equal(
    documented.filter(([name]) => counts.has(name!)),
    countRows,
    countRows.map((row) => `| ${row.join(" | ")} |`).join("\n"),
  );
  assert.equal(
    documented.filter(([kind]) => (kinds as readonly string[]).includes(kind!)).map((row) => row.slice(0, 4)),
    otherRows,
    otherRows.map((row) => `| ${row.join(" | ")} |`).join("\n"),
  );
});

const own = definePolicy({ vhosts: [{ name: "a", port: [80, 443] }, { name: "127.0.0.1" }] });
const web = (url: string, headers: Record<string, string> = {}, method = "GET"): string =>
  ruled(own, headOf(new Request(url, { headers, method })));

test("Host comes from the field, and the URL's host counts only without one", () => {
  assert.is(web("http://a/", { host: "a" }), "accepted a");
  assert.is(web("http://a/"), "accepted a");
  assert.is(web("http://b/"), "421 NAME_UNKNOWN");
  assert.is(web("http://127.0.0.1/", { host: "0x7f.1" }), "421 NAME_UNKNOWN", "URL turns 0x7f.1 into 127.0.0.1");
  assert.is(web("http://a/", { host: "a:80" }), "accepted a", "URL leaves the default port out");
  assert.is(web("http://a/", { host: "A" }), "accepted a");
});

test("a URL and a Host that name different hosts are refused, whichever of them is right", () => {
  assert.is(web("http://a/", { host: "b" }), "400 HOST_REPEATED");
  assert.is(web("http://b/", { host: "a" }), "400 HOST_REPEATED");
  assert.is(web("http://a:81/", { host: "a" }), "400 HOST_REPEATED");
  assert.is(web("http://a/", { host: "a@b" }), "400 AUTHORITY_USERINFO");
  assert.is(web("http://a/", { host: "a, a" }), "400 AUTHORITY_INVALID", "two lines, joined");
});

test("a URL that is not one, as Bun and Deno make it of a wrong Host, is a malformed head", () => {
  const given = (url: string, host: string | null): string =>
    ruled(own, headOf({ method: "GET", url, headers: new Map(host === null ? [] : [["host", host]]) }));
  for (const host of ["a:99999", "a:1x", "a:80.b", "a b", "a, b", "[::1", "", "a@b", "a/.b", "a\0"]) {
    const octets = ruledOctets(own, Buffer.from(`GET /x HTTP/1.1\r\nHost: ${host}\r\n\r\n`));
    assert.match(octets, /^400 /);
    assert.is(given(`http://${host}/x`, host), octets, host);
    assert.is(given("/x", host), octets, host);
  }
  assert.is(given("http://a:99999/x", null), "400 AUTHORITY_PORT");
  assert.is(given("/x", null), "400 HOST_MISSING");
  assert.is(given("/x", "a"), "accepted a");
  assert.is(given("/x", "b"), "421 NAME_UNKNOWN");
  assert.is(given("http://a:99999/x", "a"), "400 AUTHORITY_PORT");
  assert.is(given("x", "a"), "accepted a");
  const { head } = headOf({ method: "GET", url: "/x?y", headers: new Map([["host", "a"]]) }) as { head: RequestHead };
  assert.is(head.requestTarget, "/x?y");
});

test("the scheme of the URL is never believed", () => {
  assert.is(web("https://a/", { host: "a" }), "421 SCHEME_MISMATCH");
  const tls = headOf(new Request("https://a/", { headers: { host: "a" } }));
  assert.is(tls.kind === "complete" && words(decide(own, tls.head, arrivalOf(own, { scheme: "https" }))), "accepted a");
  const plain = headOf(new Request("http://a/", { headers: { host: "a" } }));
  const declared = definePolicy({ scheme: "https", vhosts: [{ name: "a", port: 443, requires: "https" }] });
  assert.is(ruled(declared, plain), "accepted a", "a proxy has terminated TLS");
});

test("values that a runtime has decoded are octets again, and cannot end a line", () => {
  const headers = new Map([
    ["host", "a"],
    ["x", "\u010d\u010aHost: b"],
  ]);
  const result = headOf({ method: "GET", url: "http://a/", headers });
  assert.ok(result.kind === "complete");
  assert.is(Buffer.from(result.head.field("x")!, "latin1").toString("utf8"), "\u010d\u010aHost: b");
  const split = new Map([
    ["host", "a"],
    ["x", "1\r\ny: b"],
  ]);
  assert.is(ruled(own, headOf({ method: "GET", url: "http://a/", headers: split })), "400 CONTROL_OCTET");
});

test("a request of node:http2, by its pseudo-header fields", async () => {
  const ruledThere: string[] = [];
  const server = createServer((request: Http2ServerRequest, response) => {
    ruledThere.push(ruled(own, headOf(request)));
    response.end();
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const session = connect(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
  for (const fields of [{ ":authority": "a" }, { ":authority": "b" }, { ":authority": "a", host: "b" }]) {
    const stream = session.request({ ":path": "/", ...fields }).resume();
    await new Promise((resolve) => stream.on("close", resolve));
  }
  session.close();
  await new Promise((resolve) => server.close(resolve));
  assert.equal(ruledThere, ["accepted a", "421 NAME_UNKNOWN", "400 HOST_REPEATED"]);
});

test("the target is the one that was sent, where a framework has mounted the handler below a path", () => {
  const result = headOf({
    method: "GET",
    url: "/x",
    originalUrl: "/api/x",
    httpVersion: "1.1",
    rawHeaders: ["Host", "a"],
  });
  assert.is(result.kind === "complete" && result.head.path, "/api/x");
});

test("what is not a request, and what a connection cannot have, is a TypeError that names it", () => {
  for (const wrong of [null, undefined, "GET /", {}, { url: "http://a/" }]) {
    assert.throws(
      () => headOf(wrong as never),
      /^headOf takes a Request, an IncomingMessage or an Http2ServerRequest; it was given /,
    );
  }
  assert.throws(() => arrivalOf(own, { remoteAddr: "::1" } as never), /remoteAddr is not a setting of the connection/);
  assert.throws(() => arrivalOf(own, { scheme: "ftp" } as never), /the connection.scheme is "ftp"/);
});

test("a refusal has the same fields and body as a gate's", async () => {
  for (const accept of ["*/*", "application/json"]) {
    for (const [host, origin] of [
      ["b", "http://b"],
      ["a", "https://b"],
    ] as const) {
      const result = headOf(new Request(`http://${host}/`, { headers: { host, origin, accept } }));
      assert.ok(result.kind === "complete");
      const decision = decide(own, result.head, arrivalOf(own)) as Refusal<never>;
      for (const expose of [false, true]) {
        const response = refusalResponse(decision, { expose });
        const gates = http1Response(replyTo({ kind: "refused", decision }, expose)!);
        const [head, body] = gates.split("\r\n\r\n") as [string, string];
        assert.is(`HTTP/1.1 ${response.status} ${response.statusText}`, head.split("\r\n")[0]);
        const fields = head
          .split("\r\n")
          .slice(2)
          .map((line) => line.replace(/^[^:]+/, (name) => name.toLowerCase()));
        assert.equal(
          [...response.headers].map(([name, value]) => `${name}: ${value}`),
          fields.sort(),
        );
        assert.is(Buffer.from(await response.arrayBuffer()).toString("latin1"), body);
      }
    }
  }
  const malformed = headOf({ method: "GET", url: "/", httpVersion: "1.1", rawHeaders: [] });
  assert.ok(malformed.kind === "malformed");
  const response = refusalResponse(malformed.fault);
  assert.is(response.status, 400);
  assert.is(await response.text(), "Bad Request (HOST_MISSING)\n");
});

test("reason phrases are those of node:http", () => {
  const wanted = Object.entries(STATUS_CODES).filter(([code]) => Number(code) >= 400);
  assert.equal(Object.entries(reasonPhrases), wanted);
});
