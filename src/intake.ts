// In:    imports of headgate/intake.
// Out:   the ways in for sockets of other processes.
// Never: holds code.

export { type Channel, type ReceivedSocket, receiveSockets } from "./intake/receive-sockets.js";
export { type Child, sendSocket, toProcess, UNREAD } from "./intake/send-socket.js";
export type { SocketDetails } from "./intake/socket-message.js";
export { stopAccepting } from "./intake/stop-accepting.js";
export {
  type Descriptor,
  inetdConnection,
  type SystemdListener,
  systemdConnection,
  systemdDescriptors,
  systemdListeners,
} from "./intake/systemd.js";
