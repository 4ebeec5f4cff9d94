// In:    webpack-dev-server, whose server one line guards.
// Out:   whether its pages and its WebSockets work, and strangers are refused by the gate before it sees them.
// Never: gives the gate a framer.

import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createGate, localhost } from "headgate";
import * as assert from "uvu/assert";
import { WebSocket } from "ws";
import { freePort } from "../support/program.js";
import { suite } from "../support/suite.js";
import { until } from "../support/until.js";
import { knock, load, refusals } from "./knock.js";

const test = suite("frameworks: webpack-dev-server");
const root = mkdtempSync(join(tmpdir(), "headgate-webpack-"));
test.after(() => rmSync(root, { recursive: true }));

test("pages, and WebSockets with what was compiled", async () => {
  writeFileSync(join(root, "main.js"), "console.log(1);\n");
  writeFileSync(join(root, "index.html"), "page\n");
  const compiler = load(
    "webpack-dev-server",
    "webpack",
  )({
    context: root,
    entry: "./main.js",
    mode: "development",
    output: { path: join(root, "out") },
    infrastructureLogging: { level: "none" },
    stats: "none",
  });
  const exported = load("webpack-dev-server");
  const DevServer = exported.default ?? exported;
  const port = await freePort();
  const devServer = new DevServer({ host: "127.0.0.1", port, static: root }, compiler);
  await devServer.start();
  const gate = createGate({ vhosts: localhost() });
  const said = refusals(gate);
  gate.guard(devServer.server);

  const webSocket = new WebSocket(`ws://127.0.0.1:${port}/ws`, { origin: `http://127.0.0.1:${port}` });
  const types: string[] = [];
  webSocket.on("message", (data) => types.push(JSON.parse(String(data)).type));
  await once(webSocket, "open");
  await until(
    () => types.includes("hash") && types.includes("ok"),
    () => `what was compiled: ${types}`,
  );
  assert.is(await (await fetch(`http://127.0.0.1:${port}/index.html`)).text(), "page\n");
  webSocket.close();
  assert.equal(said, []);
  await knock(port, "/ws", said, { page: "/index.html" });
  await devServer.stop();
});
