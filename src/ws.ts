// In:    imports of headgate/ws.
// Out:   the framer for npm ws.
// Never: holds code.

export { UpgradeRequest, type WebSocketLike, type WebSocketServerLike, wsFramer } from "./handover/ws.js";
