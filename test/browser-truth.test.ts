// In:    test/cases/browser-truth.json: what browsers send, and what the rule makes of it.
// Out:   whether each row has its verdict over HTTP/1.1 and HTTP/2, adopted, guarded and guarded strictly, alone and after another
//        request on the same connection; and whether what is refused is seen by no application.
// Never: decides what is right; the rows state it.

import * as assert from "uvu/assert";
import { WebSocketServer } from "ws";
import { createGate, type Gate } from "#src/gate.js";
import { wsFramer } from "#src/handover/ws.js";
import type { RefusalCode } from "#src/policy/decision.js";
import { localhost } from "#src/policy/localhost.js";
import { NO_LISTEN_SERVER } from "#src/policy/vhost.js";
import { askOf, clauses, codeOf, isUpgrade, type Row, rows, statuses } from "./support/browser-rows.js";
import { openRoad, type RoadEnd, roads, type Way } from "./support/roads.js";
import { suite } from "./support/suite.js";

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
      const found = await statuses(end, asks);
      const where = `${row.id} ${row.initiator} (${end.road.name}, ${end.way}, after ${before.length})`;
      const code = codeOf(row);
      const wanted = [...before.map(() => 200), statusOf(code, isUpgrade(row), end)];
      assert.equal(found, wanted, `${where}: ${refused.get(path)} in place of ${code}`);
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
