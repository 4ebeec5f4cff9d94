// In:    every road to a gate, adopting and guarding.
// Out:   the contract of framers, run on each, and what npm ws has besides.
// Never: asks of one road what it does not ask of the others.

import { WebSocketServer } from "ws";
import { wsFramer } from "#src/handover/ws.js";
import { type FramerRoad, framerContract } from "#src/testing.js";
import { wsContract } from "./contract/framer.js";
import { openRoad, roads, type Way } from "./support/roads.js";
import { suite } from "./support/suite.js";

/** As the others of the kit, and over TLS. */
const along = (way: Way): FramerRoad[] =>
  roads.map((road) => ({
    name: `${road.name}, ${way}`,
    version: road.version,
    async open(gate) {
      const end = await openRoad(road, way);
      end.put(gate);
      return end;
    },
  }));

function echo(): WebSocketServer {
  const wss = new WebSocketServer({ noServer: true });
  wss.on("connection", (webSocket) => {
    webSocket.on("error", () => {});
    webSocket.on("message", (data, binary) => webSocket.send(data, { binary }));
  });
  return wss;
}

const test = suite("framer: the contract, wsFramer");
for (const { name, run } of framerContract({
  framer: () => wsFramer(echo()),
  roads: [...along("adopted"), ...along("guarded")],
  patience: 60_000,
})) {
  test(name, run);
}

for (const road of roads) {
  for (const way of ["adopted", "guarded"] as const) wsContract(suite(`wsFramer: ${road.name}, ${way}`), road, way);
}
