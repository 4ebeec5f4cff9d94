// In:    the host cases, the policy cases, the Origin table, cases of the opening handshake and of each setting of a vhost.
// Out:   whether each is ruled on alike over HTTP/1.1 and HTTP/2, with TLS and without, adopted and guarded; the tables of
//        docs/policy.md.
// Never: decides what is right; the cases say it.

import { readFileSync } from "node:fs";
import * as assert from "uvu/assert";
import { WebSocketServer } from "ws";
import { createGate } from "#src/gate.js";
import { wsFramer } from "#src/handover/ws.js";
import { type Decision, refusalStatusCodes } from "#src/policy/decision.js";
import { explain } from "#src/policy/explain.js";
import type { PolicyRules } from "#src/policy/policy-rules.js";
import { NO_LISTEN_SERVER, type Vhost } from "#src/policy/vhost.js";
import { type Ask, overHttp1, overHttp2 } from "./support/ask.js";
import { FrameClient, type Outcome } from "./support/http2-client.js";
import { openRoad, type Road, type RoadEnd, roads, type Way } from "./support/roads.js";
import { suite } from "./support/suite.js";
import { Client } from "./support/tcp.js";
import { settingCases } from "./support/vhost-settings.js";

type Scheme = "http" | "https";
type Vhosts = Omit<Vhost, "upgrades">[];

/** One case: a policy, and one request for it. */
interface Case {
  readonly table: (typeof tables)[number];
  readonly why: string;
  readonly scheme: Scheme;
  readonly vhosts: Vhosts;
  readonly ask: Ask;
  /** Claimed paths; all, where left out. */
  readonly claims?: string;
  /** What the row expects, under its own scheme. */
  readonly right?: readonly number[];
}

const tables = ["host cases", "policy cases", "Origin table", "opening handshakes", "settings of a vhost"] as const;
const read = <Row>(name: string): Row => JSON.parse(readFileSync(`test/cases/${name}.json`, "utf8"));
/** UTF-8, as a client that knows no better would send it; one character an octet. */
const sent = (text: string): string => Buffer.from(text, "utf8").toString("latin1");

interface Right {
  upgrade: boolean;
  statusCode?: number[];
}
const statuses = ({ upgrade, statusCode }: Right): number[] => (upgrade ? [101] : statusCode!);

interface HostRow {
  vhost: string;
  port: Vhost["port"];
  request: string;
  host: string | null | { repeat: string; times: number; then: string };
  right: Right;
}
interface PolicyRow {
  scheme: Scheme;
  vhosts: Vhosts;
  target: string;
  version: string;
  host: string | null;
  right: Right;
  why: string;
}
interface OriginRow {
  id: string;
  policy: string;
  why: string;
  host: string;
  origin: string | string[] | null;
  right: string;
  explanation: string;
}

/** Rows that only HTTP/1.1 can express. */
const withoutForm: Record<string, number> = {};

const ABSOLUTE = /^([a-z]+):\/\/([^/]*)(.*)$/;

function named(path: string, host: string | null, target: string): Omit<Ask, "scheme"> {
  const [, absolute, authority, rest] = ABSOLUTE.exec(target) ?? [];
  if (absolute === undefined) return { path, named: host };
  return { path: rest!, named: authority!, absolute, ...(host !== null && { beside: host }) };
}

function hostCases(): Case[] {
  return read<HostRow[]>("host-cases").flatMap(({ vhost, port, request, host, right }, i) => {
    if (["HTTP/1.0", '"Host : v"', "obs-fold Host"].includes(request)) {
      withoutForm[request] = (withoutForm[request] ?? 0) + 1;
      return [];
    }
    const value = host !== null && typeof host === "object" ? host.repeat.repeat(host.times) + host.then : host;
    const [first, beside] = request === "two Host headers" ? value!.split(" | ") : [value];
    const target = request.replace("absolute-form ", "");
    const ask = { scheme: "http" as const, ...named("/chat", first === null ? null : sent(first!), target) };
    const why = `host case ${i}, ${request}, Host ${JSON.stringify(host).slice(0, 60)}`;
    const vhosts = [{ name: vhost, ...(port !== undefined && { port }) }];
    const whole: Ask = beside ? { ...ask, beside: sent(beside) } : ask;
    return [{ table: "host cases", why, scheme: "http", vhosts, ask: whole, right: statuses(right) }];
  });
}

function policyCases(): Case[] {
  return read<PolicyRow[]>("policy-cases").flatMap(({ scheme, vhosts, target, version, host, right, why }) => {
    if (version === "1.0") {
      withoutForm["HTTP/1.0"] = (withoutForm["HTTP/1.0"] ?? 0) + 1;
      return [];
    }
    const open = vhosts.map((vhost) => ({ ...vhost, ...(vhost.default && { origins: "any" as const }) }));
    const ask = { scheme, ...named(target, host === null ? null : sent(host), target) };
    return [{ table: "policy cases", why: `${why} (${host})`, scheme, vhosts: open, ask, right: statuses(right) }];
  });
}

