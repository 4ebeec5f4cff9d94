// In:    test/cases/browser-truth.json: what browsers send, and what the rule makes of it.
// Out:   whether each row has its verdict over HTTP/1.1 and HTTP/2, adopted, guarded and guarded strictly, alone and after another
//        request on the same connection; and whether what is refused is seen by no application.
// Never: decides what is right; the rows say it.

import { readFileSync } from "node:fs";
import * as assert from "uvu/assert";
import { WebSocketServer } from "ws";
import { createGate, type Gate } from "#src/gate.js";
import { wsFramer } from "#src/handover/ws.js";
import type { RefusalCode } from "#src/policy/decision.js";
import { localhost } from "#src/policy/localhost.js";
import type { SiteClause } from "#src/policy/site.js";
import { NO_LISTEN_SERVER } from "#src/policy/vhost.js";
import { type Ask, overHttp1, overHttp2 } from "./support/ask.js";
import { FrameClient, type Outcome } from "./support/http2-client.js";
import { openRoad, type RoadEnd, roads, type Way } from "./support/roads.js";
import { suite } from "./support/suite.js";
import { Client } from "./support/tcp.js";

interface Row {
  readonly id: string;
  readonly initiator: string;
  readonly method: string;
  readonly host: string;
  readonly origin: string | null;
  readonly referer: string | null;
  readonly site: string | null;
  readonly mode: string | null;
  readonly dest: string | null;
  readonly purpose: string | null;
  readonly accept: string;
  readonly verdict: string;
}
const { rows } = JSON.parse(readFileSync("test/cases/browser-truth.json", "utf8")) as { rows: Row[] };

const clauses: Readonly<Record<string, SiteClause>> = {
  embed: "embedding",
  write: "unsafe-method",
  prefetch: "prefetch",
  referer: "referer",
  "null-sw": "service-worker",
};

/** The code of a verdict. A foreign Origin, and one that is `null`, are refused before anything else is read. */
function codeOf({ verdict, host, origin, site }: Row): string {
  const reason = verdict.replace("refuse:", "");
  if (reason === "pass") return "accepted";
  if (reason === "host") return host.startsWith("0.0.0.0") ? "NAME_UNSPECIFIED" : "NAME_UNKNOWN";
  if (origin === "null" && site !== "same-origin") return "ORIGIN_NULL";
  if (origin !== null && origin !== "null" && origin !== `http://${host}`) return "ORIGIN_FOREIGN";
  return `SITE_FOREIGN ${clauses[reason]}`;
}

const isUpgrade = ({ initiator }: Row): boolean => initiator === "WebSocket";

function askOf(row: Row, path: string): Ask {
  const { method, host, origin, referer, site, mode, dest, purpose, accept } = row;
  const lines: [string, string | null][] = [
    ["Accept", accept],
    ["Sec-Purpose", purpose],
    ["Sec-Fetch-Site", site],
    ["Sec-Fetch-Mode", mode],
    ["Sec-Fetch-Dest", dest],
    ["Referer", referer === null ? null : `${referer}/`],
    ["Origin", origin],
  ];
  const fields = lines.filter((line): line is [string, string] => line[1] !== null);
  return { ...(!isUpgrade(row) && { method }), scheme: "http", path, named: host, fields };
}

/** The request that a page of the own origin would send in its place, with the same fields; it passes. */
function ownRow(row: Row): Row {
  const host = codeOf(row).startsWith("NAME") ? "localhost:3000" : row.host;
  const origin = row.origin === null ? null : `http://${host}`;
  const referer = row.referer === null ? null : `http://${host}`;
  const site = row.site === null ? null : "same-origin";
  return { ...row, initiator: "own", host, origin, referer, site, purpose: null, verdict: "pass" };
}

const framer = wsFramer(new WebSocketServer({ noServer: true }));

function gateFor(way: Way, refused: Map<string, string>): Gate {
  const upgrades = { "*": framer };
  const port = way === "adopted" ? NO_LISTEN_SERVER : ("any" as const);
  const gate = createGate({
    vhosts: [
      ...localhost({ port, upgrades }),
      { name: "lan.example", port, upgrades, embedding: "same-origin" as const },
    ],
    ...(way === "adopted" && { requests: (request, response) => reached(request, response) }),
    http2: { cleartext: true },
  });
  // Accepted requests are not listened for, so that a guard may share a ruling among them.
  gate.on("refused", ({ head, code, clause }) => {
    refused.set(head.path, clause === undefined ? code : `${code} ${clause}`);
  });
  return gate;
}

