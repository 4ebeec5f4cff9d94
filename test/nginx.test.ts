// In:    examples/nginx with the real nginx; clients that make false statements about themselves.
// Out:   whether the gate behind nginx knows client, scheme and public port, and explains what it refuses.
// Never: connects to the gate directly, except to bypass nginx.

import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import net from "node:net";
import { networkInterfaces, tmpdir } from "node:os";
import { join } from "node:path";
import tls from "node:tls";
import * as assert from "uvu/assert";
import { WebSocket } from "ws";
import { certificate } from "./support/certificate.js";
import { cannotRunNginx, startNginx } from "./support/nginx.js";
import { freePort, type Program, start, stopAll } from "./support/program.js";
import { skip, suite } from "./support/suite.js";
import { Client } from "./support/tcp.js";
import { until } from "./support/until.js";

const EXAMPLE = "examples/nginx/nginx.conf";
const folder = mkdtempSync(join(tmpdir(), "headgate-nginx-"));
const { key, cert } = certificate();

/** Every client's address here; nginx connects to the gate from another one. */
const CLIENT = "127.0.0.2";

const PUBLIC = ["8080", "8443", "8081", "8082"];
const BEHIND = ["9000", "9001", "9002"];

/** Ports as nginx.conf has them, each with one that is free here. */
type Ports = ReadonlyMap<string, number>;
let ports: Ports = new Map();
const port = (written: string): number => ports.get(written)!;

async function freePorts(written: readonly string[]): Promise<Map<string, number>> {
  const found = new Map<string, number>();
  for (const each of written) {
    let free = await freePort();
    while ([...found.values()].includes(free)) free = await freePort();
    found.set(each, free);
  }
  return found;
}

/** Starts nginx with the example's configuration, as `change` leaves it. */
async function startExample(own: Ports, change: (text: string) => string = (text) => text): Promise<Program> {
  const prefix = mkdtempSync(join(folder, "nginx-"));
  writeFileSync(join(prefix, "key.pem"), key);
  writeFileSync(join(prefix, "cert.pem"), cert);
  const text = readFileSync(EXAMPLE, "utf8")
    .replace(/:(\d{4})\b/g, (_, written: string) => `:${own.get(written)}`)
    .replaceAll("/tmp/nginx-gate", prefix);
  const doors = PUBLIC.map((each) => own.get(each)!);
  return startNginx(prefix, change(text), doors);
}

function connect(to: number, encrypted: boolean, from = CLIENT): Promise<net.Socket> {
  const socket = net.connect({ port: to, host: "127.0.0.1", localAddress: from });
  if (!encrypted) return once(socket, "connect").then(() => socket);
  const secure = tls.connect({ socket, ca: cert, servername: "localhost" });
  return once(secure, "secureConnect").then(() => secure);
}

/** The page of gate.ts, or the status code of a refusal. */
async function page(to: number, lines: string[] = [], encrypted = false): Promise<Record<string, unknown> | number> {
  const client = new Client(await connect(to, encrypted));
  const host = lines.some((line) => line.startsWith("Host:")) ? [] : [`Host: localhost:${to}`];
  await client.send(["GET / HTTP/1.1", ...host, "Connection: close", ...lines, "", ""].join("\r\n"));
  const [response] = await client.all();
  if (response === undefined) throw new Error(`no response; the gate printed: ${gate.printed()}`);
  return response.statusCode === 200 ? JSON.parse(String(response.body)) : response.statusCode;
}

/** What comes back for a message, or why the upgrade was refused. */
async function echo(to: number, encrypted: boolean, headers: Record<string, string>): Promise<string> {
  const webSocket = new WebSocket(`${encrypted ? "wss" : "ws"}://localhost:${to}/echo`, {
    ca: cert,
    family: 4,
    localAddress: CLIENT,
    headers,
  });
  return new Promise((resolve) => {
    webSocket.on("open", () => webSocket.send("hi"));
    webSocket.on("message", (data) => webSocket.close(1000, data.toString()));
    webSocket.on("error", (error) => resolve(error.message));
    webSocket.on("close", (code, reason) => resolve(`${code} ${reason}`));
  });
}

/** What a client may write to pass for another. */
const SPOOFED = [
  "Forwarded: for=203.0.113.9;proto=https;host=evil.example",
  "X-Forwarded-For: 203.0.113.9",
  "X-Forwarded-Host: evil.example",
  "X-Forwarded-Proto: https",
  "X-Forwarded-Port: 443",
];

let gate: Program;
let nginx: Program;

/** Waits until the gate has printed it. */
function printed(text: string): Promise<void> {
  return until(
    () => gate.printed().includes(text),
    () => `${text} in ${gate.printed()}`,
  );
}

/** The three ways, and the first one with TLS: the port of nginx, and how the explanation names the source. */
const ways = [
  ["8080", false, "Forwarded", "scheme http forwarded; Forwarded element 1 from trusted hop 127.0.0.1"],
  ["8443", true, "Forwarded, by TLS", "scheme https forwarded; Forwarded element 1 from trusted hop 127.0.0.1"],
  ["8081", false, "X-Forwarded", "scheme http forwarded; X-Forwarded element 1 from trusted hop 127.0.0.1"],
  ["8082", false, "PROXY", "PROXY from trusted hop 127.0.0.1, client 127.0.0.2:"],
] as const;

