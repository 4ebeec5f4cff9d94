// In:    one connection as standard input: systemd-socket-activate --accept --inetd -l 8081 node dist/examples/systemd/inetd.js
// Out:   one WebSocket; the process ends with it.
// Never: writes to standard output, which goes to the client.

import { inetdConnection } from "headgate/intake";
import { echoGate } from "./gate.js";

echoGate().adopt(inetdConnection());
