// In:    examples/scale: HAProxy before four gates and before two; clients that ask without pause.
// Out:   what is lost when a gate is killed, and when one is drained and replaced; health checks, weights, states.
// Never: changes more of a configuration than ports and paths, but where the title has it.

import { once } from "node:events";
import http2 from "node:http2";
import * as assert from "uvu/assert";
import { WebSocket } from "ws";
import { drill } from "./support/drill.js";
import { cannotRunHaproxy, WITH_TLS } from "./support/haproxy.js";
import { stopLoads } from "./support/load.js";
import { stopAll } from "./support/program.js";
import { Fleet } from "./support/scale.js";
import type { Failure } from "./support/scale-clients.js";
import { suite } from "./support/suite.js";
import { until } from "./support/until.js";

/** 2000 take a machine of two cores that does nothing else about 20 s. */
const CONNECTIONS = Number(process.env.HEADGATE_CONNECTIONS ?? 600);
const GATES = { TRUST: "proxy", SPREAD: "3" };

const test = suite("scale: HAProxy");
const reason = cannotRunHaproxy(WITH_TLS);
test.after(async () => {
  stopLoads();
  await stopAll();
});

/** The pseudo-header fields of a response over HTTP/2, and its first octets. */
async function overHttp2(fleet: Fleet, fields: http2.OutgoingHttpHeaders): Promise<string> {
  const session = http2.connect(`https://localhost:${fleet.port}`, { ca: fleet.ca, servername: "app.example.com" });
  await once(session, "remoteSettings");
  const stream = session.request({ ":authority": "app.example.com", ...fields });
  const [response] = await once(stream, "response");
  const [octets] = await once(stream, "data");
  session.destroy();
  return `${response[":status"]} ${octets}`;
}
/** RFC 8441 §5.1. */
const CONNECT = { ":method": "CONNECT", ":protocol": "websocket", ":scheme": "https", ":path": "/live" };

/** An open WebSocket, and the gate that has it. */
async function open(fleet: Fleet): Promise<{ webSocket: WebSocket; name: string; code: Promise<number> }> {
  const headers = { Host: "app.example.com" };
  const options = { ca: fleet.ca, servername: "app.example.com", headers };
  const webSocket = new WebSocket(`wss://127.0.0.1:${fleet.port}/live`, options);
  const code = once(webSocket, "close").then(([found]) => found as number);
  const [name] = await once(webSocket, "message");
  return { webSocket, name: String(name), code };
}

test.needing(reason, `four gates, ${CONNECTIONS} connections: one is killed, one is drained and replaced`, async () => {
  const fleet = await Fleet.start("haproxy.cfg", GATES);
  /**
   * HAProxy logs what has failed, with the server; but for a request on a kept connection to a server that is reset, even a GET, which it
   * leaves to the client to repeat. That server has answered the client before.
   */
  const gateOf = ({ method, path, process }: Failure): string | null => {
    const lines = fleet.balancer.printed().split("\n");
    const line = lines.find((each) => each.includes(`"${method} ${path} `));
    return line === undefined ? process : (/ gates\/(\w+) /.exec(line)?.[1] ?? null);
  };
  await drill(fleet, { killed: "c", drained: "b", first: "kill", connections: CONNECTIONS, gateOf, repeats: false });
  await fleet.stop();
});

test.needing(reason, "two gates, octets passed unread: one is killed, one is drained and replaced", async () => {
  const fleet = await Fleet.start("haproxy-tcp.cfg", GATES);
  assert.match(await overHttp2(fleet, { ":path": "/page" }), /^200 .*"scheme":"https"/);
  // A frame with the name of the gate.
  assert.match(await overHttp2(fleet, { ...CONNECT, "sec-websocket-version": "13" }), /^200 .{2}[ab]$/s);
  await drill(fleet, { killed: "b", drained: "a", first: "drain", connections: 100, repeats: false });
  await fleet.stop();
});

test.needing(reason, "weights, and the states of a server", async () => {
  const fleet = await Fleet.start("haproxy.cfg", GATES);
  const all: Awaited<ReturnType<typeof open>>[] = [];
  const on = (name: string): number => all.filter((each) => each.name === name).length;
  const add = async (count: number): Promise<void> => {
    for (let i = 0; i < count; i++) all.push(await open(fleet));
  };
  await add(35);
  assert.equal(["a", "b", "c", "d"].map(on), [10, 10, 10, 5]);
  await fleet.command("set server gates/a state drain");
  await add(25);
  assert.equal(["a", "b", "c", "d"].map(on), [10, 20, 20, 10]);
  assert.ok(all.every(({ webSocket }) => webSocket.readyState === WebSocket.OPEN));
  await fleet.command("set server gates/a state ready");
  await add(10);
  assert.equal(["a", "b", "c", "d"].map(on), [20, 20, 20, 10]);
  for (const { webSocket } of all) webSocket.terminate();
  await fleet.stop();
});

test.needing(reason, "a machine that has vanished: its connections are closed for it", async () => {
  const fleet = await Fleet.start("haproxy.cfg", GATES);
  const all: Awaited<ReturnType<typeof open>>[] = [];
  for (let i = 0; i < 7; i++) all.push(await open(fleet));
  // It answers nothing any more, and closes nothing.
  fleet.gates.get("a")!.signal("SIGSTOP");
  for (const { name, code } of all) if (name === "a") assert.is(await code, 1006);
  for (const { name, webSocket } of all) assert.is(webSocket.readyState === WebSocket.OPEN, name !== "a");
  assert.match(fleet.balancer.printed(), /Server gates\/a is DOWN, reason: Layer\d timeout/);
  for (const { webSocket } of all) webSocket.terminate();
  await fleet.stop();
});

test.needing(
  reason,
  "404 of a gate that is about to drain spares its WebSockets, and any other failed check does not",
  async () => {
    for (const [change, expected] of [
      [(text: string): string => text, 1001],
      [(text: string): string => text.replace("    http-check disable-on-404\n", ""), 1006],
    ] as const) {
      const fleet = await Fleet.start("haproxy.cfg", { ...GATES, SPREAD: "0" }, change);
      const { name, code } = await open(fleet);
      const drained = fleet.drain(name);
      assert.is(await code, expected);
      await drained;
      await fleet.stop();
    }
  },
);

test.needing(reason, "the gate is as strict with health checks as with clients", async () => {
  const fleet = await Fleet.start("haproxy.cfg", GATES);
  assert.match(String(await fleet.ask()), /^[a-d]$/);
  // The port of Host is compared with the public one.
  assert.match(String(await fleet.ask("app.example.com:443")), /^[a-d]$/);
  assert.is(await fleet.ask("app.example.com:9000"), 421);
  assert.match(await overHttp2(fleet, { ":path": "/page" }), /^200 .*"scheme":"https"/);
  assert.match(await overHttp2(fleet, { ...CONNECT, "sec-websocket-version": "13" }), /^200 .{2}[a-d]$/s);
  // The name of the health checks is not that of the client's TLS.
  assert.is(await fleet.ask("health.internal"), 421);
  for (const gate of fleet.gates.values()) assert.not.match(gate.printed(), "HOST_MISSING");
  await fleet.stop();

  const unnamed = await Fleet.start("haproxy.cfg", GATES, (text) => text.replace(" hdr Host health.internal", ""));
  const isDown = (): boolean => /Server gates\/\w is DOWN, .*code: 400/.test(unnamed.balancer.printed());
  await until(isDown, () => `checks without Host fail: ${unnamed.balancer.printed()}`);
  await unnamed.stop();
});