function originCases(): Case[] {
  const { policies, rows } = read<{ policies: Record<string, PolicyRules>; rows: OriginRow[] }>("origin-cases");
  return rows.map(({ id, policy, why, host, origin, right, explanation }) => {
    const { scheme = "http", vhosts } = policies[policy]!;
    const fields = (origin === null ? [] : [origin].flat()).map((value) => ["Origin", value] as const);
    const ask = { scheme, path: "/live", named: host, fields };
    // Every gate here declares its scheme, so that nothing is presumed about it.
    const wanted = explanation.includes("if TLS ends at a proxy") ? undefined : [Number.parseInt(right, 10) || 101];
    const each = { table: "Origin table" as const, why: `${id} ${why}`, scheme, vhosts: vhosts as Vhosts, ask };
    return { ...each, ...(wanted !== undefined && { right: wanted }) };
  });
}

function handshakeCases(): Case[] {
  const ask = { scheme: "https" as const, path: "/live", named: "a" };
  const version = "sec-websocket-version";
  const asks: [string, Ask][] = [
    ["as it should be", ask],
    ["with protocols", { ...ask, fields: [["Sec-WebSocket-Protocol", "chat, superchat"]] }],
    [
      "with extensions",
      { ...ask, fields: [["Sec-WebSocket-Extensions", "permessage-deflate; client_max_window_bits"]] },
    ],
    ["no version", { ...ask, without: version }],
    ["version 12", { ...ask, without: version, fields: [[version, "12"]] }],
    ["two versions", { ...ask, fields: [[version, "13"]] }],
    ["a protocol twice", { ...ask, fields: [["Sec-WebSocket-Protocol", "chat, chat"]] }],
    ["an empty protocol", { ...ask, fields: [["Sec-WebSocket-Protocol", "chat,,x"]] }],
    ["invalid extensions", { ...ask, fields: [["Sec-WebSocket-Extensions", "permessage-deflate;;"]] }],
    ["a body", { ...ask, fields: [["Content-Length", "5"]] }],
    ["a path that no upgrade claims", { ...ask, path: "/other" }],
    ["a path with a query", { ...ask, path: "/live?room=1" }],
    ["a path in other case", { ...ask, path: "/LIVE" }],
    [
      "two Origins",
      {
        ...ask,
        fields: [
          ["Origin", "https://a"],
          ["Origin", "https://b"],
        ],
      },
    ],
    ["GET", { ...ask, method: "GET" }],
    ["POST", { ...ask, method: "POST" }],
    ["HEAD", { ...ask, method: "HEAD" }],
    ["OPTIONS *", { ...ask, method: "OPTIONS", path: "*" }],
    ["GET for another host", { ...ask, method: "GET", named: "b" }],
    ["CONNECT", { ...ask, method: "CONNECT", path: "a:443", named: "a:443" }],
    ["CONNECT for another host", { ...ask, method: "CONNECT", path: "b:443", named: "b:443" }],
    ["CONNECT without a port", { ...ask, method: "CONNECT", path: "a", named: "a" }],
  ];
  return asks.map(([why, each]) => ({
    table: "opening handshakes",
    why,
    scheme: "https",
    vhosts: [{ name: "a", port: 443 }],
    ask: each,
    claims: "/live",
  }));
}

function settingsCases(): Case[] {
  return Object.entries(settingCases).flatMap(([setting, { cases }]) =>
    cases.map(({ why, vhost, claims, ask, decision }) => ({
      table: "settings of a vhost" as const,
      why: `${setting}: ${why}`,
      scheme: "http" as const,
      vhosts: [vhost],
      ask: { ...ask, scheme: "http" as const },
      right: [decision === "accepted" ? 200 : refusalStatusCodes[decision]],
      ...(claims !== undefined && { claims }),
    })),
  );
}

const cases = [...hostCases(), ...policyCases(), ...originCases(), ...handshakeCases(), ...settingsCases()];

/** What was ruled: a code or `accepted`, the vhost, and the explanation without the sources of its values. */
interface Ruled {
  readonly words: string;
  readonly vhost: string | null;
  readonly text: string;
  readonly statusCode: number;
}

/** A way to a gate, and what came of a case there; `ruled` is null where no gate heard of it. */
interface Came {
  readonly road: Road;
  readonly way: Way;
  readonly wire: Outcome;
  readonly ruled: Ruled | null;
}

