// In:    openssl, curl, Chromium and Node as TLS clients, each in its own way.
// Out:   whether their ClientHellos are read as Node's TLS reads them, and whether a gate speaks TLS with them; the example runs.
// Never: writes a ClientHello itself.

import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import net from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import tls from "node:tls";
import { promisify } from "node:util";
import * as assert from "uvu/assert";
import type { ClientHello } from "#src/arrival/tls/client-hello.js";
import { ClientHelloReader } from "#src/arrival/tls/records.js";
import { type Arrival, createGate, NO_LISTEN_SERVER } from "#src/index.js";
import { certificate } from "./support/certificate.js";
import { launchChromium } from "./support/chromium.js";
import { freePort, missing, start, stopAll } from "./support/program.js";
import { suite } from "./support/suite.js";
import { until } from "./support/until.js";

const run = promisify(execFile);
const folder = mkdtempSync(join(tmpdir(), "headgate-tls-"));
const file = (name: string, text: string): string => {
  const path = join(folder, name);
  writeFileSync(path, text);
  return path;
};
const a = certificate("a.test");
const ca = file("a.crt", a.cert);

/** What Node's TLS learns of a client, and the octets that it was given, up to the first flight's end. */
interface Witness {
  readonly port: number;
  readonly seen: { serverName: string | null; protocols: string[]; octets: Buffer }[];
  close(): Promise<void>;
}

/** A server that speaks TLS by Node, and notes the octets on the way. */
async function openWitness(): Promise<Witness> {
  const seen: Witness["seen"] = [];
  const server = net.createServer((socket) => {
    const noted = { serverName: null as string | null, protocols: [] as string[], octets: Buffer.alloc(0) };
    const speaking = tls.createServer({
      ...a,
      SNICallback: (name, done) => {
        noted.serverName = name;
        done(null);
      },
      ALPNCallback: ({ protocols }) => {
        noted.protocols = protocols;
        return protocols.includes("http/1.1") ? "http/1.1" : protocols[0];
      },
    });
    speaking.on("secureConnection", (secured) => {
      seen.push(noted);
      secured.on("error", () => {});
      secured.once("data", () => secured.end("HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok"));
    });
    speaking.on("tlsClientError", () => {});
    socket.on("error", () => {});
    const gather = (octets: Buffer): void => {
      noted.octets = Buffer.concat([noted.octets, octets]);
      // The complete first flight, by the lengths of its records and of its message alone.
      if (!isWhole(noted.octets)) return;
      socket.removeListener("data", gather);
      socket.pause();
      socket.unshift(noted.octets);
      speaking.emit("connection", socket);
    };
    socket.on("data", gather);
  });
  await once(server.listen(0, "127.0.0.1"), "listening");
  return {
    port: (server.address() as net.AddressInfo).port,
    seen,
    async close() {
      server.close();
      await once(server, "close");
    },
  };
}

function isWhole(octets: Buffer): boolean {
  const pieces: Buffer[] = [];
  for (let at = 0; at + 5 <= octets.length; at += 5 + octets.readUInt16BE(at + 3)) {
    pieces.push(octets.subarray(at + 5, at + 5 + octets.readUInt16BE(at + 3)));
  }
  const message = Buffer.concat(pieces);
  return message.length >= 4 && message.length >= 4 + message.readUIntBE(1, 3);
}

/** The reader's answer, the same at every cut in two and octet by octet. */
function readAtEveryCut(octets: Buffer): ClientHello {
  const read = (pieces: Buffer[]): ClientHello => {
    const reader = new ClientHelloReader(16_384);
    for (const piece of pieces) {
      const result = reader.read(piece);
      if (result.kind === "complete") return result.hello;
      if (result.kind === "malformed") throw new Error(`${result.fault}`);
    }
    throw new Error("no end");
  };
  const whole = read([octets]);
  assert.equal(read(Array.from(octets, (octet) => Buffer.of(octet))), whole);
  for (let cut = 1; cut < octets.length; cut++) {
    assert.equal(read([octets.subarray(0, cut), octets.subarray(cut)]), whole, `cut at ${cut}`);
  }
  return whole;
}

/** Compares what was read of every client so far with what Node's TLS has learned of it. */
function compare(witness: Witness, least: number): ClientHello[] {
  assert.ok(witness.seen.length >= least, `${witness.seen.length} handshakes`);
  return witness.seen.splice(0).map(({ serverName, protocols, octets }) => {
    const hello = readAtEveryCut(octets);
    assert.equal([hello.serverName, hello.alpnProtocols], [serverName, protocols]);
    return hello;
  });
}

const { browser, noBrowser } = await launchChromium();
const clients = suite("TLS: real clients");
clients.after(async () => {
  await browser?.close();
  await stopAll();
  rmSync(folder, { recursive: true });
});

