// In:    every way in.
// Out:   the contract's suite, run on each.
// Never: asks of one way what it does not ask of the others, but for what the way cannot have.

import { type ChildProcess, fork, spawn } from "node:child_process";
import { once } from "node:events";
import http from "node:http";
import net from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Duplex } from "node:stream";
import tls from "node:tls";
import { createGate, NO_LISTEN_SERVER } from "#src/index.js";
import { sendSocket, toProcess, UNREAD } from "#src/intake.js";
import { HEAD_TIMEOUT } from "#src/testing/way-in-gate.js";
import { wayInGate } from "#src/testing.js";
import { listenersOfTls } from "./contract/gate.js";
import { intakeContract, type Way } from "./contract/intake.js";
import { activate, cannotActivate } from "./support/activation.js";
import { certificate } from "./support/certificate.js";
import { skip } from "./support/suite.js";
import { streamPair } from "./support/tcp.js";

async function connected(socket: net.Socket, event = "connect"): Promise<net.Socket> {
  await once(socket, event);
  return socket;
}

const connectTo = (port: number): Promise<Duplex> => connected(net.connect({ port, host: "127.0.0.1", noDelay: true }));

/** A way whose sockets a server of this process accepts. */
async function behind(server: net.Server, leave: () => Promise<void> = async () => {}): Promise<Way> {
  await once(server.listen(0, "127.0.0.1"), "listening");
  const { port } = server.address() as net.AddressInfo;
  return {
    connect: () => connectTo(port),
    async close() {
      server.close();
      await leave();
    },
  };
}

for (const [name, options] of Object.entries({ flowing: {}, paused: { pauseOnConnect: true }, unread: UNREAD })) {
  intakeContract(`a net.Server, ${name}`, {}, () => {
    const contract = wayInGate();
    return behind(net.createServer(options, (socket) => contract.adopt(socket)));
  });
}

intakeContract("octets that were read before adopt", {}, () => {
  const contract = wayInGate();
  return behind(
    net.createServer(UNREAD, (socket) => {
      // The socket of a client that ends, breaks or is silent for a while is adopted with nothing read.
      const give = (): void => {
        clearTimeout(timer);
        socket.removeListener("readable", give);
        socket.removeListener("error", give);
        contract.adopt(socket, { rest: (socket.read() as Buffer | null) ?? Buffer.alloc(0) });
      };
      const timer = setTimeout(give, HEAD_TIMEOUT / 4);
      socket.on("readable", give).on("error", give);
    }),
  );
});

intakeContract("a Duplex", { countsNothing: true }, async () => {
  const contract = wayInGate();
  return {
    async connect() {
      const [near, far] = streamPair();
      contract.adopt(far);
      return near;
    },
    async close() {},
  };
});

intakeContract("a UNIX-domain socket", {}, async () => {
  const contract = wayInGate();
  const path = join(tmpdir(), `headgate-intake-${process.pid}.socket`);
  const server = net.createServer((socket) => contract.adopt(socket)).listen(path);
  await once(server, "listening");
  return {
    connect: () => connected(net.connect({ path })),
    close: async () => void server.close(),
  };
});

intakeContract("a tls.Server", {}, async () => {
  const contract = wayInGate();
  const server = tls.createServer(certificate()).listen(0, "127.0.0.1");
  server.on("secureConnection", (socket) => contract.adopt(socket));
  await once(server, "listening");
  const { port } = server.address() as net.AddressInfo;
  return {
    connect: () => connected(tls.connect({ port, host: "127.0.0.1", rejectUnauthorized: false }), "secureConnect"),
    close: async () => void server.close(),
  };
});

/** A TLS client over a connection that is open already. */
async function secured(raw: Duplex, options: tls.ConnectionOptions = {}): Promise<Duplex> {
  const socket = tls.connect({ socket: raw, servername: "a", rejectUnauthorized: false, ...options });
  return connected(socket, "secureConnect");
}

const own = certificate("a");

/** A way whose clients speak TLS to what `adopt` gets. */
async function behindTls(adopt: (socket: net.Socket) => void, leave?: () => Promise<void>, preface = ""): Promise<Way> {
  const { connect, close } = await behind(net.createServer(UNREAD, adopt), leave);
  const speak = async (): Promise<Duplex> => {
    const raw = await connect();
    if (preface !== "") raw.write(preface);
    return secured(raw);
  };
  return { connect: speak, close };
}

intakeContract("TLS that the gate speaks", {}, async () => {
  const contract = wayInGate({ tls: { a: own } }, await listenersOfTls());
  return behindTls((socket) => contract.adopt(socket));
});

