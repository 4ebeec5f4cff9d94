// In:    gates with toProcess, and TLS or HTTP/2 that the gate reads itself; wrong options.
// Out:   whether what cannot be sent to a process is refused when the gate is made, or at the handover; each wrong option.
// Never: starts a process.

import { once } from "node:events";
import http from "node:http";
import http2 from "node:http2";
import net from "node:net";
import tls from "node:tls";
import * as assert from "uvu/assert";
import { createGate, NO_LISTEN_SERVER, type RawConnection } from "#src/index.js";
import { sendSocket, toProcess } from "#src/intake.js";
import { certificate } from "./support/certificate.js";
import { ask } from "./support/http2-gate.js";
import { suite } from "./support/suite.js";
import { Client, octetsOf } from "./support/tcp.js";
import { told } from "./support/told-child.js";
import { handshakeFields } from "./support/world.js";

const cannot = suite("to process: what cannot travel");
const child = told();
const upgrades = { "/live": toProcess(child) };
const vhosts = [{ name: "a.example", port: NO_LISTEN_SERVER, upgrades } as const];
const throws = (make: () => unknown, message: RegExp): void => {
  assert.throws(make, (error: unknown) => error instanceof TypeError && message.test(error.message));
};

cannot("is refused where the gate is made, if that shows it", () => {
  const own = certificate("a.example");
  throws(
    () => createGate({ vhosts, tls: { "a.example": own } }),
    /^vhosts\[0\]\.upgrades\["\/live"\] is toProcess, and tls terminates TLS here for vhost a\.example; TLS state cannot be sent to a process: write tls: \{ "a\.example": toProcess\(child\) \}, and let the child speak TLS$/,
  );
  throws(() => createGate({ vhosts, tls: { "*": own } }), /tls terminates TLS here for vhost a\.example/);
  throws(
    () => createGate({ vhosts: [{ ...vhosts[0]!, name: "*.example" }], tls: { "**.example": own } }),
    /for vhost \*\.example/,
  );
  throws(
    () =>
      createGate({
        vhosts: [{ name: "[::1]", port: NO_LISTEN_SERVER }],
        tls: { "*": own },
        requests: toProcess(child),
      }),
    /^requests is toProcess, and tls terminates TLS here for vhost \[::1\]/,
  );
  throws(
    () => createGate({ vhosts, http2: { cleartext: true } }),
    /^vhosts\[0\]\.upgrades\["\/live"\] is toProcess, and http2\.cleartext admits WebSockets on streams.*enableConnectProtocol: false/,
  );
  throws(
    () =>
      createGate({
        vhosts: [{ name: "a" }],
        http2: { cleartext: true, enableConnectProtocol: false },
        requests: toProcess(child),
      }),
    /^requests is toProcess, and http2\.cleartext admits requests on streams.*; write http2: false$/,
  );
  throws(() => createGate({ vhosts }).guard(http.createServer()), /a guarded server reads its sockets by itself/);
  // Where the server of that name is the child, or all connections are, they can travel.
  createGate({ vhosts, tls: { "a.example": toProcess(child), "*": own } });
  createGate({ vhosts, tls: { "b.example": own } });
  createGate({ vhosts, tls: { "*": toProcess(({ hello }: RawConnection) => (hello === null ? null : child)) } });
  createGate({ vhosts, http2: { cleartext: true, enableConnectProtocol: false } });
  createGate({ vhosts: [{ name: "a" }], requests: toProcess(() => child) });
  createGate({ vhosts: [...vhosts, { name: "b" }] }).guard(http.createServer(), { vhosts: ["b"] });
});

cannot("is FRAMER_FAILED at the handover, where only the socket shows it", async () => {
  const gate = createGate({
    vhosts: [{ name: "localhost", port: NO_LISTEN_SERVER, upgrades }],
    requests: toProcess(child),
  });
  const causes: string[] = [];
  gate.on("abandoned", ({ code, cause }) => causes.push(`${code} ${(cause as Error).message}`));
  const server = tls.createServer({ ...certificate(), ALPNProtocols: ["h2", "http/1.1"] });
  server.on("secureConnection", (socket) => void gate.adopt(socket));
  await once(server.listen(0, "127.0.0.1"), "listening");
  const { port } = server.address() as net.AddressInfo;
  const secured = { port, host: "127.0.0.1", servername: "localhost", rejectUnauthorized: false };
  const client = new Client(tls.connect({ ...secured, ALPNProtocols: ["http/1.1"] }));
  await client.send(octetsOf(`GET /live HTTP/1.1\r\nHost: localhost\r\n${handshakeFields}\r\n`));
  assert.is((await client.all())[0]!.statusCode, 500);
  const session = http2.connect(`https://localhost:${port}`, { ...secured });
  assert.is((await ask(session, { ":path": "/", ":authority": "localhost" })).status, 500);
  session.close();
  assert.match(causes[0]!, /^FRAMER_FAILED TLS state cannot travel/);
  assert.match(causes[1]!, /^FRAMER_FAILED a stream of HTTP\/2 cannot be sent to a process/);
  server.close();
});

cannot("limits and options that are wrong", () => {
  throws(
    () => toProcess(child, { tries: 1 } as never),
    /^tries is not a setting of toProcess; the settings are limits; write limits: \{ tries \}$/,
  );
  throws(() => toProcess(child, { limits: { patience: 1 } as never }), /limits\.patience is not a limit/);
  assert.throws(
    () => toProcess(child, { limits: { tries: 0 } }),
    /limits\.tries is 0; it must be an integer from 1 to 100 children/,
  );
  const socket = new net.Socket();
  throws(() => sendSocket(child, socket, { limits: { tries: 1 } as never }), /limits\.tries is not a limit/);
  socket.destroy();
});
