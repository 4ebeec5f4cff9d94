// In:    listening sockets of headgate.socket: systemd-socket-activate -l 8080 --fdname=web node dist/examples/systemd/listener.js
// Out:   WebSockets, all in this process.
// Never: opens a port.

import { systemdListeners } from "headgate/intake";
import { echoGate } from "./gate.js";

const gate = echoGate();
for (const { name } of systemdListeners((socket) => gate.adopt(socket))) console.error(`serving ${name}`);
