// In:    one connection of headgate-each.socket: systemd-socket-activate --accept -l 8081 node dist/examples/systemd/connection.js
// Out:   one WebSocket; the process ends with it.
// Never: opens a port.

import { systemdConnection } from "headgate/intake";
import { echoGate } from "./gate.js";

echoGate().adopt(systemdConnection());
