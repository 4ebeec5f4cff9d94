// In:    connections of HTTP/2 that break and are closed before their client has acknowledged the server's SETTINGS.
// Out:   whether their sessions can be collected as garbage.
// Never: examines what the client is answered.

import { queryObjects } from "node:v8";
import * as assert from "uvu/assert";
import { Session } from "#src/connection/http2/session.js";
import { createGate } from "#src/gate.js";
import { Flag, Frame, frame, headers, hello, PREFACE, words } from "./support/http2-frames.js";
import { GET, vhosts } from "./support/http2-gate.js";
import { openRoad, roads } from "./support/roads.js";
import { suite } from "./support/suite.js";
import { Client } from "./support/tcp.js";
import { until } from "./support/until.js";

const test = suite("broken sessions");
const CLIENTS = 20;
/** The last one, to which the stack may still refer. */
const LAST = 1;

const sessions = (): number => queryObjects(Session as never) as number;

const faults: Record<string, Buffer> = {
  "another preface": Buffer.from("PRI * HTTP/2.1\r\n\r\nSM\r\n\r\n"),
  "octets that are not frames": Buffer.concat([PREFACE, Buffer.alloc(100, "x")]),
  "no SETTINGS": Buffer.concat([PREFACE, frame(Frame.PING, 0, 0, Buffer.alloc(8))]),
  "GOAWAY of a fault": Buffer.concat([hello(), frame(Frame.GOAWAY, 0, 0, words(0, 11))]),
  "a stream of the server": Buffer.concat([hello(), headers(2, GET, Flag.END_STREAM)]),
  "a stream that waits, and a fault": Buffer.concat([
    hello(),
    headers(1, GET),
    frame(Frame.WINDOW_UPDATE, 0, 0, words(0)),
  ]),
};

for (const road of roads.slice(2)) {
  for (const [name, octets] of Object.entries(faults)) {
    test(`${road.name}: ${name}`, async () => {
      const before = sessions();
      const end = await openRoad(road, "adopted");
      end.put(createGate({ vhosts, http2: { cleartext: true }, requests: () => {} }));
      for (let i = 0; i < CLIENTS; i++) {
        const client = new Client(await end.connect());
        await client.send(octets);
        client.stream.destroy();
      }
      await until(() => end.open() === 0, "every connection is closed");
      // The arrival of an end refers to its socket.
      await Promise.all(end.ends.splice(0));
      await end.close();
      const kept = sessions() - before;
      assert.ok(kept <= LAST, `${kept} of ${CLIENTS} sessions are kept`);
    });
  }
}
