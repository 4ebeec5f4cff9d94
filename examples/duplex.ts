// In:    nothing; it plays both ends of a tunnel itself: node dist/examples/duplex.js
// Out:   a response through the tunnel, with what the gate knew of the client, and how the connection ended.
// Never: opens a port.

import { once } from "node:events";
import { request } from "node:http";
import type { Socket } from "node:net";
import { duplexPair } from "node:stream";
import { text } from "node:stream/consumers";
import { createGate, explain, NO_LISTEN_SERVER } from "headgate";

const gate = createGate({
  vhosts: [{ name: "device.example", port: NO_LISTEN_SERVER, requires: "https" }],
  requests: (request, response) => response.end(`for ${gate.arrivalOf(request)?.remoteAddress}`),
});
gate.on("accepted", (decision) => console.log(explain(decision)));
gate.on("refused", (decision) => console.log(decision.statusCode, explain(decision)));

// Bytes that arrive some other way: over an SSH channel, a multiplexed stream, or here a pair in memory. Such a stream knows
// nothing about its client; pass what you know.
const [near, far] = duplexPair();
const end = gate.adopt(far, { arrival: { scheme: "https", remoteAddress: "198.51.100.7" } }).ended;

const client = request({ host: "device.example", createConnection: () => near as Socket }).end();
const [response] = await once(client, "response");
console.log("the client:", response.statusCode, await text(response));
near.end();
console.log((await end).kind);