/** A remedy has the port of the vhosts, which is another one where a server listens; such a server may have listeners to leave to. */
function withoutSources(text: string): string {
  return text
    .replace(/\(host came from [^,)]+, port from /g, "(port from ")
    .replace(/host came from [^,)]+, port from scheme/g, "port from scheme")
    .replace(/port came from (?:Host|:authority|absolute-form|authority-form)/g, "port as said")
    .replace(/(scheme https?) (?:declared|of the socket|by default)/g, "$1")
    .replace(/scheme (\w+) of the absolute-form/g, ":scheme $1")
    .replace('port: "NO_LISTEN_SERVER" }', 'port: "any" }')
    .replace(/; otherwise, to leave it to the server's own listeners, add .* LEAVE .*$/, "")
    .replace(/ at octet \d+/, "");
}

const ruledOn = (decision: Decision): Ruled => ({
  words: decision.kind === "accepted" ? "accepted" : decision.code,
  vhost: decision.vhost?.name ?? null,
  text: withoutSources(explain(decision)),
  statusCode: decision.kind === "accepted" ? (decision.upgrade ? 101 : 200) : decision.statusCode,
});

const webSocketServer = new WebSocketServer({ noServer: true });
const framer = wsFramer(webSocketServer);

/** Lets a case come by one road, under a scheme. */
async function come(end: RoadEnd, { vhosts, ask, claims = "*" }: Case, scheme: Scheme): Promise<Came> {
  const { road, way } = end;
  const gate = createGate({
    scheme,
    vhosts: vhosts.map((vhost) => ({
      ...vhost,
      // A server that listens cannot declare that it does not.
      ...(way === "guarded" && vhost.port === NO_LISTEN_SERVER && { port: "any" as const }),
      upgrades: { [claims]: framer },
    })),
    ...(way === "adopted" && { requests: (_request, response) => void response.end() }),
    http2: { cleartext: true },
  });
  let ruled: Ruled | null = null;
  const note = (decision: Decision): void => {
    assert.is(ruled, null, "ruled on twice");
    ruled = ruledOn(decision);
  };
  gate.on("accepted", note);
  gate.on("refused", note);
  gate.on("malformed", ({ fault }) => {
    const text = withoutSources(explain(fault));
    ruled = { words: fault.code, vhost: null, text, statusCode: fault.statusCode };
  });
  const release = end.put(gate);
  const said: Ask = { ...ask, scheme };
  const wire = road.version === "HTTP/2" ? await overFrames(end, said) : await overOctets(end, said);
  release();
  return { road, way, wire, ruled };
}

async function overOctets(end: RoadEnd, ask: Ask): Promise<Outcome> {
  const client = new Client(await end.connect());
  await client.send(overHttp1(ask));
  const [response] = await client.responses(1, [ask.method ?? "GET"]);
  client.stream.destroy();
  return response!.statusCode;
}

async function overFrames(end: RoadEnd, ask: Ask): Promise<Outcome> {
  const client = new FrameClient(await end.connect());
  await client.greet();
  const { fields, flags } = overHttp2(ask);
  const outcome = await client.outcome(await client.open(fields, flags));
  client.client.stream.destroy();
  return outcome;
}

/** Why HTTP/2 may come to something else; in the order of docs/policy.md. */
const reasons = {
  reset: "nghttp2 resets the stream (PROTOCOL_ERROR) before the gate learns of it",
  beside: "Host beside `:authority` is malformed where it names another (RFC 9113 §8.3.1)",
  twice: "Host beside `:authority` may name the same (RFC 9113 §8.3.1)",
  alone: "`:authority` needs no Host beside it, absolute-form does (RFC 9112 §3.2)",
  hop: "without TLS here, where https is declared: `:scheme` http is how a proxy came that has ended TLS",
} as const;

interface Difference {
  readonly table: Case["table"];
  readonly why: string;
  readonly over1: string;
  readonly over2: string;
  readonly reason: keyof typeof reasons;
}

const alike = new Map<Case["table"], number>(tables.map((table) => [table, 0]));
const differences: Difference[] = [];

const test = suite("parity");
const ends: RoadEnd[] = [];

test.before(async () => {
  for (const road of roads) for (const way of ["adopted", "guarded"] as const) ends.push(await openRoad(road, way));
});
test.after(async () => {
  for (const end of ends) await end.close();
});

/** The status that HTTP/2 has in place of 101. */
function statusOver({ version }: Road, { words, statusCode }: Ruled): number {
  return version === "HTTP/2" && words === "accepted" ? 200 : statusCode;
}

