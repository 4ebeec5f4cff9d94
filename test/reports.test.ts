// In:    test/cases/reports.json: inputs after public reports, each with the right answer.
// Out:   whether every row gets its answer in each of its ways in, over real sockets.
// Never: decides what is right; the rows state it.

import { once } from "node:events";
import { readFileSync } from "node:fs";
import http from "node:http";
import net, { type AddressInfo } from "node:net";
import tls from "node:tls";
import * as assert from "uvu/assert";
import { WebSocketServer } from "ws";
import { createGate, type FramerLike, type GateOptions, type Vhost } from "#src/index.js";
import { wsFramer } from "#src/ws.js";
import { certificate } from "./support/certificate.js";
import { suite } from "./support/suite.js";
import { sendServerName } from "./support/tls.js";

interface Row {
  id: string;
  ways: ("adopt" | "guard" | "strict")[];
  /** What `createGate` takes; `ws` in place of a framer. */
  policy: Omit<GateOptions, "vhosts" | "tls"> & {
    vhosts: (Omit<Vhost, "upgrades"> & { upgrades?: Record<string, "ws"> })[];
    /** `*`: one certificate for every name. */
    tls?: "*";
    /** `ws`: the server has WebSockets of its own. */
    others?: "ws";
  };
  /** Joined by CRLF. */
  lines: string[];
  status: number;
  why: string;
  /** The server name that the client asks for by TLS. */
  serverName?: string;
}

const { rows } = JSON.parse(readFileSync("test/cases/reports.json", "utf8")) as { rows: Row[] };
const { key, cert } = certificate("a.example");

/** What belongs to one row, and ends with it. */
class Served {
  readonly server: net.Server;
  readonly #framer = new WebSocketServer({ noServer: true });
  readonly #others: WebSocketServer | undefined;

  constructor({ policy }: Row, way: Row["ways"][number]) {
    const { vhosts, tls: secured, others, ...rules } = policy;
    const application = http.createServer((request, response) => {
      request.resume();
      response.end("served");
    });
    if (others === "ws") this.#others = new WebSocketServer({ server: application });
    const gate = createGate({
      ...rules,
      vhosts: vhosts.map((vhost) => this.#vhost(vhost, way)),
      ...(secured === "*" && way === "adopt" && { tls: { "*": { key, cert } } }),
      ...(way === "adopt" && { requests: application }),
    });
    if (way !== "adopt") gate.guard(application, { mode: way === "strict" ? "filter" : "auto" });
    this.server = way === "adopt" ? net.createServer((socket) => void gate.adopt(socket)) : application;
  }

  /** A guard leaves the port out, and `ws` is a framer. */
  #vhost({ upgrades, port, ...vhost }: Row["policy"]["vhosts"][0], way: string): Vhost<FramerLike> {
    const framed = Object.keys(upgrades ?? {}).map((path) => [path, wsFramer(this.#framer)]);
    return {
      ...vhost,
      ...(way === "adopt" && port !== undefined && { port }),
      ...(upgrades !== undefined && { upgrades: Object.fromEntries(framed) }),
    };
  }

  async listen(): Promise<number> {
    await once(this.server.listen(0, "127.0.0.1"), "listening");
    return (this.server.address() as AddressInfo).port;
  }

  close(): void {
    for (const webSockets of [this.#framer, this.#others]) {
      for (const client of webSockets?.clients ?? []) client.terminate();
    }
    this.server.close();
  }
}

/** The status code of the first response. */
async function statusOf({ lines, policy, serverName }: Row, port: number): Promise<number> {
  const raw = net.connect(port, "127.0.0.1");
  const client = policy.tls === "*" ? tls.connect({ socket: raw, rejectUnauthorized: false }) : raw;
  if (client instanceof tls.TLSSocket) {
    if (serverName !== undefined) sendServerName(client, serverName);
    await once(client, "secureConnect");
  }
  client.write(Buffer.from(lines.join("\r\n"), "latin1"));
  let text = "";
  for await (const octets of client) {
    text += (octets as Buffer).toString("latin1");
    if (text.includes("\r\n\r\n")) break;
  }
  client.destroy();
  return Number(/^HTTP\/1\.1 (\d{3}) /.exec(text)?.[1]);
}

const reports = suite("reports");

reports("each row has an id of its own, and a way in", () => {
  assert.is(new Set(rows.map(({ id }) => id)).size, rows.length);
  assert.ok(rows.every(({ ways }) => ways.length > 0));
});

for (const row of rows) {
  for (const way of row.ways) {
    reports(`${row.id}, ${way}: ${row.why}`, async () => {
      const served = new Served(row, way);
      const port = await served.listen();
      try {
        assert.is(await statusOf(row, port), row.status);
      } finally {
        served.close();
      }
    });
  }
}
