// In:    imports of headgate/intake.
// Out:   the ways in for sockets of other processes.
// Never: holds code.

export { adopted, type Channel, type HandedOn } from "./intake/adopted.js";
export type { Given } from "./intake/envelope.js";
export { type Child, handOn, handOnTo, UNREAD } from "./intake/hand-on.js";
export {
  type Descriptor,
  inetdConnection,
  type SystemdListener,
  systemdConnection,
  systemdDescriptors,
  systemdListeners,
} from "./intake/systemd.js";