intakeContract("TLS that the gate speaks, in a Duplex", {}, async () => {
  const contract = wayInGate({ tls: { "*": own } }, await listenersOfTls());
  return {
    async connect() {
      const [near, far] = streamPair();
      contract.adopt(far);
      return secured(near);
    },
    async close() {},
  };
});

intakeContract("TLS behind a PROXY header", {}, async () => {
  const trust = { from: ["127.0.0.1"], proxyProtocol: true };
  const contract = wayInGate({ tls: { a: own }, trust }, await listenersOfTls());
  const preface = "PROXY TCP4 198.51.100.7 192.0.2.1 51234 443\r\n";
  return behindTls((socket) => contract.adopt(socket), undefined, preface);
});

intakeContract("TLS with a client's certificate", {}, async () => {
  const client = certificate("client");
  const contract = wayInGate({ tls: { a: { ...own, ca: client.cert, requestCert: true } } }, await listenersOfTls());
  const { connect, close } = await behind(net.createServer((socket) => contract.adopt(socket)));
  return { connect: async () => secured(await connect(), client), close };
});

intakeContract("TLS that is passed on by its server name to another gate", {}, async () => {
  const contract = wayInGate({ tls: { "*": own } }, await listenersOfTls());
  const front = createGate({
    vhosts: [{ name: "front", port: NO_LISTEN_SERVER }],
    tls: { a: ({ socket, rest }) => contract.adopt(socket, { rest }) },
  });
  return behindTls((socket) => front.adopt(socket));
});

intakeContract("TLS that is passed on by its server name to a child process", {}, async () => {
  const { child, leave } = await forked("adopted with TLS");
  const front = createGate({
    vhosts: [{ name: "front", port: NO_LISTEN_SERVER }],
    tls: { a: toProcess(child) },
  });
  return behindTls((socket) => front.adopt(socket), leave);
});

intakeContract("one port for several things: plain text and TLS in turn", {}, async () => {
  const contract = wayInGate(
    { tls: { a: own }, fallback: ({ socket }) => void socket.destroy() },
    await listenersOfTls(),
  );
  const { connect, close } = await behind(net.createServer((socket) => contract.adopt(socket)));
  let count = 0;
  return { connect: async () => (count++ % 2 === 0 ? connect() : secured(await connect())), close };
});

intakeContract("'upgrade' of an http.Server", { upgradesOnly: true, headIsRead: true }, () => {
  const contract = wayInGate();
  const server = http.createServer();
  server.on("upgrade", ({ method, url, rawHeaders }, socket, rest: Buffer) => {
    let head = `${method} ${url} HTTP/1.1\r\n`;
    for (let i = 0; i < rawHeaders.length; i += 2) head += `${rawHeaders[i]}: ${rawHeaders[i + 1]}\r\n`;
    contract.adopt(socket, { rest: Buffer.concat([Buffer.from(`${head}\r\n`, "latin1"), rest]) });
  });
  return behind(server);
});

async function forked(way = "adopted"): Promise<{ child: ChildProcess; leave: () => Promise<void> }> {
  const child = fork("dist/test/contract/child.js", [way]);
  await once(child, "message");
  return {
    child,
    async leave() {
      const exit = once(child, "exit");
      child.disconnect();
      await exit;
    },
  };
}

intakeContract("a parent process that reads nothing", {}, async () => {
  const { child, leave } = await forked();
  return behind(
    net.createServer(UNREAD, (socket) => void sendSocket(child, socket)),
    leave,
  );
});

intakeContract("a parent process that rules", { upgradesOnly: true }, async () => {
  const { child, leave } = await forked();
  const gate = createGate({
    vhosts: [{ name: "a", port: NO_LISTEN_SERVER, upgrades: { "*": toProcess(child) } }],
    limits: { headTimeout: HEAD_TIMEOUT },
  });
  return behind(
    net.createServer(UNREAD, (socket) => gate.adopt(socket)),
    leave,
  );
});

intakeContract("a worker of node:cluster", {}, async () => {
  const primary = spawn(process.execPath, ["dist/test/contract/child.js", "cluster"], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  const [port] = await once(primary.stdout, "data");
  return {
    connect: () => connectTo(Number(port)),
    async close() {
      const exit = once(primary, "exit");
      primary.kill("SIGTERM");
      await exit;
    },
  };
});

const missing = cannotActivate();
for (const [way, options] of [
  ["listeners", []],
  ["connection", ["--accept"]],
  ["inetd", ["--accept", "--inetd"]],
] as const) {
  const name = `systemd, ${way}`;
  if (missing !== null) skip(`intake: ${name}`, missing);
  else
    intakeContract(name, { ownProcess: way !== "listeners" }, async () => {
      const service = await activate(options, ["dist/test/contract/child.js", way]);
      return { connect: () => connectTo(Number(service.address.split(":")[1])), close: () => service.stop() };
    });
}