for (const each of cases) {
  test(`${each.table}: ${each.why}`, async () => {
    const schemes: Scheme[] = each.scheme === "http" ? ["https", "http"] : ["https"];
    let difference: Difference | undefined;
    for (const scheme of schemes) {
      // True TLS is https, whatever the scheme of a case.
      const by = ends.filter(({ road }) => scheme === "https" || !road.secure);
      const came = await Promise.all(by.map((end) => come(end, each, scheme)));
      for (const { road, wire, ruled } of came) {
        if (ruled !== null) assert.is(wire, statusOver(road, ruled), road.name);
        else assert.is(wire, road.version === "HTTP/2" ? "reset PROTOCOL_ERROR" : 400, road.name);
      }
      difference = compare(each, came, scheme) ?? difference;
    }
    if (difference === undefined) alike.set(each.table, alike.get(each.table)! + 1);
    else differences.push(difference);
  });
}

/** That a case came to the same everywhere; or in what HTTP/2 differs, and that it may. */
function compare(each: Case, came: readonly Came[], scheme: Scheme): Difference | undefined {
  // The one setting in which the same words mean something else.
  const isHop = scheme === "https" && ["http", "ws"].includes(each.ask.absolute ?? "");
  const [hop, rest] = [true, false].map((wanted) =>
    came.filter(({ road }) => (isHop && road.version === "HTTP/2" && !road.secure) === wanted),
  );
  const [one, two, three] = ["HTTP/1.1", "HTTP/2", "hop"].map((version) => {
    const roads = version === "hop" ? hop! : rest!.filter(({ road }) => road.version === version);
    const of = roads.filter(({ road, ruled }) => ruled !== null || road.version === "HTTP/2");
    // What Node refuses by itself a guard does not hear of; an adopting gate always does.
    const [first] = of;
    for (const other of of) {
      const where = `${other.road.name}, ${other.way}`;
      assert.equal(comparable(other), comparable(first!), `${each.why}: ${where}`);
    }
    return first;
  });
  const right = scheme === each.scheme ? each.right : undefined;
  if (right !== undefined) assert.ok(right.includes(one!.wire as number), `${each.why}: ${one!.wire}`);
  const [over1, over2] = [wordsOf(one!), wordsOf(two!)];
  if (three !== undefined && over1 === over2 && over1 === "SCHEME_MISMATCH") {
    return { table: each.table, why: each.why, over1, over2: wordsOf(three), reason: "hop" };
  }
  if (over1 === over2) {
    assert.equal(two!.ruled!.text, one!.ruled!.text);
    assert.is(two!.ruled!.vhost, one!.ruled!.vhost);
    return undefined;
  }
  const reason = reasonOf(each.ask, over1, over2);
  assert.ok(reason !== undefined, `${each.why}: ${over1} over HTTP/1.1, ${over2} over HTTP/2`);
  return { table: each.table, why: each.why, over1, over2, reason };
}

const comparable = ({ ruled, wire }: Came) => (ruled === null ? wire : { ...ruled, statusCode: 0 });
const wordsOf = ({ ruled, wire }: Came): string => ruled?.words ?? String(wire).replace(" PROTOCOL_ERROR", "");

function reasonOf({ absolute, beside, named: first }: Ask, over1: string, over2: string) {
  if (over2 === "reset") return "reset";
  if (absolute !== undefined && beside !== undefined && over2 === "HOST_REPEATED") return "beside";
  if (over1 === "HOST_REPEATED" && beside === first) return "twice";
  if (over1 === "HOST_MISSING" && absolute !== undefined) return "alone";
  return undefined;
}

test("docs/policy.md has the tables", () => {
  const rows = tables.map((table) => {
    const different = differences.filter((difference) => difference.table === table).length;
    return `| ${table} | ${alike.get(table)! + different} | ${alike.get(table)} | ${different} |`;
  });
  const counts = ["| cases | asked over both | same code and explanation | otherwise |", "|---|--:|--:|--:|", ...rows];
  const kinds = Object.entries(reasons).flatMap(([reason, why]) => {
    const of = differences.filter((difference) => difference.reason === reason);
    const outcomes = [...new Set(of.map(({ over1, over2 }) => `${over1}|${over2}`))].sort();
    return outcomes.map((outcome) => {
      const [over1, over2] = outcome.split("|");
      const count = of.filter((each) => `${each.over1}|${each.over2}` === outcome).length;
      return `| ${count} | \`${over1}\` | \`${over2}\` | ${why} |`;
    });
  });
  const otherwise = ["| cases | HTTP/1.1 | HTTP/2 | why |", "|--:|---|---|---|", ...kinds];
  const document = readFileSync("docs/policy.md", "utf8");
  // Later versions reset more of what is malformed; what else differs does not depend on them.
  const isShown = document.includes(`nghttp2 ${process.versions.nghttp2} `);
  const wanted = isShown
    ? [counts, otherwise].map((table) => table.join("\n"))
    : kinds.filter((row) => !row.includes("`reset`"));
  const missing = wanted.filter((text) => !document.includes(`\n${text}\n`));
  assert.ok(missing.length === 0, `docs/policy.md does not have:\n${missing.join("\n\n")}`);
});
