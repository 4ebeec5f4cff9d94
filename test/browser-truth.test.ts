// In:    what Chromium and Firefox sent for each kind of request (test/cases/browser-truth.json).
// Out:   whether each gets its verdict, over HTTP/1.1 and HTTP/2, by every way in, alone and after another request.
// Never: decides what is right; the rows do.

import { once } from "node:events";
import { readFileSync } from "node:fs";
import http from "node:http";
import http2 from "node:http2";
import net, { type AddressInfo } from "node:net";
import * as assert from "uvu/assert";
import { createGate, type Gate } from "#src/gate.js";
import type { Handover } from "#src/handover/framer.js";
import { localhost } from "#src/policy/localhost.js";
import { suite } from "./support/suite.js";
import { Client } from "./support/tcp.js";
import { handshakeFields } from "./support/world.js";

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
  readonly accept: string | null;
  readonly verdict: string;
}

const { rows } = JSON.parse(readFileSync("test/cases/browser-truth.json", "utf8")) as { rows: Row[] };

/** The clause of the rule, by the reason of a row. */
const clauses: Readonly<Record<string, string>> = {
  embed: "embedding",
  write: "unsafe-method",
  prefetch: "prefetch",
  referer: "referer",
  "null-sw": "service-worker",
};

/** What a gate says: `pass`, or the code, and of SITE_FOREIGN the clause. A foreign Origin goes before all of the rule. */
function wanted({ verdict, origin, host, site }: Row): string {
  if (verdict === "pass") return "pass";
  const reason = verdict.slice("refuse:".length);
  if (reason === "host") return host.startsWith("0.0.0.0") ? "NAME_UNSPECIFIED" : "NAME_UNKNOWN";
  if (origin === "null" && site !== "same-origin") return "ORIGIN_NULL";
  if (origin !== null && origin !== "null" && origin !== `http://${host}`) return "ORIGIN_FOREIGN";
  return `SITE_FOREIGN ${clauses[reason]}`;
}

const isWebSocket = ({ initiator }: Row): boolean => initiator === "WebSocket";

/** Names and values, without Host. */
function fieldsOf({ origin, referer, site, mode, dest, purpose, accept }: Row): [string, string][] {
  const fields: [string, string | null][] = [
    ["Origin", origin],
    ["Referer", referer && `${referer}/page`],
    ["Sec-Fetch-Site", site],
    ["Sec-Fetch-Mode", mode],
    ["Sec-Fetch-Dest", dest],
    ["Sec-Purpose", purpose],
    ["Accept", accept],
  ];
  return fields.filter((field): field is [string, string] => field[1] !== null);
}

/** A server, and what its gate said of each request, in order. */
interface Way {
  readonly port: number;
  readonly said: string[];
  close(): void;
}

function gateOf(said: string[], requests?: http.Server): Gate {
  const take = ({ socket }: Handover): void => void socket.end("HTTP/1.1 101 Switching Protocols\r\n\r\n");
  const upgrades = { "*": take };
  const port = "any";
  const gate = createGate({
    vhosts: [...localhost({ port, upgrades }), { name: "lan.example", port, embedding: "same-origin", upgrades }],
    ...(requests && { requests, http2: { cleartext: true } }),
  });
  gate.on("refused", ({ code, clause }) => said.push(clause === undefined ? code : `${code} ${clause}`));
  return gate;
}

/** The application says what reached it; refusals are the gate's. */
const application = (said: string[]) => (_request: unknown, response: { end(): void }) => {
  said.push("pass");
  response.end();
};

const ways: Readonly<Record<string, { over: "HTTP/1.1" | "HTTP/2"; open(said: string[]): net.Server }>> = {
  "adopt, HTTP/1.1": { over: "HTTP/1.1", open: adopting },
  "adopt, HTTP/2": { over: "HTTP/2", open: adopting },
  "guard, HTTP/1.1": {
    over: "HTTP/1.1",
    open: (said) => guarded(said, http.createServer(application(said)), {}),
  },
  "strict guard, HTTP/1.1": {
    over: "HTTP/1.1",
    open: (said) => guarded(said, http.createServer(application(said)), { strict: true }),
  },
  "guard, HTTP/2": {
    over: "HTTP/2",
    open: (said) => {
      const settings = { enableConnectProtocol: true };
      return guarded(said, http2.createServer({ settings }, application(said)) as unknown as http.Server, {});
    },
  },
};

