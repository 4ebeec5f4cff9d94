// In:    the port of a server of gate-server.ts, and the way in which it is guarded.
// Out:   for each check, null or what went wrong.
// Never: runs in the runtime that is tested: clients and checks run in this process.

import { once } from "node:events";
import { connect as connectHttp2, type IncomingHttpHeaders } from "node:http2";
import net from "node:net";
import { WebSocket } from "ws";
import { webSocketOver } from "../support/websocket.js";
import { handshakeFields } from "../support/world.js";

/** Milliseconds for a check; far more than any takes. */
const PATIENCE = 10_000;

/** The ways of gate-server.ts. */
export const ways = ["guard", "guard, filter", "guard, events", "adopt", "adopt, HTTP/2"] as const;
export type Way = (typeof ways)[number];

/** What is checked in each way. */
export const gateChecks = ["requests", "a second request", "refusals", "upgrades", "refused upgrades"] as const;
export type GateCheck = (typeof gateChecks)[number];

/** All that comes back for these octets, until the connection ends. */
async function exchange(port: number, octets: string): Promise<string> {
  const socket = net.connect(port, "127.0.0.1");
  const signal = AbortSignal.timeout(PATIENCE);
  let received = "";
  socket.setEncoding("latin1").on("data", (text: string) => (received += text));
  socket.write(octets, "latin1");
  try {
    await once(socket, "close", { signal });
  } catch (error) {
    socket.destroy();
    throw new Error(`${(error as Error).message}, after ${JSON.stringify(received)}`);
  }
  return received;
}

const statusesOf = (received: string): string =>
  [...received.matchAll(/HTTP\/1\.1 (\d{3})/g)].map(([, code]) => code).join();

function expect(what: string, found: unknown, wanted: unknown): void {
  if (String(found) !== String(wanted)) throw new Error(`${what}: ${found}, not ${wanted}`);
}

const local = "Host: localhost\r\n";
const closing = `${local}Connection: close\r\n`;

const overHttp1: Readonly<Record<GateCheck, (port: number) => Promise<void>>> = {
  async requests(port) {
    const one = await exchange(port, `GET /a HTTP/1.1\r\n${closing}\r\n`);
    expect("GET", [statusesOf(one), one.includes("GET /a ")], "200,true");
    const chunked = `POST /b HTTP/1.1\r\n${closing}Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n`;
    const two = await exchange(port, chunked);
    expect("POST", [statusesOf(two), two.includes("POST /b abc")], "200,true");
  },
  async "a second request"(port) {
    const post = `POST /b HTTP/1.1\r\n${local}Content-Length: 3\r\n\r\nabc`;
    const two = await exchange(port, `${post}GET /c HTTP/1.1\r\n${closing}\r\n`);
    expect("GET", [statusesOf(two), two.includes("POST /b abc"), two.includes("GET /c ")], "200,200,true,true");
    const refused = `GET / HTTP/1.1\r\nHost: rebound.example\r\nConnection: close\r\n\r\n`;
    expect("refused", statusesOf(await exchange(port, post + refused)), "200,421");
  },
  async refusals(port) {
    const ask = async (lines: string) => statusesOf(await exchange(port, `${lines}Connection: close\r\n\r\n`));
    expect("another name", await ask("GET / HTTP/1.1\r\nHost: rebound.example\r\n"), 421);
    const foreign = `POST / HTTP/1.1\r\n${local}Origin: https://evil.example\r\nContent-Length: 0\r\n`;
    expect("a foreign page", await ask(foreign), 403);
    expect("two Host lines", await ask(`GET / HTTP/1.1\r\n${local}${local}`), 400);
    expect("no field name", await ask(`GET / HTTP/1.1\r\n${local}a b: c\r\n`), 400);
  },
  async upgrades(port) {
    const webSocket = new WebSocket(`ws://127.0.0.1:${port}/live`, { headers: { Host: "localhost" } });
    const signal = AbortSignal.timeout(PATIENCE);
    try {
      await once(webSocket, "open", { signal });
      for (const text of ["a", "b".repeat(100_000)]) {
        webSocket.send(text);
        const [data] = await once(webSocket, "message", { signal });
        expect("the echo", String(data).length, `echo: ${text}`.length);
      }
      webSocket.close(1000);
      const [code] = await once(webSocket, "close", { signal });
      expect("the close", code, 1000);
    } finally {
      webSocket.terminate();
    }
  },
  async "refused upgrades"(port) {
    const ask = async (path: string, lines: string) =>
      statusesOf(await exchange(port, `GET ${path} HTTP/1.1\r\n${lines}${handshakeFields}\r\n`));
    expect("another name", await ask("/live", "Host: rebound.example\r\n"), 421);
    expect("a foreign page", await ask("/live", `${local}Origin: https://evil.example\r\n`), 403);
    expect("another path", await ask("/other", local), 404);
  },
};

/** Statuses of requests over one session. */
async function http2Statuses(port: number, requests: readonly Record<string, string>[]): Promise<string[]> {
  const session = connectHttp2(`http://localhost:${port}`);
  const signal = AbortSignal.timeout(PATIENCE);
  const errors: Error[] = [];
  session.on("error", (error) => errors.push(error));
  try {
    const statuses: string[] = [];
    for (const headers of requests) {
      const stream = session.request(
        { ":authority": "localhost", ...headers },
        { endStream: headers[":protocol"] === undefined },
      );
      stream.on("error", (error) => errors.push(error));
      const [response] = (await once(stream, "response", { signal })) as [IncomingHttpHeaders];
      statuses.push(String(response[":status"]));
      stream.close();
    }
    return statuses;
  } catch (error) {
    throw new Error(`${(error as Error).message} ${errors.map(({ message }) => message)}`);
  } finally {
    session.destroy();
  }
}

const connect = { ":method": "CONNECT", ":protocol": "websocket", ":path": "/live", "sec-websocket-version": "13" };

const overHttp2: typeof overHttp1 = {
  async requests(port) {
    expect("GET", await http2Statuses(port, [{ ":path": "/a" }]), "200");
  },
  async "a second request"(port) {
    expect("two", await http2Statuses(port, [{ ":path": "/a" }, { ":path": "/b" }]), "200,200");
    expect("refused", await http2Statuses(port, [{}, { ":authority": "rebound.example" }]), "200,421");
  },
  async refusals(port) {
    const foreign = { ":method": "POST", origin: "https://evil.example" };
    expect("refused", await http2Statuses(port, [{ ":authority": "rebound.example" }, foreign, {}]), "421,403,200");
  },
  async upgrades(port) {
    const session = connectHttp2(`http://localhost:${port}`);
    const signal = AbortSignal.timeout(PATIENCE);
    session.on("error", () => {});
    try {
      await once(session, "remoteSettings", { signal });
      const { webSocket } = webSocketOver(session, "/live");
      webSocket.on("error", () => {});
      await once(webSocket, "open", { signal });
      webSocket.send("a");
      const [data] = await once(webSocket, "message", { signal });
      expect("the echo", data, "echo: a");
    } finally {
      session.destroy();
    }
  },
  async "refused upgrades"(port) {
    const refused = [
      { ...connect, ":authority": "rebound.example" },
      { ...connect, origin: "https://evil.example" },
    ];
    expect("refused", await http2Statuses(port, refused), "421,403");
  },
};

/** Runs one check. */
export async function gateCheck(way: Way, check: GateCheck, port: number): Promise<string | null> {
  try {
    await (way === "adopt, HTTP/2" ? overHttp2 : overHttp1)[check](port);
    return null;
  } catch (error) {
    return (error as Error).message;
  }
}
