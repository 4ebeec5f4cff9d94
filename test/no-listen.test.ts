// In:    vhosts with a port that this process does not listen on; sockets that were accepted elsewhere, UNIX-domain ones too.
// Out:   whether upgrades pass where there is no port to compare with, and what cannot be served is reported at once.
// Never: rules by itself; decision.test.ts has the ports.

import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import net from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as assert from "uvu/assert";
import { WebSocket, WebSocketServer } from "ws";
import { type Arrival, readArrival } from "#src/arrival/arrival.js";
import { createGate } from "#src/gate.js";
import type { GateOptions } from "#src/gate-options.js";
import { wsFramer } from "#src/handover/ws.js";
import { explain } from "#src/policy/explain.js";
import { NO_LISTEN, NO_LISTEN_SERVER, type VhostPort } from "#src/policy/vhost.js";
import { suite } from "./support/suite.js";
import { streamPair } from "./support/tcp.js";

const folder = mkdtempSync(join(tmpdir(), "headgate-no-listen-"));
const path = join(folder, "door");

interface Upgrade {
  readonly vhosts: GateOptions["vhosts"];
  readonly scheme?: "https";
  /** The client's Host; left out, `ws` writes localhost. */
  readonly host?: string;
}

const echo = (): WebSocketServer =>
  new WebSocketServer({ noServer: true }).on("connection", (webSocket) => {
    webSocket.on("message", (data) => webSocket.send(data));
  });

/** What a client of `ws` comes to over a UNIX-domain socket: `echoed`, or the explanation of its refusal. */
async function upgrade({ vhosts, scheme, host }: Upgrade): Promise<{ came: string; arrival: Arrival | undefined }> {
  const gate = createGate({ vhosts, ...(scheme && { scheme }) });
  let arrival: Arrival | undefined;
  gate.on("accepted", (decision) => (arrival = readArrival(decision.arrival)));
  const refused = new Promise<string>((resolve) => gate.on("refused", (decision) => resolve(explain(decision))));
  const server = net.createServer((socket) => gate.adopt(socket)).listen(path);
  await once(server, "listening");
  const client = new WebSocket(`ws+unix:${path}:/chat`, { ...(host && { headers: { Host: host } }) });
  const echoed = new Promise<string>((resolve) => client.on("message", () => resolve("echoed")));
  client.on("open", () => client.send("hello")).on("error", () => {});
  const came = await Promise.race([echoed, refused]);
  client.terminate();
  server.close();
  await once(server, "close");
  return { came, arrival };
}

const vhost = (port: VhostPort, name = "localhost") => ({ name, port, upgrades: { "*": wsFramer(echo()) } });

const test = suite("no listen: UNIX-domain sockets");
test.after(() => rmSync(folder, { recursive: true }));

test("NO_LISTEN_SERVER takes upgrades whatever port Host has", async () => {
  for (const host of [undefined, "localhost", "localhost:7681", "LOCALHOST:1"]) {
    const { came, arrival } = await upgrade({ vhosts: [vhost(NO_LISTEN_SERVER)], ...(host && { host }) });
    assert.is(came, "echoed", host);
    const { unix, remoteAddress, localPort } = arrival!;
    assert.equal([unix, remoteAddress, localPort], [true, undefined, undefined]);
  }
});

test("a declared public port is compared with the port of Host, or the default of the scheme", async () => {
  const cases: [Upgrade, RegExp][] = [
    [{ vhosts: [vhost(8080)], host: "localhost:8080" }, /^echoed$/],
    [{ vhosts: [vhost([80, 8080])] }, /^echoed$/],
    [{ vhosts: [vhost(443)], scheme: "https" }, /^echoed$/],
    [{ vhosts: [vhost(8080)] }, /^host port 80 mismatches vhost port 8080 \(localhost;/],
    [{ vhosts: [vhost(443)], host: "localhost:7681" }, /^host port 7681 mismatches vhost port 443 /],
  ];
  for (const [given, wanted] of cases) assert.match((await upgrade(given)).came, wanted);
});

test("NO_LISTEN beside a vhost that is served takes its name out of all others", async () => {
  const vhosts = [vhost(NO_LISTEN, "b.example.com"), vhost(NO_LISTEN_SERVER, "*.example.com")];
  assert.is((await upgrade({ vhosts, host: "a.example.com" })).came, "echoed");
  assert.match((await upgrade({ vhosts, host: "b.example.com" })).came, /^host b\.example\.com is not served/);
});

const misuse = suite("no listen: misuse");

misuse("what no adopted socket could use is an error of adopt, and the socket stays the caller's", () => {
  const cases: [VhostPort, string][] = [
    [
      "local",
      'vhost localhost has port "local", the local port of an arrival, but a gate that adopts listens on no port; ' +
        "write the public port or NO_LISTEN_SERVER",
    ],
    [NO_LISTEN, "every vhost has port NO_LISTEN, so no request could be served"],
    [
      undefined as never,
      "vhost localhost has no port, and an adopted socket has none to use instead; write the public port, " +
        "port: NO_LISTEN_SERVER for any, or port: NO_LISTEN for none",
    ],
  ];
  for (const [port, sentence] of cases) {
    const [, far] = streamPair();
    const before = far.eventNames().map((name) => [name, far.listenerCount(name)]);
    for (const vhosts of [[vhost(port)], ...(port === NO_LISTEN ? [] : [[vhost(port), vhost(80, "b")]])]) {
      const gate = createGate({ vhosts });
      for (const act of [() => gate.adopt(far), () => gate.narrow(["localhost"])]) {
        assert.throws(act, (error: unknown) => error instanceof TypeError && error.message === sentence);
      }
      if (vhosts.length === 1) continue;
      // Narrowed to the other one it could be served.
      const [, other] = streamPair();
      gate.narrow(["b"]).adopt(other);
      other.destroy();
    }
    assert.equal([far.destroyed, far.readableFlowing], [false, null]);
    assert.equal(
      far.eventNames().map((name) => [name, far.listenerCount(name)]),
      before,
    );
  }
});

misuse("an adoption that is narrowed to what is not served throws as well", () => {
  const gate = createGate({ vhosts: [vhost(NO_LISTEN), vhost(NO_LISTEN_SERVER, "b")] });
  assert.throws(
    () => gate.narrow(["localhost"]),
    (error: unknown) =>
      error instanceof TypeError && error.message === "every vhost has port NO_LISTEN, so no request could be served",
  );
});
