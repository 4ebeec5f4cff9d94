// In:    HAProxy, nginx and curl, which write PROXY headers before requests and opening handshakes.
// Out:   whether the gate that they connect to knows the client, and the example runs.
// Never: writes a header itself.

import { execFile } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import http2 from "node:http2";
import net from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import tls from "node:tls";
import { promisify } from "node:util";
import * as assert from "uvu/assert";
import { WebSocket, WebSocketServer } from "ws";
import type { Arrival } from "#src/arrival/arrival.js";
import { createGate, type Gate } from "#src/gate.js";
import { wsFramer } from "#src/handover/ws.js";
import { NO_LISTEN_SERVER } from "#src/policy/vhost.js";
import { certificate } from "./support/certificate.js";
import { cannotRunHaproxy, startHaproxy, WITH_TLS } from "./support/haproxy.js";
import { cannotRunNginx, startNginx } from "./support/nginx.js";
import { freePort, missing, start, stopAll } from "./support/program.js";
import { suite } from "./support/suite.js";
import { Client, closeDoors, type Door, openDoor } from "./support/tcp.js";
import { until } from "./support/until.js";

const run = promisify(execFile);
const folder = mkdtempSync(join(tmpdir(), "headgate-proxies-"));
const { key, cert } = certificate();
const pem = join(folder, "site.pem");
writeFileSync(pem, key + cert);

/** A gate that trusts the loopback interface, and what it learns of clients. */
interface Behind {
  readonly gate: Gate;
  readonly door: Door;
  readonly arrivals: Arrival[];
  /** Codes of connections that came to nothing, in order. */
  readonly abandoned: string[];
}

async function openBehind(): Promise<Behind> {
  const wss = new WebSocketServer({ noServer: true });
  wss.on("connection", (webSocket) => webSocket.on("message", (data) => webSocket.send(`echo ${data}`)));
  const arrivals: Arrival[] = [];
  const abandoned: string[] = [];
  const gate = createGate({
    vhosts: [{ name: "localhost", port: NO_LISTEN_SERVER, upgrades: { "/live": wsFramer(wss) } }],
    trust: { from: ["127.0.0.1"], proxyProtocol: true },
    requests: (_request, response) => response.end("served"),
  });
  gate.on("accepted", ({ arrival }) => arrivals.push(arrival));
  gate.on("abandoned", ({ code, stage }) => abandoned.push(`${code} ${stage}`));
  return { gate, door: await openDoor((socket) => gate.adopt(socket)), arrivals, abandoned };
}

