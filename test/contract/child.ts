// In:    its way in, as an argument; sockets of that way.
// Out:   the contract's gate, in a process of its own.
// Never: runs tests; test/intake.test.ts starts it.

import cluster from "node:cluster";
import { createServer } from "node:net";
import { inetdConnection, receiveSockets, systemdConnection, systemdListeners } from "#src/intake.js";
import { wayInGate } from "#src/testing.js";
import { certificate } from "../support/certificate.js";
import { listenersOfTls } from "./gate.js";

const way = process.argv[2];
const speaksTls = way === "adopted with TLS";
const contract = speaksTls ? wayInGate({ tls: { "*": certificate("a") } }, await listenersOfTls()) : wayInGate();
if (way === "listeners") systemdListeners((socket) => contract.adopt(socket));
else if (way === "connection") contract.adopt(systemdConnection());
else if (way === "inetd") contract.adopt(inetdConnection());
else if (way === "cluster" && cluster.isPrimary) {
  cluster.fork();
  cluster.on("listening", (_worker, { port }) => console.log(port));
  process.once("SIGTERM", () => cluster.disconnect());
} else if (way === "cluster") {
  createServer({ pauseOnConnect: true }, (socket) => contract.adopt(socket)).listen(0, "127.0.0.1");
} else {
  process.send!("up");
  for await (const { socket, rest, arrival } of receiveSockets(process)) contract.adopt(socket, { rest, arrival });
}
