// In:    imports of headgate/intake.
// Out:   the ways in for sockets of other processes.
// Never: holds code.

export type { Child } from "./intake/child-link.js";
export type { ProcessLimits } from "./intake/limits.js";
export { type Channel, type ReceivedSocket, receiveSockets } from "./intake/receive-sockets.js";
export { sendSocket, UNREAD } from "./intake/send-socket.js";
export type { SentDecision, SocketDetails } from "./intake/socket-message.js";
export { stopAccepting } from "./intake/stop-accepting.js";
export {
  type Descriptor,
  inetdConnection,
  type SystemdListener,
  systemdConnection,
  systemdDescriptors,
  systemdListeners,
} from "./intake/systemd.js";
export { type ToProcessOptions, toProcess } from "./intake/to-process.js";