function testExample(): void {
  const test = suite("examples/nginx");
  test.before(async () => {
    ports = await freePorts([...PUBLIC, ...BEHIND]);
    gate = await start(process.execPath, ["dist/examples/nginx/gate.js"], BEHIND.map(port), {
      PUBLIC_PORTS: PUBLIC.map(port).join(),
      GATE_PORTS: BEHIND.map(port).join(),
    });
    nginx = await startExample(ports);
  });
  test.after(stopAll);

  for (const [written, encrypted, name, source] of ways) {
    test(`${name}: client, scheme and public port`, async () => {
      const seen = await page(port(written), [], encrypted);
      if (typeof seen === "number") throw new Error(`refused: ${seen}`);
      const { explanation, ...facts } = seen;
      assert.equal(facts, { client: CLIENT, scheme: encrypted ? "https" : "http", port: port(written) });
      assert.match(String(explanation), source);
    });

    test(`${name}: what clients say of themselves is not believed`, async () => {
      const [seen, spoofed] = [await page(port(written), [], encrypted), await page(port(written), SPOOFED, encrypted)];
      for (const each of [seen, spoofed] as Record<string, string>[]) {
        each.explanation = each.explanation!.replace(/(client 127\.0\.0\.2):\d+/, "$1");
      }
      assert.equal(spoofed, seen);
    });

    test(`${name}: a WebSocket, and pages of other sites`, async () => {
      const origin = `http${encrypted ? "s" : ""}://localhost:${port(written)}`;
      assert.is(await echo(port(written), encrypted, { Origin: origin }), "1000 echo: hi");
      const foreign = await echo(port(written), encrypted, { Origin: "https://evil.example" });
      assert.match(foreign, "403");
      await printed(`403 origin https://evil.example matches none of the allowed origins: ${origin} (localhost; `);
    });

    test(`${name}: a refusal states which client asked for what, and where that is known from`, async () => {
      const host = `${written}.evil.example`;
      assert.is(await page(port(written), [`Host: ${host}`, ...SPOOFED], encrypted), 421);
      await printed(`421 host ${host} matches none of the vhosts: localhost (`);
      const line = gate
        .printed()
        .split("\n")
        .find((each) => each.includes(host))!;
      assert.match(line, source);
      assert.match(line, `client ${CLIENT}`);
    });

    test(`${name}: a Host that would write elements into Forwarded`, async () => {
      const answer = await page(port(written), ['Host: localhost",for=203.0.113.9;host="localhost'], encrypted);
      assert.is(answer, 400);
    });
  }

  const noIpv6 = Object.values(networkInterfaces())
    .flat()
    .some((each) => each?.address === "::1")
    ? null
    : "this machine has no ::1";
  test.needing(noIpv6, "a client with an IPv6 address, which Forwarded has in brackets and quotes", async () => {
    const own = new Map([...ports, ...(await freePorts(PUBLIC))]);
    const [listen, to] = [`listen 127.0.0.1:${own.get("8080")};`, own.get("8080")!];
    const other = await startExample(own, (text) => text.replace(listen, `${listen} listen [::1]:${to};`));
    const client = new Client(net.connect(to, "::1"));
    // For this gate the ports of the first nginx are the public ones: it refuses, and names the client.
    await client.send("GET / HTTP/1.1\r\nHost: ipv6.example\r\nConnection: close\r\n\r\n");
    assert.is((await client.all())[0]!.statusCode, 421);
    await printed("421 host ipv6.example matches none of the vhosts");
    assert.match(gate.printed(), /ipv6\.example.*Forwarded element 1 from trusted hop 127\.0\.0\.1; client ::1\)/);
    await other.stop();
  });

  test("proxy_set_header Host $host loses the port; X-Forwarded-Port, where it counts, states it", async () => {
    const [first, second] = [port("8080"), port("8081")];
    await nginx.stop();
    nginx = await startExample(ports, (text) => text.replace("Host $http_host", "Host $host"));
    assert.is(await page(first), 421);
    await printed(`421 host port 80 mismatches vhost port ${first},`);
    assert.is(((await page(second)) as { port: number }).port, second);
  });

  test("a client that bypasses nginx is not believed, or is closed", async () => {
    const to = port("9000");
    const seen = (await page(to, [`Host: localhost:${port("8080")}`, ...SPOOFED])) as Record<string, string>;
    assert.equal([seen.client, seen.scheme], [CLIENT, "http"]);
    assert.is(await page(to, ["Host: past.example", ...SPOOFED]), 421);
    await printed("421 host past.example matches none of the vhosts: localhost (");
    assert.match(gate.printed(), /past\.example.*; Forwarded, .* not trusted from 127\.0\.0\.2\)/);
    const past = new Client(await connect(port("9002"), false));
    await past.send("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n");
    await past.closed();
    assert.is(past.received.length, 0);
    await printed("PROXY_UNTRUSTED");
  });
}

const reason = cannotRunNginx(folder);
if (reason !== null) skip("examples/nginx", reason);
else testExample();
process.once("exit", () => rmSync(folder, { recursive: true }));
