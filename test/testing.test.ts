// In:    the contract of framers; framers over npm ws and crossws, and some that are wrong on purpose.
// Out:   whether those that keep to it pass, and each of the others fails by a message that names its fault.
// Never: repeats the contract; test/framer.test.ts runs it on wsFramer on every road.

import { execFileSync } from "node:child_process";
import { once } from "node:events";
import net from "node:net";
import crossws from "crossws/adapters/node";
import * as assert from "uvu/assert";
import { WebSocketServer } from "ws";
import type { Framer, Handover } from "#src/handover/framer.js";
import { wsFramer } from "#src/handover/ws.js";
import { ContractBreach, framerContract, framerRoads, wayInContract, wayInGate } from "#src/testing.js";
import { crosswsFramer } from "./support/crossws-framer.js";
import { suite } from "./support/suite.js";

function echo(): Framer {
  const wss = new WebSocketServer({ noServer: true });
  wss.on("connection", (webSocket) => {
    webSocket.on("error", () => {});
    webSocket.on("message", (data, binary) => webSocket.send(data, { binary }));
  });
  return wsFramer(wss);
}

const kept = suite("testing: the contract of framers, crossws");
const overCrossws = (): Framer => {
  const wss = new WebSocketServer({ noServer: true });
  const adapter = crossws({
    wss: wss as never,
    hooks: {
      message: (peer, message) =>
        void peer.send(typeof message.rawData === "string" ? message.text() : message.uint8Array()),
    },
  });
  return crosswsFramer(adapter, wss);
};
for (const { name, run } of framerContract({ framer: overCrossws, patience: 60_000 })) kept(name, run);

/** `wsFramer`, with something in place of a method. */
const instead = (change: (framer: Framer) => Partial<Framer>) => (): Framer => {
  const framer = echo();
  return { ...framer, ...change(framer) };
};

const wrong: Record<string, { framer: () => Framer; fails: string; says: RegExp }> = {
  "drops the octets after the head": {
    framer: instead(({ take }) => ({
      take: (handover) => take(Object.create(handover, { rest: { value: new Uint8Array() } })),
    })),
    fails: "octets that come with the head are read first, once, and in order",
    says: /^(?:the message "\w+", of which \d+ octets in all came with the head, has |the connection has ended, and the message ).*; handover\.rest has the octets after the head, and no other copy exists/,
  },
  "leaves its socket paused": {
    framer: instead(({ take }) => ({
      take(handover) {
        const taken = take(handover);
        handover.socket.pause();
        return taken;
      },
    })),
    fails: "answers the opening handshake, and listens for errors",
    says: /^a message of 5 octets has not come back; a framer has to resume its socket once it listens \(waited for 300 ms\)$/,
  },
  "does not listen for errors": {
    framer: instead(({ take }) => ({
      take(handover) {
        const taken = take(handover);
        handover.socket.removeAllListeners("error");
        return taken;
      },
    })),
    fails: "answers the opening handshake, and listens for errors",
    says: /^the framer does not listen for 'error' on its socket; a client that resets its connection ends the process$/,
  },
  "closes with a code of its own": {
    framer: instead(({ drain }) => ({ drain: (socket) => drain!(socket, 1000) })),
    fails: "drain closes the socket that it is given, with the code that it is given",
    says: /^drain\(socket, 4001\) has closed the WebSocket with 1000$/,
  },
  "drains without a close frame": {
    framer: instead(() => ({ drain: (socket) => void socket.destroy() })),
    fails: "gate.drain() ends its connections in time",
    says: /^gate\.drain\(\{ closeCode: 1012 \}\) has closed a WebSocket with null$/,
  },
  "removes the listeners of others": {
    framer: instead(({ take }) => ({
      take(handover) {
        handover.socket.removeAllListeners("close");
        return take(handover);
      },
    })),
    fails: "a client that goes without a close leaves nothing",
    says: /^the gate still counts sockets that have closed; the framer has removed its listener of 'close' /,
  },
  "answers the handshake by itself": {
    framer: () => ({
      take({ socket }: Handover) {
        socket.on("error", () => {});
        socket.write("HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n");
      },
    }),
    fails: "a ping is answered",
    says: /^Sec-WebSocket-Accept is undefined; for the key \S+ it is s3pPLMBiTxaQ9kYGzzhZRbK\+xOo= \(RFC 6455 §4\.2\.2\)$/,
  },
};

const breached = suite("testing: framers that are wrong");
const [adopted] = framerRoads;
for (const [what, { framer, fails, says }] of Object.entries(wrong)) {
  breached(what, async () => {
    const cases = framerContract({ framer, roads: [adopted!], patience: 300 });
    const { run } = cases.find(({ name }) => name === `HTTP/1.1, adopted: ${fails}`)!;
    const error = await run().then(
      () => null,
      (thrown: unknown) => thrown,
    );
    assert.instance(error, ContractBreach);
    assert.match((error as Error).message, says);
  });
}

breached("a way in that reads, and does not pass on what it has read", async () => {
  const gate = wayInGate();
  let count = 0;
  const server = net.createServer((socket) => {
    // The first connection asks for the gate's state.
    if (count++ === 0) gate.adopt(socket);
    else socket.once("data", () => gate.adopt(socket));
  });
  const contract = wayInContract({
    async open() {
      await once(server.listen(0, "127.0.0.1"), "listening");
      const { port } = server.address() as net.AddressInfo;
      return {
        async connect() {
          const socket = net.connect({ port, host: "127.0.0.1", noDelay: true });
          await once(socket, "connect");
          return socket;
        },
        close: async () => void server.close(),
      };
    },
  });
  const { run } = contract.cases.find(({ name }) => name === "at cuts in two")!;
  const error = await run().then(
    () => null,
    (thrown: unknown) => thrown,
  );
  await contract.close();
  assert.instance(error, ContractBreach);
  assert.match((error as Error).message, /^a cut after octet 1 is answered with 400, and not with 101$/);
});

breached("options of another form", () => {
  assert.throws(
    () => framerContract({ framer: echo() } as never),
    /^framer is .*; it must be a function that makes one/,
  );
  assert.throws(() => wayInContract({ open: {} } as never), /^open is .*; it must be a function that opens the way/);
  assert.throws(
    () => framerContract({ framer: echo, road: [] } as never),
    /^road is not a setting of a framer's contract; the settings are framer, roads, patience/,
  );
});

breached("the cases run under node:test", () => {
  const program = `
    import test from "node:test";
    import { framerContract } from "headgate/testing";
    import { wsFramer } from "headgate/ws";
    import { WebSocketServer } from "ws";
    const framer = () => {
      const wss = new WebSocketServer({ noServer: true });
      wss.on("connection", (webSocket) => webSocket.on("message", (data, binary) => webSocket.send(data, { binary })));
      return wsFramer(wss);
    };
    for (const { name, run } of framerContract({ framer, patience: 60_000 })) test(name, run);`;
  const output = execFileSync(process.execPath, ["--input-type=module", "-e", program], { encoding: "utf8" });
  assert.match(output, new RegExp(`^(?:#|ℹ) pass ${framerContract({ framer: echo }).length}$`, "m"));
  assert.match(output, /^(?:#|ℹ) fail 0$/m);
});
