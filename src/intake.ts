// In:    imports of headgate/intake.
// Out:   the ways in for sockets of other processes.
// Never: holds code.

export { adopted, type Channel, type HandedOn } from "./intake/receive-sockets.js";
export { type Child, handOn, handOnTo, UNREAD } from "./intake/send-socket.js";
export type { Given } from "./intake/socket-message.js";
export {
  type Descriptor,
  inetdConnection,
  type SystemdListener,
  systemdConnection,
  systemdDescriptors,
  systemdListeners,
} from "./intake/systemd.js";
