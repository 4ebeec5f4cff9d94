// In:    test/cases/forwarded-cases.json.
// Out:   its policies and rows, and heads, arrivals and words of decisions for them.
// Never: decides what is right; the rows state it.

import { readFileSync } from "node:fs";
import type net from "node:net";
import type { Arrival } from "#src/arrival/arrival.js";
import { parseRequestHead } from "#src/head/parse.js";
import type { RequestHead } from "#src/head/request-head.js";
import type { Decision } from "#src/policy/decision.js";
import type { PolicyRules } from "#src/policy/policy-rules.js";
import { handshakeFields } from "./world.js";

interface Row {
  id: string;
  policy: string;
  why: string;
  /** The address of the peer; null for a UNIX-domain socket. */
  peer: string | null;
  host: string;
  /** Name and value of the lines besides Host. */
  fields: [string, string][];
  right: string;
  /** The client's address, as decided. */
  client: string | null;
  clientPort?: number;
  explanation: string;
}
export const { policies, rows } = JSON.parse(readFileSync("test/cases/forwarded-cases.json", "utf8")) as {
  policies: Record<string, PolicyRules>;
  rows: Row[];
};

export const headText = ({ host, fields }: Pick<Row, "host" | "fields">): string =>
  `GET /live HTTP/1.1\r\nHost: ${host}\r\n${fields.map(([name, value]) => `${name}: ${value}\r\n`).join("")}${handshakeFields}\r\n`;

export function headOf(row: Pick<Row, "host" | "fields">): RequestHead {
  const result = parseRequestHead(Buffer.from(headText(row), "latin1"));
  if (result.kind !== "complete") throw new Error(`no head: ${JSON.stringify(result)}`);
  return result.head;
}

export const words = (decision: Decision): string =>
  decision.kind === "accepted" ? "accepted" : `${decision.statusCode} ${decision.code}`;

export function claiming<Claim>({ vhosts, ...rules }: PolicyRules, claim: Claim): PolicyRules<Claim> {
  return { ...rules, vhosts: vhosts.map((vhost) => ({ ...vhost, upgrades: { "*": claim } })) };
}

/** What a socket shows whose peer is that. */
export const factsOf = (peer: string | null): Partial<Arrival> =>
  peer === null
    ? { unix: true }
    : { remoteAddress: peer, remotePort: 40_000, localAddress: "10.0.0.5", localPort: 8080 };

export const addressOf = (server: net.Server): number => (server.address() as net.AddressInfo).port;
