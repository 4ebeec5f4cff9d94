// In:    sockets from a parent process, by the ways that headgate has for them.
// Out:   for each upgrade what its framer got: "<head and rest as one text>" after a first line with the process and the client.
// Never: runs tests; hand-on.test.ts forks it.

import { createGate, type Handover, NO_LISTEN_SERVER } from "#src/index.js";
import { receiveSockets } from "#src/intake.js";
import "./heard.js";

/** Reports what it got, with everything that arrives until the client ends. */
function tell({ socket, head, rest, arrival }: Handover): void {
  const octets: Uint8Array[] = [Buffer.from(`${head}`, "latin1"), rest];
  socket.on("data", (piece: Buffer) => octets.push(piece));
  socket.on("error", () => {});
  socket.once("end", () => {
    const line = `${process.argv[2]} ${arrival.remoteAddress} ${arrival.scheme} ${arrival.schemeSource}\n`;
    socket.end(Buffer.concat([Buffer.from(line), ...octets]));
  });
  socket.resume();
}

const gate = createGate({ vhosts: [{ name: "a", port: NO_LISTEN_SERVER, upgrades: { "*": tell } }] });
process.on("message", (message) => {
  if (message === "descriptors")
    process.send!(process.getActiveResourcesInfo().filter((name) => /Socket/.test(name)).length);
});
process.send!("up");
for await (const { socket, rest, arrival } of receiveSockets(process)) {
  gate.adopt(socket, { rest, arrival });
}