function adopting(said: string[]): net.Server {
  const gate = gateOf(said, http.createServer(application(said)));
  return net.createServer({ noDelay: true }, (socket) => void gate.adopt(socket));
}

function guarded(said: string[], server: http.Server, options: { strict?: boolean }): http.Server {
  gateOf(said).guard(server, options);
  return server;
}

async function open(way: keyof typeof ways): Promise<Way> {
  const said: string[] = [];
  const server = ways[way]!.open(said);
  const sockets = new Set<net.Socket>();
  server.on("connection", (socket: net.Socket) => sockets.add(socket));
  await once(server.listen(0, "127.0.0.1"), "listening");
  return {
    port: (server.address() as AddressInfo).port,
    said,
    close() {
      server.close();
      for (const socket of sockets) socket.destroy();
    },
  };
}

const own: Row = { ...rows.find(({ verdict }) => verdict === "pass")!, host: "localhost:3000", method: "GET" };
const first: Row = { ...own, initiator: "link", origin: null, referer: null, site: "none", mode: "navigate" };

function octetsOf(row: Row, isLast: boolean): string {
  const { method, host } = row;
  const fields = fieldsOf(row).map(([name, value]) => `${name}: ${value}\r\n`);
  const rest = isWebSocket(row)
    ? handshakeFields
    : `${method === "GET" || method === "HEAD" ? "" : "Content-Length: 0\r\n"}${isLast ? "Connection: close\r\n" : ""}`;
  return `${method} /x HTTP/1.1\r\nHost: ${host}\r\n${fields.join("")}${rest}\r\n`;
}

/** On one connection; the last of them is the row. */
async function overHttp1(port: number, requests: readonly Row[]): Promise<void> {
  const socket = net.connect({ port, host: "127.0.0.1", noDelay: true });
  const client = new Client(socket);
  for (const [i, row] of requests.entries()) {
    await client.send(octetsOf(row, i === requests.length - 1));
    const methods = requests.slice(0, i + 1).map(({ method }) => method);
    await client.responses(i + 1, methods);
  }
  socket.destroy();
}

async function overHttp2(port: number, requests: readonly Row[]): Promise<void> {
  const session = http2.connect(`http://127.0.0.1:${port}`);
  await once(session, "remoteSettings");
  for (const row of requests) {
    const fields = Object.fromEntries(fieldsOf(row).map(([name, value]) => [name.toLowerCase(), value]));
    const upgrade = { ":method": "CONNECT", ":protocol": "websocket", "sec-websocket-version": "13" };
    const asked = isWebSocket(row) ? upgrade : { ":method": row.method };
    const stream = session.request(
      { ...asked, ":scheme": "http", ":authority": row.host, ":path": "/x", ...fields },
      { endStream: !isWebSocket(row) },
    );
    stream.on("error", () => {});
    await once(stream, "response");
    stream.resume().close();
    await once(stream, "close");
  }
  session.destroy();
}

const truth = suite("what browsers send");

for (const way of Object.keys(ways)) {
  truth(`${way}: each kind of request gets its verdict, alone and after another`, async () => {
    const { port, said, close } = await open(way);
    const ask = ways[way]!.over === "HTTP/1.1" ? overHttp1 : overHttp2;
    const wrong: string[] = [];
    try {
      for (const row of rows) {
        for (const requests of [[row], [first, row], [first, first, row]]) {
          said.length = 0;
          await ask(port, requests);
          // The framer takes a WebSocket, and the application does not see it.
          const got = isWebSocket(row) && said.length < requests.length ? [...said, "pass"] : said;
          const right = [...requests.slice(1).map(() => "pass"), wanted(row)];
          if (got.join() !== right.join()) {
            wrong.push(`${row.id} ${row.initiator}, ${requests.length - 1} before: ${got}, not ${right}`);
          }
        }
      }
    } finally {
      close();
    }
    assert.equal(wrong, []);
  });
}