/** A request and a WebSocket through a proxy; the client's own port of each. */
async function knock(port: number, encrypted: boolean): Promise<number[]> {
  const options = { port, host: "127.0.0.1", ca: cert, servername: "localhost", ALPNProtocols: ["http/1.1"] };
  const socket = encrypted ? tls.connect(options) : net.connect(options);
  await once(socket, encrypted ? "secureConnect" : "connect");
  const ports = [socket.localPort!];
  const client = new Client(socket);
  await client.send("GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
  const [response] = await client.all();
  assert.is(String(response!.body), "served");
  const webSocket = new WebSocket(`${encrypted ? "wss" : "ws"}://localhost:${port}/live`, { ca: cert, family: 4 });
  webSocket.on("upgrade", ({ socket: upgraded }) => ports.push(upgraded.localPort!));
  await once(webSocket, "open");
  webSocket.send("hi");
  const [data] = await once(webSocket, "message");
  assert.is(String(data), "echo hi");
  webSocket.close();
  await once(webSocket, "close");
  return ports;
}

/** Whether the gate saw each client by its own address and port, and where it connected to. */
function checkArrivals(arrivals: readonly Arrival[], ports: readonly number[], publicPort: number): void {
  assert.equal(
    arrivals.map(({ remoteAddress, remotePort, localPort }) => [remoteAddress, remotePort, localPort]),
    ports.map((port) => ["127.0.0.1", port, publicPort]),
  );
}

const programs = suite("PROXY: real programs");
programs.after(async () => {
  await stopAll();
  await closeDoors();
  rmSync(folder, { recursive: true });
});

const noHaproxy = cannotRunHaproxy();
const noTls = cannotRunHaproxy(WITH_TLS);
const noNginx = cannotRunNginx(folder);
const noCurl = missing("curl", "--help all", { "--haproxy-protocol": /--haproxy-protocol/ });

for (const [setting, version] of [
  ["send-proxy", 1],
  ["send-proxy-v2", 2],
] as const) {
  programs.needing(noHaproxy, `HAProxy with ${setting}, and its health checks`, async () => {
    const { door, arrivals, abandoned } = await openBehind();
    const port = await freePort();
    const proxy = await startHaproxy(
      folder,
      `defaults\n mode tcp\n timeout connect 5s\n timeout client 30s\n timeout server 30s\n` +
        `frontend front\n bind 127.0.0.1:${port}\n default_backend gate\n` +
        `backend gate\n server gate 127.0.0.1:${door.port} ${setting} check inter 50ms\n`,
      [port],
    );
    checkArrivals(arrivals, await knock(port, false), port);
    for (const { proxy: said, schemeSource } of arrivals) {
      assert.equal([said?.version, said?.hop, said?.tls, schemeSource], [version, "127.0.0.1", null, "default"]);
    }
    const isCheck = (each: string): boolean => /^(?:PEER_ENDED|SOCKET_ERROR) silent$/.test(each);
    await until(() => abandoned.some(isCheck), "a health check");
    // A check that is reset before it is adopted has no address any more.
    assert.not.ok(
      abandoned.some((each) => each.startsWith("PROXY")),
      abandoned.join(),
    );
    await proxy.stop();
    await door.close();
  });
}

programs.needing(noTls, "examples/haproxy/haproxy.cfg: TLS, SNI, unique id and checksum of its clients", async () => {
  const { door, arrivals } = await openBehind();
  const [plain, encrypted] = [await freePort(), await freePort()];
  const proxy = await start("haproxy", ["-db", "-f", "examples/haproxy/haproxy.cfg"], [plain, encrypted], {
    PLAIN_PORT: `${plain}`,
    TLS_PORT: `${encrypted}`,
    GATE_PORT: `${door.port}`,
    CERTIFICATE: pem,
  });
  checkArrivals(arrivals, await knock(plain, false), plain);
  for (const { scheme, schemeSource, proxy: said } of arrivals) {
    assert.equal([scheme, schemeSource, said?.tls], ["http", "proxy", false]);
  }
  arrivals.length = 0;
  checkArrivals(arrivals, await knock(encrypted, true), encrypted);
  const ids = new Set<string | null>();
  for (const { scheme, schemeSource, proxy: said } of arrivals) {
    assert.equal([scheme, schemeSource, said?.authority], ["https", "proxy", "localhost"]);
    assert.ok(said!.tls);
    assert.match(said!.tls.version!, /^TLSv1\.[23]$/);
    assert.match(said!.tls.cipher!, /AES|CHACHA/);
    assert.match(said!.uniqueId!, /^[0-9A-F]+:[0-9A-F]+_/);
    ids.add(said!.uniqueId);
  }
  assert.is(arrivals[0]!.proxy?.alpn, "http/1.1");
  assert.is(ids.size, 2);
  await proxy.stop();
  await door.close();
});

programs.needing(noTls, "examples/haproxy/gate.ts reports what it knows about a client", async () => {
  const [plain, encrypted, behind] = [await freePort(), await freePort(), await freePort()];
  const ports = { PLAIN_PORT: `${plain}`, TLS_PORT: `${encrypted}`, GATE_PORT: `${behind}`, CERTIFICATE: pem };
  const gate = await start(process.execPath, ["dist/examples/haproxy/gate.js"], [behind], ports);
  const proxy = await start("haproxy", ["-db", "-f", "examples/haproxy/haproxy.cfg"], [plain, encrypted], ports);
  const page = async (port: number, encrypts: boolean): Promise<Record<string, unknown>> => {
    const options = { port, host: "127.0.0.1", ca: cert, servername: "localhost" };
    for (let timeouts = 0; ; timeouts++) {
      const client = new Client(encrypts ? tls.connect(options) : net.connect(options));
      await client.send("GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
      const [response] = await client.all();
      if (response !== undefined) return JSON.parse(String(response.body));
      // On a machine that stalls for longer than the example's deadline the head comes too late.
      const late = gate.printed().match(/HEAD_TIMEOUT/g)?.length ?? 0;
      if (late <= timeouts) throw new Error(`no response; the gate printed: ${gate.printed()}`);
    }
  };
  const seen = await page(encrypted, true);
  assert.equal([seen.scheme, seen.localPort, seen.authority], ["https", encrypted, "localhost"]);
  assert.equal((await page(plain, false)).tls, null);
  const past = new Client(net.connect(behind, "127.0.0.1"));
  await past.send("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n");
  await past.closed();
  assert.is(past.received.length, 0);
  await until(() => /PROXY_SIGNATURE at octet 0.*PROXY_MISSING, /.test(gate.printed()), "the gate's reason");
  await proxy.stop();
  await gate.stop();
});

programs.needing(noHaproxy, "examples/haproxy/passthrough: HAProxy passes TLS on, which ends in the gate", async () => {
  const [encrypted, behind] = [await freePort(), await freePort()];
  const ports = { TLS_PORT: `${encrypted}`, GATE_PORT: `${behind}`, CERTIFICATE: pem };
  const gate = await start(process.execPath, ["dist/examples/haproxy/passthrough.js"], [behind], ports);
  const proxy = await start("haproxy", ["-db", "-f", "examples/haproxy/passthrough.cfg"], [encrypted], ports);
  const ask = async (host: string): Promise<{ status: number; body: string; port: number }> => {
    const options = { port: encrypted, host: "127.0.0.1", ca: cert, servername: "localhost" };
    const socket = tls.connect(options);
    await once(socket, "secureConnect");
    const { localPort } = socket;
    const client = new Client(socket);
    await client.send(`GET / HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`);
    const [response] = await client.all();
    return { status: response!.statusCode, body: String(response!.body), port: localPort! };
  };
  const { body, port } = await ask("localhost");
  assert.equal(JSON.parse(body), {
    remoteAddress: "127.0.0.1",
    remotePort: port,
    localPort: encrypted,
    scheme: "https",
    schemeSource: "tls",
    serverName: "localhost",
    httpVersion: "1.1",
  });
  const session = http2.connect(`https://localhost:${encrypted}`, { ca: cert });
  const stream = session.request({ ":path": "/" });
  const [octets] = await once(stream, "data");
  assert.equal(JSON.parse(String(octets)).httpVersion, "2.0");
  assert.equal(JSON.parse(String(octets)).remotePort, session.socket.localPort);
  session.destroy();
  assert.is((await ask("other")).status, 421);
  await proxy.stop();
  await gate.stop();
});

programs.needing(noNginx, "nginx as a stream proxy with proxy_protocol on", async () => {
  const { door, arrivals } = await openBehind();
  const [plain, encrypted] = [await freePort(), await freePort()];
  const nginx = await startNginx(
    folder,
    `include /etc/nginx/modules-enabled/*.conf;\ndaemon off;\nmaster_process off;\npid ${folder}/nginx.pid;\nerror_log stderr;\n` +
      `events {}\nstream {\n` +
      ` server { listen 127.0.0.1:${plain}; proxy_pass 127.0.0.1:${door.port}; proxy_protocol on; }\n` +
      ` server { listen 127.0.0.1:${encrypted} ssl; ssl_certificate ${pem}; ssl_certificate_key ${pem};` +
      ` proxy_pass 127.0.0.1:${door.port}; proxy_protocol on; }\n}\n`,
    [plain, encrypted],
  );
  checkArrivals(arrivals, await knock(plain, false), plain);
  arrivals.length = 0;
  checkArrivals(arrivals, await knock(encrypted, true), encrypted);
  // Version 1 states nothing about TLS.
  assert.equal([arrivals[0]!.scheme, arrivals[0]!.proxy?.version], ["http", 1]);
  await nginx.stop();
  await door.close();
});

programs.needing(noCurl, "curl --haproxy-protocol, and without", async () => {
  const { door, arrivals, abandoned } = await openBehind();
  const url = `http://localhost:${door.port}/`;
  const { stdout } = await run("curl", ["-4", "-sS", "--haproxy-protocol", "--noproxy", "*", url]);
  assert.is(stdout, "served");
  assert.is(
    arrivals[0]!.remotePort,
    arrivals[0]!.proxy?.source && (arrivals[0]!.proxy.source as { port: number }).port,
  );
  assert.is(arrivals[0]!.localPort, door.port);
  const failed = await run("curl", ["-4", "-sS", "--noproxy", "*", url]).catch((error: Error) => error.message);
  assert.match(String(failed), /Empty reply from server|reset/);
  assert.ok(abandoned.includes("PROXY_MISSING proxy"), abandoned.join());
  await door.close();
});
