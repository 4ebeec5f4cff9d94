// In:    test/cases/browser-truth.json.
// Out:   its rows, the request of each and the code of its verdict; clients that ask several on one connection.
// Never: looks into a gate.

import { readFileSync } from "node:fs";
import type { SiteClause } from "#src/policy/site.js";
import { type Ask, overHttp1, overHttp2 } from "./ask.js";
import { FrameClient, type Outcome } from "./http2-client.js";
import type { RoadEnd } from "./roads.js";
import { Client } from "./tcp.js";

/** One kind of request; null: the field was absent. */
export interface Row {
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
export const { rows } = JSON.parse(readFileSync("test/cases/browser-truth.json", "utf8")) as { rows: Row[] };

/** By the reason of a verdict. */
export const clauses: Readonly<Record<string, SiteClause>> = {
  embed: "embedding",
  write: "unsafe-method",
  prefetch: "prefetch",
  referer: "referer",
  "null-sw": "service-worker",
};

/** The code of a verdict. A foreign Origin, and one that is `null`, are refused before anything else is read. */
export function codeOf({ verdict, host, origin, site }: Row): string {
  const reason = verdict.replace("refuse:", "");
  if (reason === "pass") return "accepted";
  if (reason === "host") return host.startsWith("0.0.0.0") ? "NAME_UNSPECIFIED" : "NAME_UNKNOWN";
  if (origin === "null" && site !== "same-origin") return "ORIGIN_NULL";
  if (origin !== null && origin !== "null" && origin !== `http://${host}`) return "ORIGIN_FOREIGN";
  return `SITE_FOREIGN ${clauses[reason]}`;
}

export const isUpgrade = ({ initiator }: Row): boolean => initiator === "WebSocket";

export function askOf(row: Row, path: string): Ask {
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

/** Status codes of requests on one connection, or whatever else became of them. */
export function statuses(end: RoadEnd, asks: readonly Ask[]): Promise<Outcome[]> {
  return (end.road.version === "HTTP/2" ? statusesOverHttp2 : statusesOverHttp1)(end, asks);
}

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
