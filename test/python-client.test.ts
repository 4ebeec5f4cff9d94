// In:    Python's websockets, a client that shares nothing with ws; gates that adopt and gates that guard.
// Out:   whether they understand each other: messages, subprotocol, compression, close codes, refusals.
// Never: speaks WebSocket itself.

import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { once } from "node:events";
import http from "node:http";
import type { AddressInfo } from "node:net";
import { promisify } from "node:util";
import * as assert from "uvu/assert";
import { WebSocketServer } from "ws";
import { createGate } from "#src/gate.js";
import type { GateOptions } from "#src/gate-options.js";
import { wsFramer } from "#src/handover/ws.js";
import { explain } from "#src/policy/explain.js";
import { runs } from "./support/program.js";
import { suite } from "./support/suite.js";
import { closeDoors, openDoor } from "./support/tcp.js";

const run = promisify(execFile);

const needed = "import asyncio, websockets; assert asyncio.run and int(websockets.__version__.split('.')[0]) >= 10";
/** A machine may have several; Debian's package belongs to the first. */
const python = ["/usr/bin/python3", "python3"].find((each) => runs(each, "-c", needed));
const noPython = python === undefined ? "there is no Python with websockets 10 or later" : null;

const test = suite("Python's websockets");
test.after(closeDoors);

/** See test/support/python-client.py. */
interface Wish {
  messages?: unknown[];
  compression?: "deflate";
  subprotocols?: string[];
  origin?: string;
  close?: [code: number, reason: string];
}

interface Seen {
  refused?: number;
  subprotocol?: string | null;
  extensions?: string[];
  answers?: unknown[];
  close?: [code: number, reason: string];
}

const wss = new WebSocketServer({
  noServer: true,
  perMessageDeflate: true,
  handleProtocols: (offered) => (offered.has("echo.2") ? "echo.2" : false),
});
/** How clients closed, in order. */
const closed: [code: number, reason: string][] = [];
wss.on("connection", (webSocket) => {
  webSocket.on("message", (data, isBinary) => {
    if (String(data) === "close") webSocket.close(4001, "as you wish");
    else webSocket.send(data, { binary: isBinary });
  });
  webSocket.on("close", (code, reason) => closed.push([code, String(reason)]));
});

const options: GateOptions = { vhosts: [{ name: "localhost", port: "any", upgrades: { "/live": wsFramer(wss) } }] };

/** Ways to a gate; each is used once and closed. `explained`: of refusals, in order. */
const ways: Record<string, () => Promise<{ port: number; explained: string[]; close: () => Promise<unknown> }>> = {
  async adopted() {
    const gate = createGate(options);
    const explained: string[] = [];
    gate.on("refused", (decision) => explained.push(explain(decision)));
    const { port, close } = await openDoor((socket) => gate.adopt(socket));
    return { port, explained, close };
  },
  async guarded() {
    const gate = createGate(options);
    const explained: string[] = [];
    gate.on("refused", (decision) => explained.push(explain(decision)));
    const server = http.createServer();
    gate.guard(server);
    await once(server.listen(0, "127.0.0.1"), "listening");
    const { port } = server.address() as AddressInfo;
    return { port, explained, close: async () => server.close() };
  },
};

async function ask(port: number, wish: Wish, host = "localhost", path = "/live"): Promise<Seen> {
  const url = `ws://${host}:${port}${path}`;
  const { stdout } = await run(python!, ["test/support/python-client.py", url, `${port}`, JSON.stringify(wish)]);
  return JSON.parse(stdout) as Seen;
}

/** What is shown of a message of so many octets, in fragments. */
function octets(...counts: number[]): object {
  const data = Buffer.concat(counts.map((count) => Uint8Array.from({ length: count }, (_, i) => i % 251)));
  return { octets: data.length, sha256: createHash("sha256").update(data).digest("hex") };
}

for (const [name, open] of Object.entries(ways)) {
  test.needing(noPython, `${name}: text, octets and fragments come back, and the server closes`, async () => {
    const { port, close } = await open();
    const seen = await ask(port, { messages: ["hello", "é€😀", 0, 65_536, ["in ", "three ", "pieces"], [1, 2, 3]] });
    assert.equal(seen, {
      subprotocol: null,
      extensions: [],
      answers: ["hello", "é€😀", octets(0), octets(65_536), "in three pieces", octets(1, 2, 3)],
      close: [4001, "as you wish"],
    });
    await close();
  });

  test.needing(
    noPython,
    `${name}: permessage-deflate and a subprotocol are agreed upon, and the client closes`,
    async () => {
      const { port, close } = await open();
      closed.length = 0;
      const messages = ["again ".repeat(10_000), 8 * 1024 * 1024];
      const wish: Wish = { messages, compression: "deflate", subprotocols: ["echo.1", "echo.2"], close: [3000, "so"] };
      assert.equal(await ask(port, wish), {
        subprotocol: "echo.2",
        extensions: ["permessage-deflate"],
        answers: [messages[0], octets(8 * 1024 * 1024)],
        close: [3000, "so"],
      });
      assert.equal(closed, [[3000, "so"]]);
      await close();
    },
  );

  test.needing(noPython, `${name}: refusals, as the client sees them`, async () => {
    const { port, explained, close } = await open();
    const own = `http://localhost:${port}`;
    assert.equal((await ask(port, { messages: ["hi"], origin: own })).answers, ["hi"]);
    assert.equal(await ask(port, { origin: "https://evil.example" }), { refused: 403 });
    assert.equal(await ask(port, {}, "rebound.example"), { refused: 421 });
    assert.equal(await ask(port, {}, "localhost", "/other"), { refused: 404 });
    assert.match(explained[0]!, `origin https://evil.example matches none of the allowed origins: ${own} (`);
    assert.match(explained[1]!, "host rebound.example matches none of the vhosts: localhost (");
    assert.match(explained[2]!, "path /other matches none of the upgrades: /live (");
    assert.is(explained.length, 3);
    await close();
  });
}
