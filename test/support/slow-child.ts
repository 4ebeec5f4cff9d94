// In:    sockets from a parent process; a name, and the milliseconds that pass before the next one is taken.
// Out:   to each client: a line with the name and what the parent has ruled; then every octet that came, from the head on.
// Never: runs tests; to-process.test.ts forks it.

import { setTimeout as sleep } from "node:timers/promises";
import { createGate, type Handover, NO_LISTEN_SERVER } from "#src/index.js";
import { receiveSockets, type SentDecision } from "#src/intake.js";
import "./heard.js";

const [, , name, pause] = process.argv;
const decisions = new WeakMap<object, SentDecision | null>();

function echo({ socket, head, rest }: Handover): void {
  socket.on("error", () => {});
  socket.write(`${name} ${JSON.stringify(decisions.get(socket))}\n`);
  socket.write(`${head}`, "latin1");
  socket.write(rest);
  socket.pipe(socket);
}

const gate = createGate({
  vhosts: [{ name: "a", port: NO_LISTEN_SERVER, upgrades: { "*": echo } }],
  requests(request, response) {
    response.setHeader("Child", `${name}`);
    request.pipe(response);
  },
});
const sockets = receiveSockets(process);
process.on("message", (message) => {
  if (message === "leave") void sockets.return!();
  if (message === "descriptors") {
    process.send!(process.getActiveResourcesInfo().filter((each) => each === "TCPSocketWrap").length);
  }
});
process.send!("up");
for await (const { socket, rest, arrival, decision } of sockets) {
  decisions.set(socket, decision);
  gate.adopt(socket, { rest, arrival });
  if (Number(pause) > 0) await sleep(Number(pause));
}
