// In:    servers of each kind, with connections that have no request.
// Out:   whether these outlast the end of listening, until a drain ends them.
// Never: starts another process; test/restart.test.ts does.

import { once } from "node:events";
import http from "node:http";
import net, { type AddressInfo } from "node:net";
import * as assert from "uvu/assert";
import { createGate } from "#src/gate.js";
import { stopAccepting } from "#src/intake.js";
import { get } from "./support/drained.js";
import { suite } from "./support/suite.js";
import { Client } from "./support/tcp.js";
import { settled } from "./support/until.js";

const test = suite("stopAccepting");

for (const mode of ["auto", "filter", "events"] as const) {
  test(`a kept-alive connection is served until a drain: ${mode}`, async () => {
    const server = http.createServer((_request, response) => void response.end("whole"));
    const gate = createGate({ vhosts: [{ name: "localhost", port: "any" }] });
    gate.guard(server, { mode });
    await once(server.listen(0, "127.0.0.1"), "listening");
    const { port } = server.address() as AddressInfo;
    const client = new Client(net.connect(port, "127.0.0.1"));
    await client.send(get("/"));
    await client.responses(1);
    const closed = once(server, "close");
    stopAccepting(server);
    assert.is(server.listening, false);
    await settled(() => Number(client.isClosed));
    await client.send(get("/"));
    await client.responses(2);
    const [error] = await once(net.connect(port, "127.0.0.1"), "error");
    assert.is(error.code, "ECONNREFUSED");
    await gate.drain();
    await closed;
    assert.equal((await client.all()).length, 2);
  });
}

test("a server that does not listen, and what is not a server", () => {
  stopAccepting(http.createServer());
  assert.throws(
    () => stopAccepting({ close() {} } as never),
    /^stopAccepting takes a server that listens, such as http\.createServer\(\); it is an object/,
  );
});
