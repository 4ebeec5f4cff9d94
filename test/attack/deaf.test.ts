// In:    clients of HTTP/2 that ask for more than both sides can hold, and read nothing.
// Out:   whether the gate closes their connections.
// Never: waits for Node to do it, which keeps a socket whose last write does not come back.

import { setTimeout as sleep } from "node:timers/promises";
import * as assert from "uvu/assert";
import { createGate } from "#src/gate.js";
import { type Fields, Flag, Frame, frame, headers, PREFACE, settings, words } from "../support/http2-frames.js";
import { openRoad, type RoadEnd, roads } from "../support/roads.js";
import { suite } from "../support/suite.js";
import { until } from "../support/until.js";

const IDLE = 150;
/** More than the buffers of both sides hold. */
const BODY = Buffer.alloc(64 * 1024 * 1024);
const WINDOW = 2 ** 31 - 1;

/** The preface of a client that lets a server send all it has. */
const greeting = Buffer.concat([
  PREFACE,
  settings([[4, WINDOW]]),
  frame(Frame.WINDOW_UPDATE, 0, 0, words(WINDOW - 65_535)),
]);

const test = suite("deaf clients");
const ends: RoadEnd[] = [];
test.after(() => Promise.all(ends.map((end) => end.close())));

/** What a client sends after its request. Some of it makes node:http2 destroy the session, which then waits for its last write. */
const said: Readonly<Record<string, Buffer>> = {
  "no more": Buffer.alloc(0),
  "a PING of seven octets": frame(Frame.PING, 0, 0, Buffer.alloc(7)),
  "SETTINGS on a stream": settings([], 0, 1),
  "GOAWAY with an error": frame(Frame.GOAWAY, 0, 0, words(0, 2)),
  "WINDOW_UPDATE by nothing": frame(Frame.WINDOW_UPDATE, 0, 0, words(0)),
};

for (const road of roads.filter(({ version }) => version === "HTTP/2")) {
  for (const [name, octets] of Object.entries(said)) {
    test(`a client that reads nothing and sends ${name}, ${road.name}`, async () => {
      const end = await openRoad(road, "adopted");
      ends.push(end);
      end.put(
        createGate({
          vhosts: [{ name: "localhost", port: "any" }],
          requests: (_request, response) => void response.end(BODY),
          http2: { cleartext: true },
          limits: { idleTimeout: IDLE },
        }),
      );
      const client = await end.connect();
      client.on("error", () => {}).pause();
      const get: Fields = [
        [":method", "GET"],
        [":scheme", road.secure ? "https" : "http"],
        [":authority", "localhost"],
        [":path", "/"],
      ];
      client.write(Buffer.concat([greeting, headers(1, get, Flag.END_STREAM)]));
      await sleep(IDLE / 2);
      client.write(octets);
      await until(() => end.ends.length > 0, "the connection is adopted");
      const how = await end.ends[0]!;
      assert.equal(how.kind, "abandoned");
      await until(() => end.open() === 0, "the connection is closed");
      client.destroy();
    });
  }
}
