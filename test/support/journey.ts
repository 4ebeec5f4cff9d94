// In:    the name of a journey: adopt, guard or http2.
// Out:   on stdout, a line each: the files of src/ with a function that runs in it, in the order in which they are entered first.
// Never: counts what runs at import or when the gate is made; a child process, started by test/journeys.test.ts.

import { once } from "node:events";
import http from "node:http";
import http2 from "node:http2";
import { Session } from "node:inspector/promises";
import net, { type AddressInfo } from "node:net";
import { WebSocketServer } from "ws";
import { createGate, NO_LISTEN_SERVER } from "#src/index.js";
import { wsFramer } from "#src/ws.js";
import "./heard.js";

const KEY = "dGhlIHNhbXBsZSBub25jZQ==";
const handshake = `GET / HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: ${KEY}\r\n\r\n`;

const upgrades = () => ({ "*": wsFramer(new WebSocketServer({ noServer: true })) });
const gateOf = (cleartext: boolean) =>
  createGate({ vhosts: [{ name: "a", port: NO_LISTEN_SERVER, upgrades: upgrades() }], http2: { cleartext } });

async function listen(server: net.Server): Promise<number> {
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return (server.address() as AddressInfo).port;
}

/** Sends octets, and resolves with what comes first. */
async function ask(port: number, octets: string): Promise<string> {
  const socket = net.connect(port, "127.0.0.1");
  socket.write(octets);
  const [answer] = await once(socket, "data");
  socket.destroy();
  await once(socket, "close");
  return String(answer);
}

const journeys: Record<string, () => Promise<{ port: number; run: () => Promise<string> }>> = {
  async adopt() {
    const gate = gateOf(false);
    const port = await listen(net.createServer((socket) => gate.adopt(socket)));
    return { port, run: () => ask(port, handshake) };
  },
  async guard() {
    const server = http.createServer((_request, response) => response.end());
    createGate({ vhosts: [{ name: "a" }] }).guard(server);
    const port = await listen(server);
    return { port, run: () => ask(port, "GET / HTTP/1.1\r\nHost: b\r\n\r\n") };
  },
  async http2() {
    const gate = gateOf(true);
    const port = await listen(net.createServer((socket) => gate.adopt(socket)));
    // The journey is that of a stream: the connection was adopted before.
    const session = http2.connect(`http://127.0.0.1:${port}`);
    await once(session, "remoteSettings");
    const run = async (): Promise<string> => {
      const stream = session.request({
        ":method": "CONNECT",
        ":protocol": "websocket",
        ":authority": "a",
        ":path": "/",
        "sec-websocket-version": "13",
      });
      const [headers] = await once(stream, "response");
      return `HTTP/2 ${headers[":status"]}`;
    };
    return { port, run };
  },
};

const { run } = await journeys[process.argv[2]!]!();
// Once before: what is made when it is first needed is made.
await run();
const session = new Session();
session.connect();
await session.post("Profiler.enable");
await session.post("Profiler.startPreciseCoverage", { callCount: true, detailed: false });
const answer = await run();
const { result } = await session.post("Profiler.takePreciseCoverage");
const files = result
  .filter(({ url }) => url.includes("/dist/src/"))
  // The function without a name that spans the file is the module itself.
  .filter(({ functions }) => functions.some(({ functionName, ranges }) => functionName !== "" && ranges[0]!.count > 0))
  .map(({ url }) => url.slice(url.indexOf("/dist/src/") + 10).replace(/\.js$/, ".ts"));
process.stdout.write(`${JSON.stringify({ answer: answer.split("\r\n")[0], files })}\n`);
process.exit();
