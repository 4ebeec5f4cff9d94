// In:    the example whose parent sends sockets to child processes, with these processes; ws clients.
// Out:   whether each tenant gets its own clients, with all that they sent, and no others.
// Never: starts a program that is not Node; the tests of those programs run their examples.

import { once } from "node:events";
import http from "node:http";
import { text } from "node:stream/consumers";
import * as assert from "uvu/assert";
import { WebSocket } from "ws";
import { freePort, type Program, start, stopAll } from "./support/program.js";
import { suite } from "./support/suite.js";
import { until } from "./support/until.js";

const test = suite("examples/hand-on");
test.after(stopAll);

async function open(): Promise<{ port: number; parent: Program }> {
  const port = await freePort();
  const parent = await start(process.execPath, ["dist/examples/hand-on/parent.js"], [port], { PORT: `${port}` });
  return { port, parent };
}

/** What comes back for two messages, of which the first goes out as early as ws can; or why it was refused. */
async function ask(port: number, host: string): Promise<string> {
  const webSocket = new WebSocket(`ws://127.0.0.1:${port}/any`, { headers: { Host: `${host}:${port}` } });
  const refused = once(webSocket, "error").then(([error]) => (error as Error).message);
  const answers = (async () => {
    await once(webSocket, "open");
    webSocket.send("one");
    webSocket.send("two");
    const said: string[] = [];
    webSocket.on("message", (data) => said.push(String(data)));
    while (said.length < 2) await once(webSocket, "message");
    webSocket.close();
    await once(webSocket, "close");
    return said.join(", ");
  })();
  answers.catch(() => {});
  return Promise.race([refused, answers]);
}

async function get(port: number, host: string, path: string): Promise<string> {
  const request = http.get({ port, host: "127.0.0.1", path, headers: { Host: `${host}:${port}` }, agent: false });
  const [response] = (await once(request, "response")) as [http.IncomingMessage];
  return text(response);
}

test("each tenant has the clients of its Host", async () => {
  const { port, parent } = await open();
  const hosts = ["chat.localhost", "live.localhost", "CHAT.localhost", "live.localhost"];
  const said = await Promise.all(hosts.map((host) => ask(port, host)));
  assert.equal(
    said,
    hosts.map((host) => `${host.toLowerCase()}: one, ${host.toLowerCase()}: two`),
  );
  assert.is(await get(port, "live.localhost", "/page"), "live.localhost: GET /page\n");
  assert.is(await ask(port, "other.localhost"), "Unexpected server response: 421");
  await until(
    () => parent.printed().includes("421 host other.localhost matches none of the vhosts"),
    "the refusal in the log",
  );
  // The tenants hold the parent's output open: this resolves only when they have ended too.
  await parent.stop();
});
