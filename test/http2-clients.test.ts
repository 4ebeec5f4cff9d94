// In:    Chromium, curl and nghttp2's own programs as clients of HTTP/2.
// Out:   whether a gate serves them, by which protocol, and what a browser makes of a refusal.
// Never: writes a frame itself.

import { execFile } from "node:child_process";
import { createHash, X509Certificate } from "node:crypto";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import net, { type AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import type { Page } from "playwright-core";
import * as assert from "uvu/assert";
import { WebSocketServer } from "ws";
import { createGate } from "#src/gate.js";
import type { GateOptions } from "#src/gate-options.js";
import { wsFramer } from "#src/handover/ws.js";
import type { Decision } from "#src/policy/decision.js";
import { explain } from "#src/policy/explain.js";
import { NO_LISTEN_SERVER } from "#src/policy/vhost.js";
import { certificate } from "./support/certificate.js";
import { launchChromium } from "./support/chromium.js";
import { missing } from "./support/program.js";
import { suite } from "./support/suite.js";

const run = promisify(execFile);
const folder = mkdtempSync(join(tmpdir(), "headgate-http2-"));
const secret = certificate("a.site.test", "b.site.test", "localhost");
const ca = join(folder, "ca.crt");
writeFileSync(ca, secret.cert);
const spki = createHash("sha256")
  .update(new X509Certificate(secret.cert).publicKey.export({ type: "spki", format: "der" }))
  .digest("base64");

const { browser, noBrowser } = await launchChromium(
  "--host-resolver-rules=MAP *.test 127.0.0.1",
  `--ignore-certificate-errors-spki-list=${spki}`,
);
const wss = new WebSocketServer({ noServer: true });
wss.on("connection", (webSocket) => webSocket.on("message", (data) => webSocket.send(`echo ${data}`)));

interface Opened {
  readonly port: number;
  /** What was decided, in order. */
  readonly decisions: Decision[];
  close(): Promise<void>;
}

async function open(options: Partial<GateOptions> = {}): Promise<Opened> {
  const vhost = { port: NO_LISTEN_SERVER, upgrades: { "/live": wsFramer(wss) } } as const;
  const gate = createGate({
    vhosts: ["a.site.test", "b.site.test", "localhost"].map((name) => ({ ...vhost, name })),
    tls: { "*": secret },
    requests: (request, response) => {
      response.setHeader("Content-Type", "text/html");
      response.end(`over ${request.httpVersion}`);
    },
    ...options,
  });
  const decisions: Decision[] = [];
  gate.on("accepted", (decision) => decisions.push(decision));
  gate.on("refused", (decision) => decisions.push(decision));
  const server = net.createServer((socket) => gate.adopt(socket));
  const sockets = new Set<net.Socket>();
  server.on("connection", (socket) => sockets.add(socket.once("close", () => sockets.delete(socket))));
  await once(server.listen(0, "127.0.0.1"), "listening");
  return {
    port: (server.address() as AddressInfo).port,
    decisions,
    async close() {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, "close");
    },
  };
}

const test = suite("HTTP/2: real clients");
test.after(async () => {
  await browser?.close();
  rmSync(folder, { recursive: true });
});

/** Opens a WebSocket in a page; what it heard, or `not opened`. */
function webSocketOf(page: Page, url: string): Promise<string> {
  return page.evaluate<string>(`new Promise((resolve) => {
    const webSocket = new WebSocket(${JSON.stringify(url)});
    webSocket.onopen = () => webSocket.send("hello");
    webSocket.onmessage = ({ data }) => { webSocket.close(); resolve(data); };
    webSocket.onerror = () => resolve("not opened");
  })`);
}

/** Without the words that differ between the protocols. */
const words = (decision: Decision): string => explain(decision).replace(/came from (?:Host|:authority)/g, "as said");