clients("Node's ClientHellos, with names and protocols at random", async () => {
  const witness = await openWitness();
  for (let i = 0; i < 24; i++) {
    const ALPNProtocols = Array.from({ length: i % 5 }, (_, n) => `p${n}${"x".repeat((i * 7 * n) % 200)}`);
    const servername = i % 4 === 0 ? "" : `${"a".repeat(1 + (i % 60))}.example-${i}.test`;
    const version = i % 3 === 0 ? ({ maxVersion: "TLSv1.2" } as const) : {};
    const to = { port: witness.port, host: "127.0.0.1", rejectUnauthorized: false, servername, ...version };
    const socket = tls.connect(i % 5 === 0 ? to : { ...to, ALPNProtocols });
    socket.on("error", () => {});
    await once(socket, "secureConnect");
    socket.end("x");
    socket.resume();
    await once(socket, "close");
  }
  const hellos = compare(witness, 24);
  assert.equal(new Set(hellos.map(({ offersTls13 }) => offersTls13)), new Set([true, false]));
  await witness.close();
});

/** What openssl s_client prints, when it has sent `octets` and the server has closed. */
async function openssl(port: number, options: readonly string[], octets: string): Promise<string> {
  const child = spawn("openssl", ["s_client", "-connect", `127.0.0.1:${port}`, "-ign_eof", ...options], {
    stdio: ["pipe", "pipe", "pipe"],
  });
  let text = "";
  for (const stream of [child.stdout, child.stderr]) stream.on("data", (piece) => (text += piece));
  child.stdin.on("error", () => {});
  child.stdin.write(octets);
  const timer = setTimeout(() => child.kill(), 30_000);
  await once(child, "close");
  clearTimeout(timer);
  return text;
}

const GET = "GET / HTTP/1.1\r\nHost: a.test\r\nConnection: close\r\n\r\n";

/** A gate that speaks TLS for a.test, and a net.Server whose sockets it adopts. */
async function openGate(more: tls.TlsOptions = {}) {
  const arrivals: Arrival[] = [];
  const codes: string[] = [];
  const gate = createGate({
    vhosts: [{ name: "a.test", port: NO_LISTEN_SERVER, requires: "https" }],
    tls: { "a.test": { ...a, ...more } },
    requests: (_, response) => response.end("served over TLS"),
  });
  gate.on("accepted", ({ arrival }) => arrivals.push(arrival));
  gate.on("abandoned", ({ code, stage }) => codes.push(`${code} ${stage}`));
  const server = net.createServer((socket) => gate.adopt(socket));
  await once(server.listen(0, "127.0.0.1"), "listening");
  return { arrivals, codes, port: (server.address() as net.AddressInfo).port, close: () => server.close() };
}

const OPTIONS = ["-alpn", "-ign_eof", "-max_send_frag", "-noservername", "-tls1_2", "-tls1_3"];
const noOpenssl = missing(
  "openssl",
  "s_client -help",
  Object.fromEntries(OPTIONS.map((option) => [option, new RegExp(`${option}\\b`)])),
);
clients.needing(noOpenssl, "openssl s_client: its ClientHellos, one of them over several records", async () => {
  const witness = await openWitness();
  const many = Array.from({ length: 40 }, (_, i) => `protocol-number-${i}`).join(",");
  for (const options of [
    ["-servername", "a.test", "-alpn", "h2,http/1.1"],
    ["-noservername"],
    ["-servername", "A.test", "-tls1_2"],
    ["-servername", "a.test", "-tls1_3", "-alpn", many, "-max_send_frag", "512"],
  ]) {
    assert.match(await openssl(witness.port, options, GET), /200 OK/);
  }
  witness.seen.forEach((each, i) => {
    // A reader has names in lower case, Node as they were sent.
    if (i === 2) each.serverName = each.serverName!.toLowerCase();
  });
  const fragmented = witness.seen[3]!.octets;
  assert.ok(fragmented.readUInt16BE(3) <= 512 && fragmented.length > 600, `${fragmented.length} octets`);
  compare(witness, 4);
  await witness.close();
});

clients.needing(noOpenssl, "openssl s_client: server names, protocols, versions and alerts of a gate", async () => {
  const gate = await openGate();
  for (const [options, expected] of [
    [
      ["-servername", "a.test", "-alpn", "foo,http/1.1", "-CAfile", ca],
      /ALPN protocol: http\/1\.1[\s\S]*Verify return code: 0 [\s\S]*served over TLS/,
    ],
    [["-servername", "A.TEST", "-tls1_2"], /Protocol *: TLSv1\.2[\s\S]*served over TLS/],
    [["-servername", "a.test", "-tls1_3"], /TLSv1\.3[\s\S]*served over TLS/],
    [["-servername", "a.test", "-alpn", "foo"], /no application protocol/],
    [["-servername", "b.test"], /unrecognized name/],
    [["-noservername"], /missing extension/],
    [["-servername", "192.0.2.1"], /missing extension/],
  ] as const) {
    assert.match(await openssl(gate.port, options, GET), expected, options.join(" "));
  }
  assert.equal(gate.codes, [
    "TLS_FAILED tls",
    "SERVER_NAME_UNKNOWN tls",
    "SERVER_NAME_UNKNOWN tls",
    "SERVER_NAME_UNKNOWN tls",
  ]);
  assert.equal(
    gate.arrivals.map(({ serverName, alpnProtocol }) => `${serverName} ${alpnProtocol}`),
    ["a.test http/1.1", "a.test null", "a.test null"],
  );
  gate.close();
});