/** What applications saw, by path. */
const seen = new Set<string>();
function reached(request: { url?: string }, response: { end(text?: string): void }): void {
  seen.add(request.url!);
  response.end("");
}

const ends: { end: RoadEnd; refused: Map<string, string> }[] = [];
const test = suite("pages of other sites");

test.before(async () => {
  for (const road of roads.filter(({ secure }) => !secure)) {
    const ways: Way[] = road.version === "HTTP/2" ? ["adopted", "guarded"] : ["adopted", "guarded", "strict"];
    for (const way of ways) {
      const end = await openRoad(road, way, reached);
      const refused = new Map<string, string>();
      end.put(gateFor(way, refused));
      ends.push({ end, refused });
    }
  }
});
test.after(async () => {
  for (const { end } of ends) await end.close();
});

async function statusesOverHttp1(end: RoadEnd, asks: readonly Ask[]): Promise<Outcome[]> {
  const client = new Client(await end.connect());
  const methods = asks.map(({ method = "GET" }) => method);
  const found: number[] = [];
  for (const ask of asks) {
    // All but an upgrade stay open.
    await client.send(overHttp1(ask).replace("Connection: close\r\n", ""));
    const responses = await client.responses(found.length + 1, methods);
    found.push(responses.at(-1)!.statusCode);
  }
  client.stream.destroy();
  return found;
}

async function statusesOverHttp2(end: RoadEnd, asks: readonly Ask[]): Promise<Outcome[]> {
  const client = new FrameClient(await end.connect());
  await client.greet();
  const found: Outcome[] = [];
  for (const ask of asks) {
    const { fields, flags } = overHttp2(ask);
    found.push(await client.outcome(await client.open(fields, flags)));
  }
  client.client.stream.destroy();
  return found;
}

function statusOf(code: string, isUpgraded: boolean, { road }: RoadEnd): number {
  if (code === "accepted") return isUpgraded && road.version === "HTTP/1.1" ? 101 : 200;
  return code.startsWith("NAME") ? 421 : 403;
}

let paths = 0;

/** Asks on a connection of its own, after other requests that pass. */
async function ask(row: Row, before: readonly Row[]): Promise<void> {
  await Promise.all(
    ends.map(async ({ end, refused }) => {
      const path = `/${row.id}/${paths++}`;
      const asks = [...before.map((each, i) => askOf(each, `${path}/${i}`)), askOf(row, path)];
      const statuses = await (end.road.version === "HTTP/2" ? statusesOverHttp2 : statusesOverHttp1)(end, asks);
      const where = `${row.id} ${row.initiator} (${end.road.name}, ${end.way}, after ${before.length})`;
      const code = codeOf(row);
      const wanted = [...before.map(() => 200), statusOf(code, isUpgrade(row), end)];
      assert.equal(statuses, wanted, `${where}: ${refused.get(path)} in place of ${code}`);
      assert.is(refused.get(path) ?? "accepted", code, where);
      assert.is(seen.has(path), code === "accepted" && !isUpgrade(row), where);
    }),
  );
}

/** A few rows at a time. */
async function each(run: (row: Row) => Promise<void>): Promise<void> {
  const waiting = [...rows];
  const worker = async (): Promise<void> => {
    for (let row = waiting.shift(); row !== undefined; row = waiting.shift()) await run(row);
  };
  await Promise.all(Array.from({ length: 8 }, worker));
}

test("each row has its verdict, alone", () => {
  assert.is(rows.length, 200);
  return each((row) => ask(row, []));
});

test("each row has its verdict after a request of the own page on the same connection", () => {
  return each((row) => ask(row, [ownRow(row)]));
});

test("each row has its verdict after all requests that pass, on the same connection", () => {
  const passing = rows.filter((row) => codeOf(row) === "accepted" && !isUpgrade(row));
  const some = passing.filter((_, i) => i % 7 === 0);
  assert.ok(some.length > 5);
  return each((row) => ask(row, some));
});

test("the rows have every code and every clause of browsers", () => {
  const codes = new Set(rows.map(codeOf));
  const wanted: (RefusalCode | string)[] = Object.values(clauses).map((clause) => `SITE_FOREIGN ${clause}`);
  for (const code of [...wanted.filter((each) => !each.endsWith("unsafe-method")), "ORIGIN_FOREIGN", "ORIGIN_NULL"]) {
    assert.ok(codes.has(code), code);
  }
});
