// In:    the example of node:cluster, with real workers and clients.
// Out:   whether workers that share a listening server each have a gate that adopts.
// Never: forks this file.

import { spawn } from "node:child_process";
import { once } from "node:events";
import * as assert from "uvu/assert";
import { WebSocket } from "ws";
import { freePort } from "./support/program.js";
import { suite } from "./support/suite.js";
import { until } from "./support/until.js";

const test = suite("cluster");

test("workers that share a listening server, each with a gate", async () => {
  const port = await freePort();
  const program = spawn(process.execPath, ["dist/examples/cluster/main.js"], {
    env: { ...process.env, PORT: String(port) },
    stdio: ["ignore", "pipe", "inherit"],
  });
  let log = "";
  program.stdout.on("data", (text: Buffer) => (log += text));
  await until(() => log.match(/^worker \d on /gm)?.length === 2, "two workers listen");
  const said = new Set<string>();
  for (let i = 0; i < 8; i++) {
    const webSocket = new WebSocket(`ws://127.0.0.1:${port}/`, { headers: { Host: "localhost:1" } });
    const [message] = await once(webSocket, "message");
    said.add(String(message));
    webSocket.close();
    await once(webSocket, "close");
  }
  // The primary process gives the connections to its workers in turn.
  assert.equal([...said].sort(), ["worker 1", "worker 2"]);
  const open = new WebSocket(`ws://127.0.0.1:${port}/`, { headers: { Host: "localhost" } });
  await once(open, "message");
  const [exit, closed] = [once(program, "exit"), once(open, "close")];
  program.kill("SIGTERM");
  assert.is((await closed)[0], 1001);
  assert.is((await exit)[0], 0);
});
