// In:    imports of headgate.
// Out:   the gate, the policy and the parser.
// Never: holds code.

export type { Framer, FramerLike, Handover } from "./framer/framer.js";
export { type AdoptOptions, createGate, type Gate, type GateEvents, type GateOptions } from "./gate.js";
export type { Abandoned, AbandonedCode, End } from "./intake/adoption.js";
export type { GateLimits } from "./limits.js";
export * from "./parser.js";
export * from "./policy.js";
