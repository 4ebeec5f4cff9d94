// In:    Vite's development server, with its HMR on the same server and on one of its own, each guarded by one line.
// Out:   whether pages and HMR work, and strangers are refused by the gate before Vite sees them.
// Never: gives the gate a framer.

import { once } from "node:events";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { createGate, localhost } from "headgate";
import * as assert from "uvu/assert";
import { WebSocket } from "ws";
import { folderOf } from "../support/frameworks.js";
import { suite } from "../support/suite.js";
import { until } from "../support/until.js";
import { knock, listening, refusals } from "./knock.js";

const test = suite("frameworks: vite");
const root = mkdtempSync(join(tmpdir(), "headgate-vite-"));
test.after(() => rmSync(root, { recursive: true }));

const entry = pathToFileURL(join(folderOf("vite"), "node_modules/vite/dist/node/index.js")).href;

async function develop(
  server: object,
): Promise<{ httpServer: Server; listen(): Promise<void>; close(): Promise<void> }> {
  const { createServer: createVite } = await import(entry);
  mkdirSync(root, { recursive: true });
  writeFileSync(join(root, "index.html"), '<script type="module" src="/main.js"></script>\n');
  writeFileSync(join(root, "main.js"), "console.log(1);\n");
  const shared = { root, configFile: false, logLevel: "silent", optimizeDeps: { noDiscovery: true } };
  return createVite({ ...shared, server: { host: "127.0.0.1", port: 0, ...server } });
}

/** What Vite's client does: it has a token from its script. */
async function hot(page: number, port: number): Promise<string> {
  const origin = `http://127.0.0.1:${page}`;
  const script = await (await fetch(`${origin}/@vite/client`)).text();
  const token = /wsToken = "([^"]+)"/.exec(script)![1];
  const webSocket = new WebSocket(`ws://127.0.0.1:${port}/?token=${token}`, "vite-hmr", { origin });
  const [message] = await once(webSocket, "message");
  writeFileSync(join(root, "index.html"), `<script type="module" src="/main.js?${port}"></script>\n`);
  const updates: string[] = [];
  webSocket.on("message", (data) => updates.push(JSON.parse(String(data)).type));
  await until(() => updates.includes("full-reload"), "an update of the page");
  webSocket.close();
  await once(webSocket, "close");
  return JSON.parse(String(message)).type;
}

const protocol = { more: "Sec-WebSocket-Protocol: vite-hmr\r\n" };

test("HMR on the server of the pages", async () => {
  const gate = createGate({ vhosts: localhost() });
  const said = refusals(gate);
  const vite = await develop({});
  gate.guard(vite.httpServer);
  await vite.listen();
  const { port } = vite.httpServer.address() as { port: number };
  assert.is(await hot(port, port), "connected");
  assert.equal(said, []);
  await knock(port, "/", said, protocol);
  await vite.close();
});

test("HMR on a server of its own, which is made here so that it can be guarded", async () => {
  const gate = createGate({ vhosts: localhost({ origins: ["same-authority", "http://127.0.0.1:*"] }) });
  const said = refusals(gate);
  const own = createServer((_request, response) => response.end());
  gate.guard(own);
  const vite = await develop({ hmr: { server: own } });
  gate.guard(vite.httpServer);
  await vite.listen();
  const { port } = vite.httpServer.address() as { port: number };
  const hmr = await listening(own);
  assert.is(await hot(port, hmr), "connected");
  assert.equal(said, []);
  await knock(hmr, "/", said, protocol);
  await knock(port, "/", said, protocol);
  await vite.close();
  own.close();
  own.closeAllConnections();
});