test.needing(
  noBrowser,
  "Chromium: its WebSocket rides the session of its page, and else comes over HTTP/1.1 to the same decisions",
  async () => {
    const explained: string[][] = [];
    for (const enableConnectProtocol of [true, false]) {
      const { port, decisions, close } = await open({ http2: { enableConnectProtocol } });
      const page = await browser!.newPage({ ignoreHTTPSErrors: true });
      await page.goto(`https://localhost:${port}/`);
      assert.is(await page.locator("body").innerText(), "over 2.0");
      assert.is(await webSocketOf(page, `wss://localhost:${port}/live`), "echo hello");
      assert.is(await webSocketOf(page, `wss://localhost:${port}/nowhere`), "not opened");
      const [first] = decisions;
      const opened = decisions.filter(({ upgrade }) => upgrade);
      const version = enableConnectProtocol ? "2.0" : "1.1";
      assert.equal(
        opened.map(({ head }) => head.httpVersion),
        [version, version],
      );
      for (const { arrival } of opened) {
        assert.is(arrival.remotePort === first!.arrival.remotePort, enableConnectProtocol);
      }
      explained.push(opened.map(words).map((text) => text.replaceAll(`${port}`, "PORT")));
      await page.close();
      await close();
    }
    assert.equal(explained[0], explained[1]);
  },
);

test.needing(
  noBrowser,
  "Chromium: a second host on the connection of another is 421, and gets a connection of its own",
  async () => {
    const { port, decisions, close } = await open();
    const page = await browser!.newPage();
    await page.goto(`https://a.site.test:${port}/`);
    const status = await page.evaluate(
      `fetch("https://b.site.test:${port}/x", { mode: "no-cors", credentials: "include" }).then(({ type }) => type)`,
    );
    assert.is(status, "opaque");
    const asked = decisions.filter(({ head }) => head.path === "/x");
    assert.equal(
      asked.map((decision) => (decision.kind === "refused" ? decision.code : decision.vhost.name)),
      ["SERVER_NAME_MISMATCH", "b.site.test"],
    );
    const ports = asked.map(({ arrival }) => arrival.remotePort);
    assert.is(ports[0], decisions[0]!.arrival.remotePort);
    assert.is.not(ports[1], ports[0]);
    await page.close();
    await close();
  },
);

const noCurl = missing("curl", "--version", { HTTP2: /^Features:.* HTTP2/m, TLS: /^Features:.* SSL/m });
test.needing(noCurl, "curl: by ALPN, by prior knowledge, and by Upgrade, which is ignored", async () => {
  const { port, decisions, close } = await open({ http2: { cleartext: true } });
  const get = async (...options: string[]): Promise<string> => {
    const format = ["-sS", "-4", "--noproxy", "*", "-w", " %{http_code} %{http_version}"];
    return (await run("curl", [...format, ...options])).stdout;
  };
  const secure = ["--cacert", ca, "--resolve", `a.site.test:${port}:127.0.0.1`, `https://a.site.test:${port}/`];
  assert.is(await get("--http2", ...secure), "over 2.0 200 2");
  assert.is(await get("--http1.1", ...secure), "over 1.1 200 1.1");
  assert.is(await get("--http2-prior-knowledge", `http://localhost:${port}/`), "over 2.0 200 2");
  assert.is(await get("--http2", `http://localhost:${port}/`), "over 1.1 200 1.1");
  const other = ["-H", "Host: other.test", `http://localhost:${port}/`];
  assert.is(await get("--http2-prior-knowledge", ...other), "Misdirected Request (NAME_UNKNOWN)\n 421 2");
  assert.equal(
    decisions.map(({ kind, head }) => `${kind} ${head.httpVersion}`),
    ["accepted 2.0", "accepted 1.1", "accepted 2.0", "accepted 1.1", "refused 2.0"],
  );
  await close();
});

const noNghttp = missing("nghttp", "--version") ?? missing("h2load", "--version");
test.needing(noNghttp, "nghttp and h2load: frames as nghttp2 writes them, and many streams at once", async () => {
  const { port, decisions, close } = await open({ http2: { cleartext: true } });
  const { stdout } = await run("nghttp", ["-v", "--no-verify-peer", `https://localhost:${port}/`]);
  assert.match(stdout, /SETTINGS_ENABLE_CONNECT_PROTOCOL\(0x08\):1/);
  assert.match(stdout, /:status: 200/);
  const refused = await run("nghttp", ["-v", "-H", ":authority: other", `http://localhost:${port}/`]);
  assert.match(refused.stdout, /:status: 421/);
  assert.equal(
    decisions.map(({ kind }) => kind),
    ["accepted", "refused"],
  );
  const load = await run("h2load", ["-n", "2000", "-c", "10", "-m", "50", `http://localhost:${port}/`]);
  assert.match(load.stdout, /2000 succeeded, 0 failed, 0 errored, 0 timeout/);
  assert.is(decisions.length, 2002);
  await close();
});
