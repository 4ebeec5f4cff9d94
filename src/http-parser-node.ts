// In:    imports of headgate/http-parser/node.
// Out:   the parser in the seat of node:http's own.
// Never: holds code beyond a call.

export type { ParseError } from "./engine/parse-error.js";
export { type Installation, type Seat, type SeatableServer, SeatUnavailable } from "./engine/seat.js";
export { install, useIn, whyUnavailable } from "./engine/use.js";