clients.needing(noOpenssl, "openssl s_client -cert: a client's certificate", async () => {
  const client = certificate("client");
  const stranger = certificate("client");
  const gate = await openGate({ ca: client.cert, requestCert: true });
  const withCertificate = ({ key, cert }: { key: string; cert: string }): string[] => {
    return ["-servername", "a.test", "-cert", file("client.crt", cert), "-key", file("client.key", key)];
  };
  assert.match(await openssl(gate.port, withCertificate(client), GET), /served over TLS/);
  assert.not.match(await openssl(gate.port, withCertificate(stranger), GET), /served over TLS/);
  assert.not.match(await openssl(gate.port, ["-servername", "a.test"], GET), /served over TLS/);
  assert.equal(
    [gate.arrivals.map(({ clientVerified }) => clientVerified), gate.codes],
    [[true], ["TLS_FAILED tls", "TLS_FAILED tls"]],
  );
  gate.close();
});

const noCurl = missing("curl", "--version", { TLS: /^Features:.* SSL/m });
const curl = (port: number, ...options: string[]) =>
  run("curl", [
    "-sS",
    "--noproxy",
    "*",
    "--resolve",
    `a.test:${port}:127.0.0.1`,
    ...options,
    `https://a.test:${port}/`,
  ]);

clients.needing(noCurl, "curl: its ClientHello, and its verification of the gate", async () => {
  const witness = await openWitness();
  assert.is((await curl(witness.port, "-k")).stdout, "ok");
  assert.is((await curl(witness.port, "-k", "--http1.1", "--tls-max", "1.2")).stdout, "ok");
  compare(witness, 2);
  await witness.close();
  const gate = await openGate();
  assert.is((await curl(gate.port, "--cacert", ca)).stdout, "served over TLS");
  const { stdout } = await curl(
    gate.port,
    "--cacert",
    ca,
    "-H",
    "Host: b.test",
    "-w",
    "%{http_code}",
    "-o",
    "/dev/null",
  );
  assert.is(stdout, "421");
  gate.close();
});

clients.needing(noCurl, "examples/tls/gate.ts: two names, and new certificates at SIGHUP", async () => {
  const names = ["a.example.com", "b.example.com"];
  const renew = (): string[] =>
    names.map((name) => {
      const { key, cert } = certificate(name);
      file(`${name}.key`, key);
      return file(`${name}.crt`, cert);
    });
  const port = await freePort();
  const [, second] = renew();
  const environment = { CERTIFICATES: folder, PORT: `${port}` };
  const gate = await start(process.execPath, ["dist/examples/tls/gate.js"], [port], environment);
  const ask = async (name: string, trusted: string, version = "--http1.1"): Promise<string> => {
    const to = ["--resolve", `${name}:${port}:127.0.0.1`, "--cacert", trusted, `https://${name}:${port}/`];
    return run("curl", ["-sS", version, "--noproxy", "*", ...to]).then(
      ({ stdout }) => stdout,
      (error: Error) => error.message,
    );
  };
  assert.is(await ask("b.example.com", second!), `b.example.com:${port} by TLS for b.example.com, http/1.1\n`);
  // Requests of HTTP/2 have no Host.
  assert.is(await ask("b.example.com", second!, "--http2"), `b.example.com:${port} by TLS for b.example.com, h2\n`);
  const former = file("former.crt", readFileSync(second!, "latin1"));
  renew();
  gate.signal("SIGHUP");
  await until(() => gate.printed().includes("certificates renewed"), "certificates are renewed");
  assert.match(await ask("b.example.com", former), /certificate/);
  assert.match(await ask("b.example.com", second!), /^b\.example\.com:\d+ by TLS for b\.example\.com, http\/1\.1\n$/);
  await gate.stop();
});

clients.needing(noBrowser, "Chromium: its ClientHello with GREASE, and a page of the gate", async () => {
  const witness = await openWitness();
  const page = await browser!.newPage({ ignoreHTTPSErrors: true });
  await page.goto(`https://localhost:${witness.port}/`);
  const hellos = compare(witness, 1);
  assert.ok(hellos.some(({ serverName, offersTls13 }) => serverName === "localhost" && offersTls13));
  const gate = createGate({
    vhosts: [{ name: "localhost", port: NO_LISTEN_SERVER, requires: "https" }],
    tls: { localhost: certificate() },
    requests: (_, response) => response.end("served over TLS"),
  });
  const server = net.createServer((socket) => gate.adopt(socket));
  await once(server.listen(0, "127.0.0.1"), "listening");
  await page.goto(`https://localhost:${(server.address() as net.AddressInfo).port}/`);
  assert.is(await page.locator("body").innerText(), "served over TLS");
  await page.close();
  await witness.close();
  server.close();
});
